"""What is kept no longer: conversations in which nothing was said for RETENTION_DAYS."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import pytest

from app.db import url as urls
from app.purge import Purge, purge
from app.repositories.deletion import BATCH_CONVERSATIONS, BATCH_MESSAGES, Purged
from command_line import run
from database_for_tests import waiting_for_locks
from support import Postgres, User, settings

from .rows import fill

NOTHING = Purged(0, 0)
Count = Callable[[str, object], None]


def purged(postgres: Postgres, *, dry_run: bool = False, days: int | None = 30, deleted: int = 30) -> Purge:
    given = settings(postgres, retention_days=days, deleted_retention_days=deleted)
    return asyncio.run(purge(given, dry_run=dry_run))


def age(postgres: Postgres, conversation: int, days: int) -> None:
    """Nothing was said in it for so long."""
    ago = "UPDATE conversation SET updated_at = now() - %s * interval '1 day' WHERE id = %s"
    postgres.rows(ago, days, conversation)


@pytest.fixture
def kinds(alice: User, bob: User, postgres: Postgres) -> dict[str, int]:
    """Conversations of two users with two messages each, by what they are."""
    found = {}
    for name, user in (("alice", alice), ("bob", bob)):
        for kind in ("new", "old", "old pinned", "old archived", "old renamed", "old deleted"):
            found[f"{name} {kind}"] = conversation = user.conversation()
            for text in ("One", "Two"):
                user.say(conversation, text)
            if kind.startswith("old"):
                age(postgres, conversation, 31)
        user.patch(f"/api/conversations/{found[f'{name} old pinned']}", {"pinned": True})
        user.patch(f"/api/conversations/{found[f'{name} old archived']}", {"archived": True})
        user.patch(f"/api/conversations/{found[f'{name} old renamed']}", {"title": "Renamed"})
        user.delete(f"/api/conversations/{found[f'{name} old deleted']}")
    return found


@pytest.mark.parametrize(
    ("days", "gone"), [(None, set()), (32, set()), (30, {"old", "old archived", "old renamed"})]
)
def test_what_was_not_used_for_so_long_goes_unless_it_is_pinned(
    kinds: dict[str, int], postgres: Postgres, days: int | None, gone: set[str]
) -> None:
    expected = Purge(NOTHING, Purged(2 * len(gone), 4 * len(gone)), 0)
    before = postgres.rows("SELECT id FROM message ORDER BY id")
    assert purged(postgres, dry_run=True, days=days) == expected
    assert postgres.rows("SELECT id FROM message ORDER BY id") == before
    assert purged(postgres, days=days) == expected
    left = {one for (one,) in postgres.rows("SELECT id FROM conversation")}
    assert left == {one for name, one in kinds.items() if name.partition(" ")[2] not in gone}
    assert {one for (one,) in postgres.rows("SELECT conversation_id FROM message")} == left
    assert purged(postgres, days=days) == Purge(NOTHING, NOTHING, 0)


def test_what_was_deleted_keeps_its_own_time(kinds: dict[str, int], postgres: Postgres) -> None:
    assert purged(postgres, dry_run=True, deleted=0).deleted == Purged(2, 4)
    assert purged(postgres, deleted=0).deleted == Purged(2, 4)
    assert len(postgres.rows("SELECT id FROM conversation")) == 4


def test_what_is_used_while_it_is_purged_stays(alice: User, postgres: Postgres) -> None:
    used, other = alice.conversation(), alice.conversation()
    for conversation in (used, other):
        age(postgres, conversation, 31)
    with (
        closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection,
        ThreadPoolExecutor(1) as executor,
    ):
        connection.cursor().execute("UPDATE conversation SET updated_at = now() WHERE id = %s", (used,))
        purging = executor.submit(purged, postgres)
        while not waiting_for_locks(postgres):
            assert not purging.done()
        connection.commit()
        assert purging.result().inactive == Purged(1, 0)
    assert postgres.rows("SELECT id FROM conversation") == [(used,)]


def test_much_goes_in_batches_that_are_short(alice: User, postgres: Postgres, record_property: Count) -> None:
    fill(postgres, alice, conversations=250, messages=100, size=32)
    postgres.rows("UPDATE conversation SET updated_at = now() - interval '31 days'")
    postgres.rows(
        "CREATE TABLE batch (transaction xid8);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN INSERT INTO batch VALUES (pg_current_xact_id()); RETURN NULL; END';"
        "CREATE TRIGGER note AFTER DELETE ON message FOR EACH ROW EXECUTE FUNCTION note()"
    )
    try:
        assert purged(postgres).inactive == Purged(250, 25_000)
        batches = postgres.rows("SELECT count(*) FROM batch GROUP BY transaction")
    finally:
        postgres.rows("DROP TRIGGER note ON message; DROP FUNCTION note; DROP TABLE batch")
    assert sorted(n for (n,) in batches) == [5_000, BATCH_MESSAGES, BATCH_MESSAGES]
    assert BATCH_CONVERSATIONS == 100
    record_property("batches of a purge with more messages than allowed", (0, len(batches)))


@pytest.fixture
def impatient(configured: dict[str, str], postgres: Postgres) -> dict[str, str]:
    """What a command is given so that it waits for no lock."""
    url = postgres.url.update_query_dict({"options": "-c lock_timeout=200"})
    return {**configured, "DATABASE_URL": url.render_as_string(hide_password=False)}


@contextmanager
def held(postgres: Postgres, rows: str) -> Iterator[None]:
    """Lets everybody wait who changes these rows."""
    with closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection:
        connection.cursor().execute(f"SELECT FROM {rows} FOR UPDATE")
        yield


def test_an_account_that_cannot_be_purged_keeps_nobody_else(
    impatient: dict[str, str], postgres: Postgres
) -> None:
    emails = ["a@example.com", "b@example.com", "c@example.com"]
    made = "INSERT INTO \"user\" (email, password_hash) SELECT unnest(%s), '-' RETURNING id"
    [first, _, third] = sorted(user for (user,) in postgres.rows(made, emails))
    postgres.rows(
        "INSERT INTO conversation (user_id, deleted_at) SELECT id, now() - interval '31 days' FROM \"user\""
    )
    with held(postgres, f"conversation WHERE user_id IN ({first}, {third})"):
        ended = run(impatient, "purge")
    assert ended.returncode == 1
    assert "are gone for good, deleted: 1, with 0 messages." in ended.stdout
    assert ended.stderr == (
        "chat-history: The database refused or took too long to purge these accounts: "
        f"{first}, {third}. Try again.\n"
    )
    assert postgres.rows("SELECT user_id FROM conversation ORDER BY 1") == [(first,), (third,)]
    assert postgres.rows("SELECT event FROM audit") == [("purged",)]

    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    away = {**impatient, "DATABASE_URL": nowhere, "DATABASE_URL_UNPOOLED": impatient["DATABASE_URL"]}
    ended = run(away, "purge")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "chat-history: The database cannot be reached at the moment. Try again.\n"

    ended = run(impatient, "purge")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "are gone for good, deleted: 2, with 0 messages." in ended.stdout


def test_a_dry_run_waits_for_nobody(impatient: dict[str, str], postgres: Postgres) -> None:
    old = "now() - interval '91 days'"
    postgres.rows(f"INSERT INTO audit (event, actor, created_at) VALUES ('signed_in', 'user', {old})")
    with held(postgres, "audit"):
        counted = run(impatient, "purge", "--dry-run")
        assert run(impatient, "purge").returncode == 2
    assert (counted.returncode, counted.stderr) == (0, "")
    assert "Entries of the record that would go for good: 1." in counted.stdout
    assert "Entries of the record that are gone for good: 1." in run(impatient, "purge").stdout
