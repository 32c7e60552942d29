"""What a client may ask for in more than one way, and what it may not."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import jwt
import pytest

from app import tokens
from app.api.pages import Cursor
from app.models.events import TextDelta, Usage
from assistants_for_tests import Scripted
from support import SECRET, Service, User

Serve = Callable[..., AbstractContextManager[Service]]


@pytest.mark.parametrize(
    ("accept", "streamed"),
    [
        ("text/event-stream", True),
        ("TEXT/EVENT-STREAM", True),
        ("application/json, text/event-stream", True),
        ("text/event-stream, application/json;q=0.9", True),
        ("text/event-stream;q=0.1, application/json", False),
        ("text/event-stream;q=0, application/json", False),
        ("text/event-stream;q=much", False),
        ("text/event-stream-of-another-kind", False),
        ("application/json", False),
        ("*/*", False),
    ],
)
def test_the_stream_is_for_whoever_likes_it_best(alice: User, accept: str, streamed: bool) -> None:
    path = f"/api/chat/{alice.conversation()}/message"
    answer = alice.post(path, {"message": "help"}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream") == streamed


def test_an_id_of_digits_alone_is_no_name_for_a_conversation(alice: User) -> None:
    for path in ("/api/conversations", "/api/chat/start"):
        refused = alice.post(path, {"client_id": "777"})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "digits_alone")
        assert alice.post(path, {"client_id": "777-a"}).status_code == 201
        refused = alice.post(path, headers={"Idempotency-Key": "777"})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "digits_alone")
        assert alice.post(path, headers={"Idempotency-Key": "777-a"}).status_code == 201


def test_the_tokens_of_a_conversation_are_counted_with_those_of_replaced_replies(serve_with: Serve) -> None:
    with serve_with(Scripted(Usage(10, 5), TextDelta("Hello."))) as service:
        user, other = service.user("a@example.com"), service.user("b@example.com")
        session = user.conversation()
        path = f"/api/conversations/{session}/usage"
        assert user.get(path).json() == {"input_tokens": 0, "output_tokens": 0}
        user.post(f"/api/chat/{session}/message", {"message": "Hi"})
        user.post(f"/api/chat/{session}/regenerate")
        assert user.get(path).json() == {"input_tokens": 20, "output_tokens": 10}
        assert other.get(path).status_code == 404


@pytest.mark.parametrize("subject", ["x", "-1", "0", "01", " 1", "\u0661", "9223372036854775808", "1.0", ""])
def test_a_token_of_ours_names_a_user_as_we_do(service: Service, subject: str) -> None:
    """Also one that is signed with our own secret."""
    user = service.user("a@example.com")
    good = tokens.issue(user.id, SECRET, 60, time.time())
    forged = _with_subject(good, subject)
    answers = [service.client(token).get("/api/auth/me") for token in (good, forged)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert answers[1].json()["code"] == "not_authenticated"


def _with_subject(token: str, subject: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims | {"sub": subject}, SECRET, "HS256", headers={"typ": "at+jwt"})


def test_a_cursor_of_a_time_that_there_is_not_is_refused(alice: User) -> None:
    forged = Cursor("conversations", alice.id, False).write(0, 2**62, 1)
    refused = alice.get("/api/conversations", params={"cursor": forged})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")
    real = Cursor("conversations", alice.id, False).write(0, 0, 1)
    assert alice.get("/api/conversations", params={"cursor": real}).status_code == 200
