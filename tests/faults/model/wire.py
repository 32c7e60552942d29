"""HTTP between the model and the service: without what a client does for servers that nobody knows."""

from collections.abc import Iterator
from typing import Any

import httpx

from faults.covered import Covered
from transport import Transport


class Client(httpx.Client):
    """A user's client: it sends a token, no cookies, and goes where it is told to."""

    def __init__(self, url: str, wire: Transport, token: str | None, covered: Covered) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(base_url=url, headers=headers, transport=wire, trust_env=False, timeout=60)
        self._wire = wire
        self._covered = covered

    def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        answer = self._wire.handle_request(request)
        answer.request = request
        if not stream:
            answer.read()
        self._covered.note(answer)
        return answer


def lines_of(answer: httpx.Response) -> Iterator[str]:
    """The lines of a stream. Text may have in it what Python, but no stream, takes for the end of one."""
    rest = b""
    for data in answer.iter_raw():
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)
