"""How Postgres finds the rows of the hot statements among many: by an index, and no more than it needs."""

from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from app.db import url as urls
from app.db.database import Database
from app.db.identity import Identity
from app.db.migrations import migrate
from app.repositories import export
from app.repositories.conversations import ConversationRepository
from app.repositories.history import HistoryRepository
from app.repositories.indexed import HITS
from app.repositories.messages import MessageRepository
from app.repositories.openings import CONTEXT_MESSAGES, RETRIED_MESSAGES
from app.repositories.replies import _FLUSH
from app.repositories.search import SearchRepository
from app.repositories.turns import TurnRepository
from app.repositories.unindexed import CONVERSATIONS, MESSAGES
from app.words import Words
from plans_for_tests import explained, nodes
from support import Postgres, Service, User

HEAVY, ORDINARY = 1, 4
"""A user with half of the 4,000 conversations, and one with 100."""

LONG, SHORT = 2, 42
"""A conversation of 100,000 messages, and one of 25: both of the heavy user."""

SEED = """
INSERT INTO "user" (email, password_hash) SELECT n || '@example.com', 'none' FROM generate_series(1, 40) n;
INSERT INTO conversation (user_id, title, updated_at, next_seq)
SELECT CASE WHEN n % 2 = 0 THEN 1 ELSE 1 + n % 40 END, 'Conversation ' || n,
       '2026-01-01 00:00Z'::timestamptz - n * interval '1 minute', CASE WHEN n = 2 THEN 100001 ELSE 26 END
FROM generate_series(1, 4000) n;
INSERT INTO message (user_id, conversation_id, seq, role, content)
SELECT 1, 2, n, 'user', 'Message ' || n FROM generate_series(1, 100000) n;
INSERT INTO message (user_id, conversation_id, seq, role, content)
SELECT user_id, id, seq, 'user', 'Message ' || seq
FROM generate_series(1, 25) seq, conversation WHERE id <> 2;
INSERT INTO message_words (user_id, conversation_id, seq, part, created_at, document)
SELECT user_id, conversation_id, seq, 0, created_at,
       concat(user_id, '/message:1 ', user_id, '/', seq, ':2')::tsvector
FROM message WHERE conversation_id <> 42;
UPDATE conversation SET indexed_seq = next_seq - 1 WHERE id <> 42;
ALTER TABLE conversation SET (autovacuum_enabled = off);
ALTER TABLE message SET (autovacuum_enabled = off);
ALTER TABLE message_words SET (autovacuum_enabled = off);
SET default_statistics_target = 1000;
ANALYZE;
"""
"""All rows are looked at once: by a sample of them, which is chance, plans would be too."""


@pytest.fixture(scope="module")
def crowded(make_database: Callable[[], Postgres]) -> Postgres:
    """A database with 200,000 messages. Takes some seconds."""
    postgres = make_database()
    migrate(postgres.url)
    postgres.rows(SEED)
    return postgres


def scans(plan: dict[str, Any]) -> list[tuple[str, str, int]]:
    """How tables are read: the table, the way, and how many rows are looked at."""
    return [
        (
            node["Relation Name"],
            node["Node Type"],
            round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]),
        )
        for node in nodes(plan)
        if node["Node Type"].endswith("Scan") and "Relation Name" in node and node["Actual Loops"]
    ]


async def exported(database: Database, user_id: int, first: int, last: int, after: int = 0) -> None:
    given = {"first": first, "last": last, "after": after}
    await database.run(Identity(user_id=user_id), export.MESSAGES, given)


EARLIER = (False, datetime(2026, 1, 1, tzinfo=UTC) - timedelta(minutes=3_000), 3_000)

STATEMENTS: dict[str, Callable[[Database], Awaitable[object]]] = {
    "history of a long conversation": lambda it: HistoryRepository(it, HEAVY).newest(LONG, 50),
    "history of a short conversation": lambda it: HistoryRepository(it, HEAVY).newest(SHORT, 50),
    "history, deep": lambda it: HistoryRepository(it, HEAVY).newest(LONG, 50, before=50_000),
    "history around a message": lambda it: HistoryRepository(it, HEAVY).around(LONG, 50, 50_000),
    "messages, first page": lambda it: HistoryRepository(it, HEAVY).oldest(LONG, 50),
    "messages, deep": lambda it: HistoryRepository(it, HEAVY).oldest(LONG, 50, after=50_000),
    "conversations of a heavy user": lambda it: ConversationRepository(it, HEAVY).page(20),
    "conversations of an ordinary user": lambda it: ConversationRepository(it, ORDINARY).page(20),
    "conversations, deep": lambda it: ConversationRepository(it, HEAVY).page(20, EARLIER),
    "archived conversations": lambda it: ConversationRepository(it, HEAVY).page(20, archived=True),
    "search for what is not there": lambda it: SearchRepository(it, HEAVY).look_up(Words.of("nothing"), 20),
    "search for what is rare": lambda it: SearchRepository(it, HEAVY).look_up(Words.of("99999"), 20),
    "search for what is everywhere": lambda it: SearchRepository(it, HEAVY).look_up(Words.of("message"), 20),
    "search without an index": lambda it: SearchRepository(it, HEAVY).look_through(Words.of("nothing"), 20),
    "what the index lacks": lambda it: SearchRepository(it, HEAVY).catch_up(),
    "append": lambda it: MessageRepository(it, HEAVY).append(LONG, "user", "One more"),
    "append with a client_id": lambda it: MessageRepository(it, HEAVY).append(LONG, "user", "More", "m-1"),
    "opening of a turn": lambda it: TurnRepository(it, HEAVY).ask(LONG, "Hello", "m-2"),
    "repeated request for another reply": lambda it: TurnRepository(it, HEAVY).regenerated(LONG, "k-1"),
    "export of a long conversation": lambda it: exported(it, HEAVY, LONG, 200, after=50_000),
    "export of many short conversations": lambda it: exported(it, ORDINARY, 3, 4_000),
    "another's conversation": lambda it: HistoryRepository(it, ORDINARY).newest(LONG, 50),
}


MOST = {
    # A page, what one conversation has beyond it, and the conversations up to there: 4,000 are so few that
    # they may be looked through in the order of their ids.
    "export of a long conversation": 2 * export.PAGE_ROWS + 4_000,
    "export of many short conversations": 2 * export.PAGE_ROWS + 4_000,
    "repeated request for another reply": RETRIED_MESSAGES + 10,
    "opening of a turn": CONTEXT_MESSAGES + 10,  # what its assistant is shown
    # Every title, and every conversation is asked whether the index lacks something of it.
    "search for what is not there": 2 * 2_001 + 60,
    "search for what is rare": 2 * 2_001 + 60,
    # Every message has it; of a hit that is ranked, the document, the message and the conversation are read.
    "search for what is everywhere": 150_000 + 2 * 2_001 + 3 * HITS + 60,
    # Every title, one bounded stretch of messages, and the list of conversations that are in it.
    "search without an index": 2_001 + MESSAGES + CONVERSATIONS,
    "what the index lacks": 2_001 + 60,
}
"""How many rows a statement may look at, where that is more than a page."""


@pytest.mark.parametrize("what", STATEMENTS)
def test_a_hot_statement_reads_by_an_index_and_little_more_than_it_returns(
    what: str, crowded: Postgres
) -> None:
    found = scans(explained(crowded, STATEMENTS[what]))
    read = sum(rows for *_, rows in found)
    print(f"{what}: {read} rows read by {found}")
    assert found
    assert {way for _, way, _ in found} <= {"Index Scan", "Index Only Scan", "Tid Scan", "Bitmap Heap Scan"}
    assert read <= MOST.get(what, 60)


@pytest.mark.parametrize("word", ["nothing", "99999", "message"])
def test_a_search_reads_its_own_words_in_the_index_and_no_others(word: str, crowded: Postgres) -> None:
    """Below its policy, as the application's role, with what each statement is told."""
    plan = explained(crowded, lambda it: SearchRepository(it, ORDINARY).look_up(Words.of(word), 20))
    found = {node["Index Name"]: round(node["Actual Rows"]) for node in nodes(plan) if "Index Name" in node}
    print(f"{word}: {found}")
    assert found["ix_message_words_document"] == (2_500 if word == "message" else 0)


def test_a_plan_without_its_index_is_noticed(crowded: Postgres) -> None:
    crowded.rows("ALTER TABLE message DROP CONSTRAINT uq_message_conversation_id_seq")
    try:
        found = scans(explained(crowded, STATEMENTS["history of a long conversation"]))
    finally:
        crowded.rows(
            "ALTER TABLE message ADD CONSTRAINT uq_message_conversation_id_seq UNIQUE (conversation_id, seq)"
        )
    assert max(rows for *_, rows in found) > 50_000


def test_a_flush_of_a_running_reply_changes_no_index(alice: User, service: Service) -> None:
    """Many are written a second: an index on what they write would have to follow each of them."""
    message = alice.say(alice.conversation(), "-", role="assistant")
    streaming = "UPDATE message SET status = 'streaming', lease_until = now() WHERE id = %s"
    service.postgres.rows(streaming, message["id"])
    given = {
        "user_id": alice.id,
        "conversation_id": message["conversation_id"],
        "reply_id": message["id"],
        "have": 0,
        "text": "More",
        "parts": '[{"type": "text", "text": "More"}]',
        "lease": timedelta(seconds=10),
    }
    with closing(psycopg2.connect(**urls.arguments(service.postgres.url))) as connection:
        cursor = connection.cursor()
        for _ in range(5):
            cursor.execute(_FLUSH.sql, given)
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid)"
            " FROM pg_class WHERE oid = 'message'::regclass"
        )
        assert cursor.fetchall() == [(5, 5)]
