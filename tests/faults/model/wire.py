"""HTTP between the model and the service, for a fraction of what a client for all servers costs."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from select import select
from typing import Any

import httpx

from faults.covered import Covered

PIECE = 65_536
_NONE = httpx.BaseTransport()
"""Of httpx's own: it would read certificates for each client."""


class Wire:
    """Connections to one service, which all its users share. They are used again, as by a browser."""

    def __init__(self) -> None:
        self.port = 0
        """Where the service listens."""
        self._idle: list[HTTPConnection] = []

    def send(self, request: httpx.Request) -> httpx.Response:
        connection = self._connection()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw}
        connection.request(request.method, request.url.raw_path.decode("ascii"), request.read(), headers)
        answer = connection.getresponse()
        return httpx.Response(
            answer.status,
            headers=answer.getheaders(),
            stream=_Body(answer, connection, self._idle),
            request=request,
        )

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> HTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if not select([connection.sock], [], [], 0)[0]:  # else it was closed there
                return connection
            connection.close()
        return HTTPConnection("127.0.0.1", self.port, timeout=60)


class Client(httpx.Client):
    """A user's client: it sends a token, no cookies, and goes where it is told to."""

    def __init__(self, wire: Wire, token: str | None, covered: Covered) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(base_url="http://service", headers=headers, transport=_NONE, trust_env=False)
        self._wire = wire
        self._covered = covered

    def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        answer = self._wire.send(request)
        if not stream:
            answer.read()
        self._covered.note(answer)
        return answer


class _Body(httpx.SyncByteStream):
    """What an answer says. Who leaves before its end, hangs up."""

    def __init__(self, answer: HTTPResponse, connection: HTTPConnection, idle: list[HTTPConnection]) -> None:
        self._answer, self._connection, self._idle = answer, connection, idle

    def __iter__(self) -> Iterator[bytes]:
        if not self._answer.chunked:
            yield self._answer.read()
            return
        while piece := self._answer.read1(PIECE):
            yield piece

    def close(self) -> None:
        if self._answer.isclosed() and self._connection.sock is not None:
            self._idle.append(self._connection)
        else:
            self._answer.close()
            self._connection.close()


def lines_of(answer: httpx.Response) -> Iterator[str]:
    """The lines of a stream. Text may have in it what Python, but no stream, takes for the end of one."""
    rest = b""
    for data in answer.iter_raw():
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)
