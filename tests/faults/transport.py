"""HTTP to services of this machine, beside an event loop: it costs a fraction of a client for all servers."""

import asyncio
import select
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import partial
from typing import cast

import httpx
from httptools import HttpParserError

from transport import Answer, head_of

KEPT = 30
"""Seconds. The service hangs up where nothing was asked for long: a request might just be on its way."""


class Transport(httpx.AsyncBaseTransport):
    """Opens a line where none is idle, however many there are, and uses lines again, as a browser does.

    Raises httpx.TransportError where a line breaks: an answer without its end is none. The length of what is
    sent is known, and an answer says how long it is, or comes in chunks.
    """

    def __init__(self) -> None:
        self._lines: set[_Line] = set()
        self._idle: defaultdict[bytes, list[_Line]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions["timeout"]
        line = self._idle_line(request.url) or await self._new_line(request.url, timeouts["connect"])
        try:
            answer = line.ask(request, timeouts["read"])
            await answer.begins()
        except BaseException:
            line.hang_up()
            raise
        return httpx.Response(answer.status, headers=answer.headers, stream=answer)

    async def aclose(self) -> None:
        """Hangs up, also where an answer is being read."""
        for line in tuple(self._lines):
            line.hang_up()

    def _idle_line(self, url: httpx.URL) -> "_Line | None":
        idle = self._idle[url.netloc]
        while idle:
            line = idle.pop()
            if line.usable:
                return line
            line.hang_up()
        return None

    async def _new_line(self, url: httpx.URL, seconds: float | None) -> "_Line":
        line = partial(_Line, self._lines, self._idle[url.netloc])
        connect = asyncio.get_running_loop().create_connection
        try:
            async with asyncio.timeout(seconds):
                return (await connect(line, url.host, url.port or 80))[1]
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error


class _Line(asyncio.Protocol):
    """A connection, for one request after the other."""

    def __init__(self, lines: set["_Line"], idle: list["_Line"]) -> None:
        self._lines, self._idle = lines, idle
        self._idle_since = 0.0
        self._answer: _Answer | None = None

    @property
    def usable(self) -> bool:
        """Whether the service has not hung up, and is not about to."""
        fresh = time.monotonic() - self._idle_since < KEPT
        return fresh and not self._transport.is_closing() and not self._readable.poll(0)

    def ask(self, request: httpx.Request, seconds: float | None) -> "_Answer":
        """Sends it. The answer may pause for so long."""
        self._answer = _Answer(self, seconds)
        self._transport.write(head_of(request) + request.content)
        return self._answer

    def keep(self) -> None:
        """For the next request."""
        self._answer = None
        self._idle_since = time.monotonic()
        self._idle.append(self)

    def hang_up(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's inherits from nothing
        self._readable = select.poll()
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._lines.add(self)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked
            self.hang_up()
            return
        try:
            self._answer.parser.feed_data(data)
        except HttpParserError as error:
            self._answer.breaks(httpx.RemoteProtocolError(str(error)))
            self.hang_up()
        self._answer.news.set()

    def eof_received(self) -> None:
        self.hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        self._lines.discard(self)
        if self._answer is not None and not self._answer.whole:
            early = httpx.RemoteProtocolError("it hung up before the end of an answer")
            self._answer.breaks(httpx.ReadError(str(error)) if error else early)
            self._answer = None


class _Answer(Answer, httpx.AsyncByteStream):
    """What comes for one request."""

    def __init__(self, line: _Line, seconds: float | None) -> None:
        super().__init__()
        self._line, self._seconds = line, seconds
        self._fault: httpx.TransportError | None = None
        self.news = asyncio.Event()

    async def begins(self) -> None:
        """Returns when the head has come."""
        while not self.status:
            await self._more()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.pieces or not self.whole:
            if self.pieces:
                pieces, self.pieces = self.pieces, []
                yield b"".join(pieces)
            else:
                await self._more()
        if isinstance(self._fault, httpx.RemoteProtocolError):  # it said more than this answer
            raise self._fault

    async def aclose(self) -> None:
        """Who leaves before the end, hangs up."""
        if self.whole and self.keeps and self._fault is None:
            self._line.keep()
        else:
            self._line.hang_up()

    def breaks(self, fault: httpx.TransportError) -> None:
        self._fault = self._fault or fault
        self.news.set()

    async def _more(self) -> None:
        if self._fault is not None:
            raise self._fault
        self.news.clear()
        try:
            async with asyncio.timeout(self._seconds):
                await self.news.wait()
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
