"""uvicorn's HTTP/1.1, with limits on what a client may send before the application reads it."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .api.errors import MEDIA_TYPE, refusal
from .api.middleware import NOSNIFF, SECURITY
from .api.strict import BODY_SECONDS
from .errors import ChatError, HeadTooLarge, RequestUnreadable, TargetTooLong, TooManyConnections
from .outgoing import Outgoing

MAX_TARGET_BYTES = 8_192
"""The limit for a path with its query. The longest search, with each byte escaped, has 3 KB."""

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 100

HEAD_SECONDS = 10
"""The time from the first byte, or from the connection, to the end of the headers."""

UNREAD_SECONDS = BODY_SECONDS + 5
"""The time from the headers to the end of the body. A route that reads it answers by then; many do not."""


class Guarded(HttpToolsProtocol):
    """Refuses invalid HTTP, heads that are too large or too slow, and too many connections; then it closes.

    It also closes if a body does not end, even if its request was answered long before, and if the client
    stops reading. A connection without a running request always has at least one timer.
    """

    max_connections: ClassVar[int]
    transport: Outgoing
    _refusal: ChatError | None = None
    _deadline: asyncio.TimerHandle | None = None
    _body_deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _headers_bytes = 0
    _hosts = 0
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Outgoing(transport, self.loop)
        if len(self.connections) > self.max_connections:
            self._refusal = TooManyConnections()
            self.send_400_response("")
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_waiting_for_body()
        self.transport.rest()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.transport.rest()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_unwatched():  # an empty line, for example, which the parser does not report
            self._expect_head()
        # The parser buffers a header that does not end, without reporting it.
        if self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refusal = HeadTooLarge()
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()  # the same data may have ended the previous request
        self._headers_bytes = self._hosts = 0
        self._in_head = True
        if self._deadline is None:  # another request on the same connection
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._refuse(TargetTooLong())

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts trailers too, but drops them: no proxy checks them for headers that only it may set."""
        if self._in_head:
            super().on_header(name, value)
            self._hosts += name.lower() == b"host"
        self._headers_bytes += len(name) + len(value)
        if len(self.headers) > MAX_HEADERS or self._headers_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadTooLarge())

    def on_headers_complete(self) -> None:
        """Refuses two hosts, or none: a proxy may have read another one than we (RFC 9112, section 3.2)."""
        if self._hosts > 1 or (self._hosts == 0 and self.parser.get_http_version() != "1.0"):
            self._refuse(RequestUnreadable())
        self._in_head = False
        self._stop_waiting()
        self._expect_body()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_waiting_for_body()
        super().on_message_complete()
        if self._is_unwatched():  # it was answered first, and uvicorn stops its own timer at each byte
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's own are plain text
        """Answers a request that is refused or, when uvicorn calls this, that it cannot parse."""
        error = self._refusal or RequestUnreadable()
        problem = refusal(error)
        body = problem.model_dump_json(exclude_none=True).encode()
        fields = {
            "content-type": MEDIA_TYPE,
            "content-length": len(body),
            "connection": "close",
            **{name.decode(): value.decode() for name, value in (*SECURITY, NOSNIFF)},
            **error.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(f"HTTP/1.1 {problem.status} {problem.title}\r\n{head}\r\n".encode() + body)
        self.transport.close()

    def _refuse(self, error: ChatError) -> None:
        """Raises the error in a parser callback: the parser stops, and uvicorn calls `send_400_response`."""
        self._refusal = error
        raise error

    def _is_unwatched(self) -> bool:
        timers = (self._deadline, self._body_deadline, self.timeout_keep_alive_task)
        return self.cycle is not None and self.cycle.response_complete and timers == (None, None, None)

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._no_head)

    def _no_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:  # an earlier request is running, and the next one is not read meanwhile
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._no_head)

    def _expect_body(self) -> None:
        self._body_deadline = self.loop.call_later(UNREAD_SECONDS, self._no_body)

    def _no_body(self) -> None:
        if self.pipeline:  # the request waits for its turn, and its body is not read meanwhile
            self._expect_body()
        else:
            self.transport.close()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_waiting_for_body(self) -> None:
        if self._body_deadline is not None:
            self._body_deadline.cancel()
            self._body_deadline = None
