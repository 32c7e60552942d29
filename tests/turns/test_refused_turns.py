"""What is refused changes nothing, says why, and is not refused to whoever only repeats it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from assistants_for_tests import Echo, Scripted
from proxy import proxied
from support import Postgres, Service, User
from turns.reading import streaming, text

Serve = Callable[..., AbstractContextManager[Service]]
DEAD = "UPDATE message SET status = 'streaming', lease_until = now() - interval '1 s' WHERE id = %s"


def contents(user: User, session: int) -> list[str]:
    return [message["content"] for message in user.messages(session)]


def appended(user: User, session: int, *roles: str) -> list[int]:
    path = f"/api/conversations/{session}/messages"
    return [
        int(user.post(path, {"role": role, "content": f"{number}"}).json()["id"])
        for number, role in enumerate(roles)
    ]


def edit(session: int, client_id: str, content: str, edited: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": content}]
    return {
        "id": str(session),
        "trigger": "submit-message",
        "message": {"id": client_id, "role": "user", "parts": parts},
        "messageId": edited,
    }


@pytest.mark.parametrize("roles", [("assistant",), ("user", "assistant", "assistant")], ids="-".join)
def test_a_refused_regenerate_puts_nothing_away(alice: User, roles: tuple[str, ...]) -> None:
    session = alice.conversation()
    appended(alice, session, *roles)
    before = alice.messages(session)
    refused = alice.post(f"/api/chat/{session}/regenerate")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_answer")
    assert alice.messages(session) == before


def test_an_appended_reply_is_a_version_when_it_is_replaced(alice: User) -> None:
    session = alice.conversation()
    _, old = appended(alice, session, "user", "assistant")
    new = alice.post(f"/api/chat/{session}/regenerate").json()["reply"]["id"]
    for reply in (old, new):
        versions = alice.get(f"/api/chat/{session}/replies/{reply}/versions").json()["items"]
        assert [version["id"] for version in versions] == [old, new]


def test_an_edit_with_an_id_that_an_earlier_message_has_puts_nothing_away(serve_with: Serve) -> None:
    with serve_with(Echo()) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        for number in range(1, 4):
            asked = {"message": f"Question {number}", "client_id": f"m{number}"}
            user.post(f"/api/chat/{session}/message", asked)
        before = user.messages(session)
        refused = user.post("/api/chat", edit(session, "m1", "Something else", "m2"))
        assert (refused.status_code, refused.json()["code"]) == (422, "client_id_reused")
        assert user.post("/api/chat", edit(session, "m1", "Question 1", "m2")).status_code == 200
        assert user.messages(session) == before
        assert user.post("/api/chat", edit(session, "m4", "Something else", "m2")).status_code == 200
        assert contents(user, session)[2:] == ["Something else", "4. Something else"]


def test_only_a_question_that_is_shown_can_be_edited(serve_with: Serve) -> None:
    with serve_with(Echo()) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        turn = user.post(f"/api/chat/{session}/message", {"message": "One", "client_id": "m1"}).json()
        of_a_reply = user.post("/api/chat", edit(session, "m2", "Two", str(turn["reply"]["id"])))
        assert (of_a_reply.status_code, of_a_reply.json()["code"]) == (404, "message_not_found")
        assert user.post("/api/chat", edit(session, "m2", "One", "m1")).status_code == 200
        put_away = user.post("/api/chat", edit(session, "m3", "Three", "m1"))
        assert (put_away.status_code, put_away.json()["code"]) == (404, "message_not_found")
        assert contents(user, session) == ["One", "2. One"]


@pytest.mark.parametrize("changes", [{"max_running_turns_per_user": 1}, {"max_running_turns": 1}], ids=str)
def test_a_retry_is_answered_when_there_is_no_room_for_a_turn(
    serve_with: Serve, changes: dict[str, int]
) -> None:
    assistant = Scripted("Wait ... ", "done.", waits=True)
    with serve_with(assistant, **changes) as service, ThreadPoolExecutor(1) as executor:
        user = service.user("a@example.com")
        session = user.conversation()
        path, asked = f"/api/chat/{session}/message", {"message": "Go", "client_id": "m1"}
        with streaming(user, path, asked) as events:
            next(events)
            new = user.post(path, {"message": "Go", "client_id": "m2"})
            assert new.json()["code"] in ("too_many_turns", "overloaded")
            other = user.post(path, {"message": "Stay", "client_id": "m1"})
            assert other.status_code == new.status_code
            with streaming(user, path, asked) as again:
                next(again)
                whole = executor.submit(user.post, path, asked)
                assistant.go()
                assert text(list(again)) == text(list(events)) == "Wait ... done."
            assert whole.result().json()["reply"]["content"] == "Wait ... done."
        assert len(assistant.prompts) == 1


def test_what_has_no_key_is_refused_without_a_question_to_the_database(
    serve_with: Serve, postgres: Postgres
) -> None:
    with proxied(postgres) as proxy, serve_with(Echo(), database_url=proxy.text) as service:
        user = service.user("a@example.com")
        path = f"/api/chat/{user.conversation()}"
        asyncio.run(service.app.state.services.turns.close(0))
        for verb, body, key, questions in (
            ("message", {"message": "Go"}, {}, 0),
            ("regenerate", None, {}, 0),
            ("message", {"message": "Go"}, {"Idempotency-Key": "k-1"}, 1),
            ("regenerate", None, {"Idempotency-Key": "k-1"}, 1),
        ):
            proxy.forget()
            refused = user.post(f"{path}/{verb}", body, headers=key)
            assert (refused.status_code, refused.json()["code"]) == (503, "shutting_down")
            assert proxy.round_trips == questions


def test_every_409_of_a_running_turn_says_where_it_is(service: Service, serve_with: Serve) -> None:
    """Also when many ask at once, and the reply is dead or ends in between: nobody waits for anybody."""
    with serve_with(Echo()) as echo, ThreadPoolExecutor(8) as executor:
        user = echo.user("a@example.com")
        session = user.conversation()
        path = f"/api/chat/{session}"
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        before = echo.postgres.value(deadlocks)
        refused = 0
        for number in range(10):
            turn = user.post(f"{path}/message", {"message": f"{number}", "client_id": f"q{number}"}).json()
            echo.postgres.rows(DEAD, turn["reply"]["id"])
            requests: list[tuple[str, dict[str, Any] | None]] = [
                (f"{path}/message", {"message": "Next"}),
                (f"{path}/regenerate", None),
                ("/api/chat", edit(session, f"q{number}", f"{number}!", f"q{number}")),
                (f"/api/conversations/{session}/messages", {"role": "user", "content": "Aside"}),
            ]
            answers = list(executor.map(lambda asked: user.post(*asked), 2 * requests))
            for answer in answers:
                assert answer.status_code in (200, 201, 409), answer.text
                if answer.status_code == 409 and answer.json()["code"] == "turn_in_progress":
                    refused += 1
                    assert isinstance(answer.json()["reply_id"], int)
        assert echo.postgres.value(deadlocks) == before
        numbers = [message["seq"] for message in user.messages(session)]
        assert numbers == sorted(set(numbers))
        assert refused > 0
