"""The line between a client and the service: cut in the middle of what either says, and slow."""

from collections.abc import Iterator
from typing import get_args

import httpx
import pytest
from sqlalchemy.engine import make_url

from line import Ending
from proxy import Proxy, before
from support import Service, User
from turns.reading import streamed, text

SOON = 5
"""Seconds in which who is cut off sees it."""

CUT_OFF = (httpx.NetworkError, httpx.RemoteProtocolError)
"""How a client sees it; a time-out is none of them."""


@pytest.fixture
def proxy(service: Service) -> Iterator[Proxy]:
    with before(make_url(service.url)) as proxy:
        yield proxy


@pytest.fixture
def far(alice: User, proxy: Proxy) -> Iterator[User]:
    """Alice, behind the proxy."""
    with httpx.Client(
        base_url=proxy.text, headers=alice.client.headers, timeout=SOON, verify=False
    ) as client:
        yield User(alice.id, alice.token, client)


@pytest.mark.parametrize("ending", get_args(Ending))
@pytest.mark.parametrize(
    ("marker", "after"), [(b"POST", 0), (b"POST", 100), (b'"title"', 0), (b'"title"', 10)]
)
def test_a_request_that_is_cut_is_not_done(
    marker: bytes, after: int, ending: Ending, proxy: Proxy, alice: User, far: User
) -> None:
    proxy.trap(marker, "request", after=after, ending=ending)
    with pytest.raises(CUT_OFF):
        far.post("/api/todos", {"title": "milk"})
    assert alice.get("/api/todos").json()["items"] == []
    assert far.post("/api/todos", {"title": "milk"}).status_code == 201
    assert proxy.broken == 1


@pytest.mark.parametrize("ending", get_args(Ending))
@pytest.mark.parametrize("after", [0, 1, 200])
def test_a_request_whose_answer_is_cut_was_done_and_is_not_done_again(
    after: int, ending: Ending, proxy: Proxy, alice: User, far: User
) -> None:
    path = f"/api/conversations/{alice.conversation()}/messages"
    message = {"content": "Once", "client_id": "first"}
    proxy.trap(b"POST", "answer", after=after, ending=ending)
    with pytest.raises(CUT_OFF):
        far.post(path, message)
    assert far.post(path, message).json()["seq"] == 1
    assert [one["content"] for one in alice.get(path).json()["items"]] == ["Once"]
    assert proxy.broken == 1


def test_a_slow_line_carries_a_long_message_and_a_stream(proxy: Proxy, alice: User, far: User) -> None:
    conversation = alice.conversation()
    proxy.throttle(20_000)
    far.say(conversation, "x" * 5_000)
    assert alice.messages(conversation)[0]["content"] == "x" * 5_000
    events = streamed(far, f"/api/chat/{conversation}/message", {"message": "add milk"})
    assert text(events) == alice.messages(conversation)[-1]["content"]
