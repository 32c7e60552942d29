"""HTTP between the model and the service: without what a client does for servers that nobody knows."""

from collections.abc import Iterator
from typing import Any

import httpx

from faults.covered import Covered
from transport import Transport


class Client(httpx.Client):
    """A user's client: it sends a token and no cookies, and follows no redirect."""

    def __init__(self, url: str, transport: Transport, token: str | None, covered: Covered) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(base_url=url, headers=headers, transport=transport, trust_env=False, timeout=60)
        self._shared = transport
        self._covered = covered

    def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        answer = self._shared.handle_request(request)
        answer.request = request
        try:
            if not stream:
                answer.read()
            self._covered.note(answer)
        except BaseException:
            answer.close()
            raise
        return answer


def lines_of(answer: httpx.Response) -> Iterator[str]:
    """The lines of a stream. Text may have in it what Python, but no stream, takes for the end of one."""
    rest = b""
    for data in answer.iter_raw():
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)
