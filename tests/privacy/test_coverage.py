"""No table is forgotten: what the catalogue has, the export shows and the erasure counts."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from support import Postgres, Service, User

from .test_export import exported

Serve = Callable[..., AbstractContextManager[Service]]

NOBODYS = {"alembic_version", "audit", "departure"}
"""Tables that are not a user's to take along: the record is for operators, with numbers and no names, and
what an account of an issuer leaves is a hash. Both go by AUDIT_RETENTION_DAYS.
"""

MADE_OF_OTHERS = "message_words"
"""A table that repeats what is in another one: it goes with that."""

LEFT_OUT = {
    "user": {"password_hash", "generation"},  # secrets, also in the hands of their user; which tokens count
    "todo": {"user_id"},  # everything is the user's whose line comes first
    # and how the service counts, and knows retries, and how far it has read, and who is writing
    "conversation": {"user_id", "next_seq", "request_hash", "indexed_seq"},
    "message": {"user_id", "lease_until", "stop_requested", "request_hash"},
    MADE_OF_OTHERS: {"user_id", "conversation_id", "seq", "part", "created_at", "document"},
}
"""Columns that tell nothing about a user that the export does not tell otherwise."""

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> ALL (%s)
"""
PASSWORD = "correct horse battery"


def columns(postgres: Postgres) -> dict[str, set[str]]:
    """The tables of the catalogue, and the columns of each."""
    found: dict[str, set[str]] = {}
    for table, column in postgres.rows(_COLUMNS, list(NOBODYS)):
        found.setdefault(table, set()).add(column)
    return found


def not_exported(postgres: Postgres, user: User) -> list[str]:
    """The columns of the catalogue that are in no line."""
    shown: dict[str, set[str]] = {}
    for line in exported(user):
        shown.setdefault(line["type"], set()).update(line)
    return sorted(
        f"{table}.{column}"
        for table, names in columns(postgres).items()
        for column in names - shown.get(table, set()) - LEFT_OUT.get(table, set())
    )


def owned(postgres: Postgres) -> dict[str, int]:
    """How many rows each table of the catalogue has."""
    return {
        table: int(postgres.value(f'SELECT count(*) FROM "{table}"'))
        for table in sorted(columns(postgres))
        if table != MADE_OF_OTHERS
    }


def indexed(postgres: Postgres) -> int:
    """How many messages have their words in the index."""
    return int(postgres.value(f"SELECT count(*) FROM {MADE_OF_OTHERS}"))


def erased(user: User) -> dict[str, int]:
    """The account is gone: how many rows of each table."""
    answer = user.client.request("DELETE", "/api/auth/me", json={"confirmation": PASSWORD})
    assert answer.status_code == 200, answer.text
    return dict(sorted(answer.json().items()))


def settled(service: Service, email: str) -> User:
    """A user who has a row in every table, and can confirm."""
    made = service.client().post("/api/auth/register", json={"email": email, "password": PASSWORD})
    client = service.client(made.raise_for_status().json()["access_token"])
    user = User(client.get("/api/auth/me").json()["id"], made.json()["access_token"], client)
    for _ in range(2):
        conversation = user.conversation()
        user.post(f"/api/chat/{conversation}/message", {"message": "add milk"}).raise_for_status()
        user.post(f"/api/chat/{conversation}/regenerate").raise_for_status()
    user.get("/api/search", params={"q": "milk"}).raise_for_status()
    user.delete(f"/api/conversations/{conversation}").raise_for_status()
    return user


@pytest.fixture
def planted(service: Service) -> Iterator[Postgres]:
    """A schema with a table that nobody has thought of, and a column."""
    postgres = service.postgres
    postgres.rows(
        'CREATE TABLE planted (user_id bigint REFERENCES "user" ON DELETE CASCADE, secret text);'
        "ALTER TABLE todo ADD COLUMN planted text"
    )
    yield postgres
    postgres.rows("DROP TABLE planted; ALTER TABLE todo DROP COLUMN planted")


def test_everything_that_a_table_has_is_exported(service: Service) -> None:
    alice = settled(service, "alice@example.com")
    assert not_exported(service.postgres, alice) == []
    for table, names in LEFT_OUT.items():
        assert names <= columns(service.postgres)[table]


def test_everything_that_a_user_has_is_erased_and_counted(service: Service) -> None:
    postgres = service.postgres
    settled(service, "bob@example.com")
    bobs, words = owned(postgres), indexed(postgres)
    alice = settled(service, "alice@example.com")
    both = owned(postgres)
    assert indexed(postgres) == 2 * words > 0
    assert erased(alice) == {table: both[table] - bobs[table] for table in both}
    assert (owned(postgres), indexed(postgres)) == (bobs, words)
    assert min(bobs.values()) > 0
    print(f"rows erased: {json.dumps({table: both[table] - bobs[table] for table in both})}, rows left: 0")


def test_a_table_that_is_new_is_missed(planted: Postgres, service: Service) -> None:
    alice = settled(service, "alice@example.com")
    planted.rows("INSERT INTO planted VALUES (%s, 'secret')", alice.id)
    assert not_exported(planted, alice) == ["planted.secret", "planted.user_id", "todo.planted"]
    before = owned(planted)
    assert before["planted"] == 1
    assert erased(alice) != before
