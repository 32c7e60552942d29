"""Deleting conversations, taking it back, and the end of what was deleted long ago."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from typing import Any

import psycopg2
import pytest

from app.db import url as urls
from app.purge import purge
from assistants_for_tests import Scripted
from support import Postgres, Service, User, empty, settings
from turns.reading import Event, kinds, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]
Json = dict[str, Any]

CLIENT = "bOAN2PpKlQFAXHEU"
ASKED = {"id": "q-1", "role": "user", "parts": [{"type": "text", "text": "help"}]}

EDITED = {**ASKED, "parts": [{"type": "text", "text": "help, once more"}]}


def operations(conversation: int, reply: int) -> Iterator[tuple[str, str, object]]:
    """Everything that can be done with a conversation by its id, but to restore it."""
    one, chat = f"/api/conversations/{conversation}", f"/api/chat/{conversation}"
    yield "GET", one, None
    yield "PATCH", one, {"pinned": True}
    yield "DELETE", one, None
    yield "GET", f"{one}/messages", None
    yield "POST", f"{one}/messages", {"content": "More"}
    yield "POST", f"{one}/messages", {"content": "Once", "client_id": "m-1"}
    yield "PUT", f"{one}/messages/{reply}/feedback", {"value": "up"}
    yield "GET", f"{chat}/history", None
    yield "GET", f"{chat}/replies/{reply}/versions", None
    yield "GET", f"{chat}/stream", None
    yield "POST", f"{chat}/message", {"message": "More"}
    yield "POST", f"{chat}/message", {"message": "help", "client_id": "t-1"}
    yield "POST", f"{chat}/regenerate", None
    yield "POST", f"{chat}/stop", None
    yield "POST", "/api/chat", {"id": str(conversation), "message": {**ASKED, "id": "q-2"}}
    yield "POST", "/api/chat", {"id": str(conversation), "message": EDITED, "messageId": "t-1"}
    yield "POST", "/api/chat", {"id": str(conversation), "trigger": "regenerate-message"}


def filled(user: User) -> tuple[int, int]:
    """A conversation with a turn and a message, and the id of the turn's reply."""
    conversation = user.conversation(client_id=CLIENT)
    turn = user.post(f"/api/chat/{conversation}/message", {"message": "help", "client_id": "t-1"}).json()
    user.say(conversation, "Once", client_id="m-1")
    return conversation, turn["reply"]["id"]


def test_what_is_deleted_is_like_what_does_not_exist_and_comes_back_unchanged(alice: User) -> None:
    other = alice.conversation(title="Other")
    conversation, reply = filled(alice)
    before = (alice.get(f"/api/conversations/{conversation}").json(), alice.messages(conversation))
    assert alice.delete(f"/api/conversations/{conversation}").status_code == 204
    nowhere = operations(2**62, reply)
    for (method, path, body), (_, elsewhere, another) in zip(
        operations(conversation, reply), nowhere, strict=True
    ):
        answer = alice.client.request(method, path, json=body)
        missing = alice.client.request(method, elsewhere, json=another)
        assert (answer.status_code, answer.content) == (missing.status_code, missing.content), path
        assert answer.json()["code"] == "conversation_not_found"
    assert [item["id"] for item in alice.get("/api/conversations").json()["items"]] == [other]
    assert alice.get("/api/conversations", params={"archived": "true"}).json()["items"] == []
    assert alice.get(f"/api/chat/{CLIENT}/history").status_code == 404

    restored = alice.post(f"/api/conversations/{conversation}/restore")
    assert (restored.status_code, restored.json()) == (200, before[0])
    assert alice.messages(conversation) == before[1]
    assert alice.get("/api/conversations").json()["items"][0] == before[0]
    for method, path, body in operations(conversation, reply):
        if method != "DELETE":
            assert alice.client.request(method, path, json=body).is_success, (path, body)


def test_restoring_is_idempotent_and_nobody_elses_business(alice: User, bob: User) -> None:
    conversation = alice.conversation(title="Mine")
    path = f"/api/conversations/{conversation}/restore"
    before = alice.get(f"/api/conversations/{conversation}").json()
    assert alice.post(path).json() == before
    alice.delete(f"/api/conversations/{conversation}")
    foreign, missing = bob.post(path), bob.post(f"/api/conversations/{2**62}/restore")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert alice.get(f"/api/conversations/{conversation}").status_code == 404
    assert [alice.post(path).json() for _ in range(2)] == [before, before]


@pytest.mark.parametrize("route", ["/api/conversations", "/api/chat/start", "/api/chat"])
def test_the_client_id_of_a_deleted_conversation_makes_no_second_one(
    alice: User, bob: User, service: Service, route: str
) -> None:
    conversation, _ = filled(alice)
    body: dict[str, object] = (
        {"client_id": CLIENT} if route != "/api/chat" else {"id": CLIENT, "message": ASKED}
    )
    alice.delete(f"/api/conversations/{conversation}")
    with ThreadPoolExecutor(4) as executor:
        refused = list(executor.map(lambda _: alice.post(route, body), range(4)))
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(409, "conversation_deleted")}
    if route != "/api/chat":
        renamed = alice.post(route, body | {"title": "Another title"})
        assert renamed.json()["code"] == "conversation_deleted"
    assert bob.post(route, body).is_success
    assert service.postgres.value("SELECT count(*) FROM conversation WHERE user_id = %s", alice.id) == 1
    assert alice.get(f"/api/conversations/{conversation}").status_code == 404
    alice.post(f"/api/conversations/{conversation}/restore")
    assert alice.post(route, body).is_success
    assert len(alice.get("/api/conversations").json()["items"]) == 1


@pytest.mark.parametrize("restored", [False, True])
def test_a_running_reply_ends_and_stays_ended(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch, *, restored: bool
) -> None:
    # No flush comes between the deletion and what takes it back: it would find the conversation gone.
    monkeypatch.setattr("app.turns.turns.FLUSH_SECONDS", 3)
    assistant = Scripted("One, ", "two, ", "three.", waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            shown: list[Event] = []
            while text(shown) != "One, two, ":
                shown.append(next(events))
            assert user.get("/api/chat/live").json()["items"] != []
            assert user.delete(f"/api/conversations/{session}").status_code == 204
            assert user.get("/api/chat/live").json()["items"] == []
            if restored:
                user.post(f"/api/conversations/{session}/restore")
            rest = list(events)
        assert kinds(rest)[-1] == ("abort" if restored else "error")
        user.post(f"/api/conversations/{session}/restore")
        assert user.get(f"/api/chat/{session}/stream").status_code == 204
        question, reply = user.messages(session)
        assert (question["content"], reply["status"]) == ("Go", "interrupted")
        assert "One, two, ".startswith(reply["content"])
        assert user.post(f"/api/chat/{session}/stop").json() == {"success": True, "reply": None}


def test_a_reply_that_is_being_opened_while_its_conversation_is_deleted_ends_too(
    alice: User, service: Service
) -> None:
    conversation = alice.conversation()
    postgres = service.postgres
    running = "SELECT count(*) FROM message WHERE status = 'streaming'"
    with (
        closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection,
        ThreadPoolExecutor(1) as executor,
    ):
        cursor = connection.cursor()  # as a turn that another process opens and has not committed yet
        cursor.execute("UPDATE conversation SET next_seq = 2 WHERE id = %s", (conversation,))
        cursor.execute(
            "INSERT INTO message (user_id, conversation_id, seq, role, content, status, lease_until)"
            " VALUES (%s, %s, 1, 'assistant', '', 'streaming', now() + interval '1 hour')",
            (alice.id, conversation),
        )
        deletion = executor.submit(alice.delete, f"/api/conversations/{conversation}")
        _wait_for_lock(postgres, deletion)
        connection.commit()
        assert deletion.result().status_code == 204
    assert postgres.value(running) == 0


def test_what_is_restored_while_it_is_purged_stays(alice: User, service: Service) -> None:
    conversation, other = alice.conversation(), alice.conversation()
    for one in (conversation, other):
        alice.delete(f"/api/conversations/{one}")
    postgres = service.postgres
    now = settings(postgres, deleted_retention_days=0)
    with (
        closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection,
        ThreadPoolExecutor(1) as executor,
    ):
        restore = "UPDATE conversation SET deleted_at = NULL WHERE id = %s"
        connection.cursor().execute(restore, (conversation,))
        purging = executor.submit(lambda: asyncio.run(purge(now)).deleted.conversations)
        _wait_for_lock(postgres, purging)
        connection.commit()
        assert purging.result() == 1
    assert postgres.rows("SELECT id FROM conversation") == [(conversation,)]


def _wait_for_lock(postgres: Postgres, work: Future[Any]) -> None:
    """Until a session waits for the row that another one has changed."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    while not postgres.value(waiting, postgres.url.database):
        assert not work.done()


@pytest.fixture
def old(postgres: Postgres, alice: User, bob: User) -> dict[str, int]:
    """Conversations of two users: kept, deleted now, deleted 31 days ago, and that and restored."""
    found = {}
    for name, user in (("alice", alice), ("bob", bob)):
        for state in ("kept", "new", "old", "back"):
            found[f"{name} {state}"] = conversation = user.conversation()
            user.say(conversation, f"{name} {state}")
            if state != "kept":
                user.delete(f"/api/conversations/{conversation}")
            if state in ("old", "back"):
                ago = "UPDATE conversation SET deleted_at = now() - interval '31 days' WHERE id = %s"
                postgres.rows(ago, conversation)
            if state == "back":
                user.post(f"/api/conversations/{conversation}/restore")
    return found


@pytest.mark.parametrize(("days", "gone"), [(30, {"old"}), (0, {"old", "new"}), (32, set())])
def test_purging_removes_for_good_what_was_deleted_long_ago(
    days: int, gone: set[str], old: dict[str, int], alice: User, postgres: Postgres
) -> None:
    purged = asyncio.run(purge(settings(postgres, deleted_retention_days=days))).deleted.conversations
    assert purged == 2 * len(gone)
    left = {one for (one,) in postgres.rows("SELECT id FROM conversation")}
    assert left == {one for name, one in old.items() if name.split()[1] not in gone}
    assert {one for (one,) in postgres.rows("SELECT conversation_id FROM message")} == left
    restored = alice.post(f"/api/conversations/{old['alice old']}/restore").status_code
    assert restored == (404 if "old" in gone else 200)


def test_purging_takes_much_in_batches(alice: User, postgres: Postgres) -> None:
    postgres.rows(
        "INSERT INTO conversation (user_id, client_id, deleted_at, next_seq)"
        " SELECT %s, n, now(), CASE WHEN n %% 50 = 0 THEN 20001 ELSE 1 END FROM generate_series(1, 250) n",
        alice.id,
    )
    kept = alice.conversation()
    assert asyncio.run(purge(settings(postgres, deleted_retention_days=0))).deleted.conversations == 250
    assert postgres.rows("SELECT id FROM conversation") == [(kept,)]
    empty(postgres)


def test_after_the_purge_the_client_id_is_free(alice: User, postgres: Postgres) -> None:
    conversation, _ = filled(alice)
    alice.delete(f"/api/conversations/{conversation}")
    assert alice.post("/api/conversations", {"client_id": CLIENT}).status_code == 409
    postgres.rows("DELETE FROM conversation")
    assert alice.post("/api/conversations", {"client_id": CLIENT}).status_code == 201
