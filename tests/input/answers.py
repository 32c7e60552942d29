"""What every answer has in common, whatever was sent."""

from collections.abc import Callable
from typing import Any

import httpx

from support import Service, User

Record = Callable[[str, object], None]
"""pytest's `record_property`: the terminal shows at the end how often something was, of how many tries."""

MEDIA_TYPE = "application/problem+json"
UNAVAILABLE = 503


class Watched(Service):
    """A running server whose answers are all looked at."""

    def client(self, token: str | None = None) -> httpx.Client:
        client = super().client(token)
        client.event_hooks = {"response": [check]}
        return client


def watched(service: Service) -> Watched:
    return Watched(service.url, service.app, service.postgres, service.clients)


def check(answer: httpx.Response) -> None:
    """Nothing that is sent is a fault of the server, and every refusal is a problem (RFC 9457)."""
    answer.read()
    assert answer.status_code < 500 or answer.status_code == UNAVAILABLE, answer.text
    assert not answer.is_redirect
    if answer.is_client_error or answer.is_server_error:
        assert answer.headers["content-type"] == MEDIA_TYPE
        if answer.request.method != "HEAD":
            problem = answer.json()
            assert problem.keys() - {"errors"} == {"type", "title", "status", "code", "detail"}
            assert problem["status"] == answer.status_code


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    assert answer.status_code >= 400, f"{answer.status_code} {answer.text[:300]}"
    return answer.status_code, answer.json()["code"]


def faults(answer: httpx.Response) -> dict[tuple[Any, ...], str]:
    """What is wrong with which part of a request that was refused as malformed."""
    assert refusal(answer) == (422, "validation_failed"), answer.text[:300]
    return {tuple(fault["location"]): fault["code"] for fault in answer.json()["errors"]}


def send_json(user: User, path: str, body: bytes | str, method: str = "POST") -> httpx.Response:
    """Sends a body as it stands, and says that it is JSON."""
    return user.client.request(method, path, content=body, headers={"Content-Type": "application/json"})
