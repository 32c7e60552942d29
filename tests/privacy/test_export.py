"""The export: everything, of one moment, in bounded memory, and no danger to others."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from database_for_tests import locked
from input.processes import running
from input.test_logs import SERVERS
from support import Postgres, Service, User, empty, until

from .rows import fill

Serve = Callable[..., AbstractContextManager[Service]]
Count = Callable[[str, object], None]

EXPORT = "/api/auth/me/export"
MEGABYTE = 2**20
MUCH = {"conversations": 12, "messages": 100, "size": 16_384}
"""More than fits between a server and a client who does not read: 20 MB."""


def exported(user: User) -> list[dict[str, Any]]:
    """The lines of a whole export."""
    answer = user.get(EXPORT)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-disposition"] == 'attachment; filename="chat-history.jsonl"'
    return whole(answer.text.removesuffix("\n").split("\n"))


def whole(text: Iterable[str]) -> list[dict[str, Any]]:
    """The lines as objects, counted by the last one."""
    lines = [json.loads(line) for line in text]
    kinds = [line["type"] for line in lines]
    counted = {kind: kinds.count(kind) for kind in ("todo", "conversation", "message")}
    assert kinds[:2] == ["export", "user"]
    assert lines[-1] == {"type": "end", **counted}
    return lines


@contextmanager
def begun(user: User) -> Iterator[tuple[Iterator[str], str]]:
    """An export of which one line was read: the rest of its lines, and that one."""
    with user.client.stream("GET", EXPORT) as answer:
        lines = answer.iter_lines()
        yield lines, next(lines)


def test_each_message_is_as_the_history_shows_it_and_comes_behind_its_conversation(
    alice: User, bob: User
) -> None:
    conversations = [alice.conversation(title=f"Talk {n}", client_id=f"c-{n}") for n in range(3)]
    for conversation in conversations:
        for text in ("add milk 🥛", 'list\n\t"\u2028"', "help"):
            alice.post(f"/api/chat/{conversation}/message", {"message": text})
        alice.post(f"/api/chat/{conversation}/regenerate")
        bob.say(bob.conversation(), "Bob's")
    lines = exported(alice)
    met: set[int] = set()
    for line in lines:
        if line["type"] == "conversation":
            met.add(line["id"])
        assert line["type"] != "message" or line["conversation_id"] in met
    for conversation in conversations:
        said = [line for line in lines if line.get("conversation_id") == conversation]
        assert [line["seq"] for line in said] == list(range(1, 8))
        assert [line["replaced"] for line in said] == [False] * 5 + [True, False]
        shown = [line for line in said if not line["replaced"]]
        for line, message in zip(shown, alice.messages(conversation), strict=True):
            assert line.items() >= message.items()
    assert [line for line in lines if line["type"] == "conversation"] != []
    assert {line["title"] for line in lines if line["type"] == "todo"} == {"milk 🥛"}
    assert "Bob" not in json.dumps(lines)


def test_what_was_deleted_is_in_it_as_long_as_it_can_be_restored(alice: User, postgres: Postgres) -> None:
    conversation = alice.conversation(title="Gone")
    alice.say(conversation, "Said")
    alice.delete(f"/api/conversations/{conversation}")
    deleted = [line for line in exported(alice) if line["type"] in ("conversation", "message")]
    assert [line.get("title") or line["content"] for line in deleted] == ["Gone", "Said"]
    assert deleted[0]["deleted_at"] is not None
    postgres.rows("DELETE FROM conversation")
    assert [line["type"] for line in exported(alice)] == ["export", "user", "end"]


@pytest.mark.parametrize(
    ("conversations", "messages", "size"), [(1, 2_000, 32), (1_201, 1, 32), (350, 7, 32), (2, 9, MEGABYTE)]
)
def test_no_message_is_lost_or_doubled_between_its_pages(
    alice: User, bob: User, postgres: Postgres, conversations: int, messages: int, size: int
) -> None:
    for user in (bob, alice, bob):
        fill(postgres, user, conversations=conversations, messages=messages, size=size)
    alice.conversation(title="Empty")
    found = [(line["conversation_id"], line["seq"]) for line in exported(alice) if line["type"] == "message"]
    sql = "SELECT conversation_id, seq FROM message WHERE user_id = %s ORDER BY 1, 2"
    assert found == postgres.rows(sql, alice.id)
    assert len(found) == conversations * messages


def test_it_is_of_one_moment_whatever_happens_while_it_is_read(alice: User, postgres: Postgres) -> None:
    fill(postgres, alice, **MUCH)
    alice.post("/api/todos", {"title": "Before"})
    before = exported(alice)
    with begun(alice) as (rest, first):
        postgres.rows("DELETE FROM todo")
        postgres.rows(
            "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation ORDER BY id DESC LIMIT 9)"
        )
        postgres.rows("UPDATE message SET content = 'after'")
        alice.say(alice.conversation(title="After"), "After")
        during = whole([first, *rest])
    assert during[1:] == before[1:]
    assert exported(alice)[1:] != before[1:]


def test_slow_readers_hold_up_nobody_but_other_exports(serve_with: Serve) -> None:
    with serve_with(database_pool_size=1, database_pool_timeout=0.2) as service:
        users = [service.user(f"{name}@example.com") for name in ("alice", "bob", "carol")]
        for user in users:
            fill(service.postgres, user, **MUCH)
        with begun(users[0]) as (one, first), begun(users[1]) as (other, second):
            refused = users[2].get(EXPORT)
            assert (refused.status_code, refused.json()["code"]) == (503, "database_busy")
            assert refused.headers["Retry-After"]
            account = {"email": "dave@example.com", "password": "correct horse battery"}
            made = service.client().post("/api/auth/register", json=account).json()
            confirmed = {"confirmation": account["password"]}
            erased = service.client(made["access_token"]).request("DELETE", "/api/auth/me", json=confirmed)
            assert erased.status_code == 200, erased.text
            for user in users:
                user.say(user.conversation(), "Hello")
            assert len(whole([first, *one])) == len(whole([second, *other]))
        assert len(exported(users[2])) > 1_200


def test_a_user_reads_one_export_at_a_time(serve_with: Serve) -> None:
    """Else one of them who is slow, twice, would keep everybody from theirs."""
    with serve_with() as service:
        alice, bob = (service.user(f"{name}@example.com") for name in ("alice", "bob"))
        for user in (alice, bob):
            fill(service.postgres, user, **MUCH)
        with begun(alice) as (rest, first):
            refused = alice.get(EXPORT)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_exports")
            assert refused.headers["Retry-After"] == "30"
            assert len(exported(bob)) == len(whole([first, *rest]))
        with begun(alice):
            pass
        until(lambda: not exporting(service))
        assert len(exported(alice)) > 1_200


def exporting(service: Service) -> set[int]:
    return set(service.app.state.services.limits.exporting)


def test_a_reader_who_takes_nothing_gets_no_end_and_gives_its_place_back(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_with() as service:
        alice, bob = (service.user(f"{name}@example.com") for name in ("alice", "bob"))
        for user in (alice, bob):
            fill(service.postgres, user, **MUCH)
        exports = service.app.state.services.exports
        with monkeypatch.context() as hurried:
            hurried.setattr("app.api.export.READER_SECONDS", 0.05)
            with begun(alice) as (one, _), begun(bob) as (other, _):
                until(lambda: exports.connections["open"] == 0 and not exporting(service))
                for rest in (one, other):
                    with pytest.raises(httpx.RemoteProtocolError):
                        list(rest)
        assert len(exported(alice)) > 1_200


def test_a_reader_who_leaves_gives_its_place_back(serve_with: Serve) -> None:
    with serve_with(database_pool_timeout=30) as service:
        alice = service.user("alice@example.com")
        fill(service.postgres, alice, **MUCH)
        for _ in range(5):
            with begun(alice):
                pass
            until(lambda: not exporting(service))
        assert len(exported(alice)) > 1_200


@pytest.mark.parametrize("ending", ["sign-out", "erasure"])
def test_it_ends_with_the_tokens_of_its_reader(ending: str, serve_with: Serve) -> None:
    with serve_with() as service:
        alice, bob = (service.user(f"{name}@example.com") for name in ("alice", "bob"))
        for user in (alice, bob):
            fill(service.postgres, user, **MUCH)
        with begun(alice) as (hers, _), begun(bob) as (his, first):
            if ending == "sign-out":
                assert alice.post("/api/auth/sign-out").status_code == 204
            else:
                service.postgres.rows('DELETE FROM "user" WHERE id = %s', alice.id)
            until(lambda: exporting(service) == {bob.id})
            with pytest.raises(httpx.RemoteProtocolError):
                list(hers)
            assert len(whole([first, *his])) > 1_200


def test_a_database_that_goes_away_in_between_leaves_no_end(alice: User, service: Service) -> None:
    fill(service.postgres, alice, **MUCH)
    with begun(alice) as (rest, _):
        ended = service.postgres.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'chat-history'"
        )
        assert ended
        with pytest.raises(httpx.RemoteProtocolError):
            list(rest)
    assert len(exported(alice)) > 1_200


def test_an_account_that_is_gone_has_none(alice: User, postgres: Postgres) -> None:
    assert exported(alice)
    postgres.rows('DELETE FROM "user"')
    refused = alice.get(EXPORT)
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(("conversations", "messages", "size"), [(1_000, 100, 512), (1, 60, MEGABYTE)])
def test_its_memory_is_bounded(
    postgres: Postgres,
    tmp_path: Path,
    record_property: Count,
    conversations: int,
    messages: int,
    size: int,
) -> None:
    empty(postgres)
    with running(SERVERS["serve"], postgres, tmp_path / "output") as process:
        account = {"email": "alice@example.com", "password": "correct horse battery"}
        with process.client() as visitor:
            token = visitor.post("/api/auth/register", json=account).json()["access_token"]
        with process.client(token) as client:
            me = client.get("/api/auth/me").json()["id"]
            client.get(EXPORT)
            process.forget_peak()  # that of the password's hash
            before = process.peak
            fill(postgres, User(me, token, client), conversations=conversations, messages=messages, size=size)
            lines = received = 0
            with client.stream("GET", EXPORT) as answer:
                for piece in answer.iter_bytes():
                    lines += piece.count(b"\n")
                    received += len(piece)
        assert lines == 3 + conversations * (1 + messages)
        grown = process.peak - before
    print(f"{lines} lines, {received / MEGABYTE:.0f} MB, memory grew by {grown / MEGABYTE:.1f} MB")
    assert received > 50 * MEGABYTE
    assert grown < 24 * MEGABYTE


def test_an_export_that_a_statement_fails_has_no_end(
    service: Service, serve_with: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main.ERASURE_SECONDS", 1)
    with serve_with() as hasty:
        alice = hasty.user("alice@example.com")
        alice.post("/api/todos", {"title": "milk"})
        with (
            locked(hasty.postgres, "todo"),
            pytest.raises(httpx.RemoteProtocolError),
            begun(alice) as (rest, _),
        ):
            list(rest)
        assert len(exported(alice)) == 4
