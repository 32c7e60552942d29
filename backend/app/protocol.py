"""HTTP/1.1 as uvicorn speaks it, with an end to what a client may send before anybody looks at it."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .api.errors import MEDIA_TYPE, refusal
from .api.strict import BODY_SECONDS
from .errors import ChatError, HeadTooLarge, RequestUnreadable, TargetTooLong, TooManyConnections

MAX_TARGET_BYTES = 8_192
"""The longest that a path and its query may be. The longest search, with each byte escaped, has 3 KB."""

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 100

HEAD_SECONDS = 10
"""From the first byte, or from the connection, to the end of the headers."""

UNREAD_SECONDS = BODY_SECONDS + 5
"""From the headers to the end of the body. Whoever reads it has answered by then; but often nobody does."""


class Guarded(HttpToolsProtocol):
    """Refuses what is no HTTP, and heads that are too large, too slow or of too many connections, and closes.

    It also closes under a body that does not end, though the request was answered long before.
    """

    max_connections: ClassVar[int]
    _refusal: ChatError | None = None
    _deadline: asyncio.TimerHandle | None = None
    _body_deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refusal = TooManyConnections()
            self.send_400_response("")
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_waiting_for_body()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # A header that does not end is kept by the parser, which tells nobody.
        if self._deadline is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refusal = HeadTooLarge()
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:  # another request on the same connection
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._refuse(TargetTooLong())

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.headers) > MAX_HEADERS or size > MAX_HEAD_BYTES:
            self._refuse(HeadTooLarge())

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._body_deadline = self.loop.call_later(UNREAD_SECONDS, self.transport.close)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_waiting_for_body()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # those of uvicorn are plain text
        """The answer to what must not be read and, called by uvicorn, to what it cannot read."""
        error = self._refusal or RequestUnreadable()
        problem = refusal(error)
        body = problem.model_dump_json(exclude_none=True).encode()
        fields = {
            "content-type": MEDIA_TYPE,
            "content-length": len(body),
            "connection": "close",
            **error.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(f"HTTP/1.1 {problem.status} {problem.title}\r\n{head}\r\n".encode() + body)
        self.transport.close()

    def _refuse(self, error: ChatError) -> None:
        """Called by the parser: what is raised ends its work, and uvicorn answers by `send_400_response`."""
        self._refusal = error
        raise error

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_waiting_for_body(self) -> None:
        if self._body_deadline is not None:
            self._body_deadline.cancel()
            self._body_deadline = None
