"""A database of realistic shape, written by COPY: a service's own, and the same rows as the peers keep them.

Lengths of conversations and messages follow what was measured of ShareGPT: half of the conversations have up
to eight messages, a few have hundreds; half of the messages have up to 500 characters, one in a hundred has
5,000. Rows lie in the order in which they were written, as in a live service: those of a conversation are
scattered. Two are out of the ordinary on purpose: a user with very many conversations, and a conversation
with very many messages.
"""

import io
import math
import random
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import psycopg2
from psycopg2 import extensions

from app.db import url as urls
from app.db.migrations import migrate


@dataclass(frozen=True)
class Size:
    """How much of everything. `turns` is the mean of the logarithm of a conversation's further turns."""

    users: int
    conversations: int
    heavy_user: int
    """Conversations of the first user."""
    long_conversation: int
    """Messages of the first conversation, which is the second user's."""
    turns: float


FULL = Size(users=1_000, conversations=100_000, heavy_user=10_000, long_conversation=100_000, turns=1.65)
SMALL = Size(users=100, conversations=5_000, heavy_user=1_000, long_conversation=10_000, turns=1.15)

USUAL = 90
"""Conversations of the third user, to compare the first one with."""

SECOND = 1_000_000
"""Times are microseconds."""

YEAR = 365 * 86_400 * SECOND
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

_WORDS = """
    the of a to and in is it you that for on with as this be are can if or how what when which function value
    list table column query index server client request answer error example result number string first
    second because however therefore between without instead "quoted" don't it's 1 2 10 2026 0.5 café naïve
    größer 数据 привет 🙂 `code` **bold** - # | return import def self None True print(x) x=1 // {} [0] <b>
""".split()  # noqa: SIM905  # words are easier to read so


def seed(url: str, size: Size) -> int:
    """Migrates an empty database and fills it. The same size always gives the same rows.

    Returns the id of the last message.
    """
    migrate(urls.parse(url))
    with closing(psycopg2.connect(**urls.arguments(urls.parse(url)))) as connection:
        _fill(connection, size)
        connection.cursor().execute(_PEERS)
        connection.commit()
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")
        cursor = connection.cursor()
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT max(id) FROM message")
        [last] = cursor.fetchone() or [0]
        return int(last)


def forget(url: str, last: int) -> None:
    """Removes what was said behind the `last` message: pages would have less in them from run to run."""
    with closing(psycopg2.connect(**urls.arguments(urls.parse(url)))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(_FORGET, {"last": last})
        cursor.execute("DELETE FROM conversation WHERE next_seq = 1")
        cursor.execute("DELETE FROM peer.message WHERE id > %s", [last])
        cursor.execute("VACUUM ANALYZE")


def _fill(connection: extensions.connection, size: Size) -> None:
    chance = random.Random(2026)
    owners = _owners(size, chance)
    starts = [chance.randrange(YEAR) for _ in owners]
    written = _written(size, starts, chance)
    last = starts.copy()
    lengths = [0] * len(owners)
    for time, conversation, _ in map(_read, written):
        last[conversation] = max(last[conversation], time)
        lengths[conversation] += 1
    cursor = connection.cursor()
    cursor.execute("SET session_replication_role = replica")  # the rows fit: no need to look each one up
    _copy(
        connection,
        '"user" (id, email, password_hash)',
        (f"{user}\tuser{user}@example.com\tnone\n" for user in range(1, size.users + 1)),
    )
    _copy(
        connection,
        "conversation (id, user_id, title, next_seq, created_at, updated_at)",
        (
            f"{number + 1}\t{owner}\t{_text(_title_length(chance), chance)}\t{lengths[number] + 1}"
            f"\t{_moment(starts[number])}\t{_moment(last[number])}\n"
            for number, owner in enumerate(owners)
        ),
    )
    _copy(
        connection,
        "message (user_id, conversation_id, seq, reply_to, role, content, created_at)",
        (
            f"{owners[conversation]}\t{conversation + 1}\t{seq}\t"
            + (f"{seq - 1}\tassistant" if seq % 2 == 0 else "\\N\tuser")
            + f"\t{_text(_length(seq, chance), chance)}\t{_moment(time)}\n"
            for time, conversation, seq in map(_read, written)
        ),
    )
    for table in ("user", "conversation"):
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), max(id)) FROM \"{table}\""
        )
    cursor.execute("SET session_replication_role = DEFAULT")


def _owners(size: Size, chance: random.Random) -> list[int]:
    """The user of each conversation: the long one, the heavy user's, the usual user's, and the others'.

    How many a user has falls off as by Zipf.
    """
    rest = size.conversations - 1 - size.heavy_user - USUAL
    others = range(4, size.users + 1)
    weights = [1 / (user - 2) ** 0.8 for user in others]
    owners = [1] * size.heavy_user + [3] * USUAL + chance.choices(others, weights, k=rest)
    chance.shuffle(owners)
    return [2, *owners]


def _written(size: Size, starts: list[int], chance: random.Random) -> list[int]:
    """The messages of all conversations in the order of their times."""
    written = []
    for conversation, start in enumerate(starts):
        messages = size.long_conversation if conversation == 0 else 2 * _turns(size, chance)
        pause, time = (YEAR - start) / 2 / messages, start
        for seq in range(1, messages + 1):
            time += round(min(pause, (20 if seq % 2 == 0 else chance.expovariate(1 / 120)) * SECOND))
            written.append(time << 40 | conversation << 20 | seq)
    written.sort()
    return written


def _read(packed: int) -> tuple[int, int, int]:
    """The time, conversation and `seq` of a message."""
    return packed >> 40, packed >> 20 & 0xFFFFF, packed & 0xFFFFF


def _turns(size: Size, chance: random.Random) -> int:
    if chance.random() < 1 / 2_000:
        return 1_000
    if chance.random() < 0.25:
        return 1
    return min(2_000, 1 + round(chance.lognormvariate(size.turns, 1.2)))


def _length(seq: int, chance: random.Random) -> int:
    """Characters of a question, and of an answer."""
    if seq % 2:
        return min(400_000, 1 + int(chance.lognormvariate(math.log(85), 1.55)))
    return min(8_000, 1 + int(chance.lognormvariate(math.log(1_150), 0.7)))


def _title_length(chance: random.Random) -> int:
    return chance.randint(15, 60)


def _moment(microseconds: int) -> str:
    return (BEGAN + timedelta(microseconds=microseconds)).isoformat()


def _pool() -> str:
    chance = random.Random(1)
    words = "".join(chance.choice(_WORDS) + chance.choice((" ",) * 11 + ("\n",)) for _ in range(100_000))
    return words * 2


_POOL = _pool()


def _text(length: int, chance: random.Random) -> str:
    """Words, as COPY takes them."""
    begin = chance.randrange(len(_POOL) // 2)
    return _POOL[begin : begin + length].replace("\n", "\\n")


def _copy(connection: extensions.connection, into: str, rows: Iterator[str] | Iterable[str]) -> None:
    rows = iter(rows)
    while piece := "".join(islice(rows, 20_000)):
        connection.cursor().copy_expert(f"COPY {into} FROM STDIN", io.StringIO(piece))


_FORGET = """
WITH gone AS (DELETE FROM message WHERE id > %(last)s RETURNING conversation_id, seq),
first AS (SELECT conversation_id, min(seq) AS seq FROM gone GROUP BY conversation_id)
UPDATE conversation SET next_seq = first.seq FROM first WHERE id = first.conversation_id
"""

_PEERS = """
CREATE SCHEMA peer;
CREATE TABLE peer."user" (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE peer.conversation (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES peer."user",
    title text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE peer.message (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES peer.conversation,
    role text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO peer."user" SELECT id, email FROM "user";
INSERT INTO peer.conversation SELECT id, user_id, title, created_at, updated_at FROM conversation;
INSERT INTO peer.message SELECT id, conversation_id, role, content, created_at FROM message ORDER BY id;
CREATE INDEX ON peer.conversation (user_id, updated_at DESC, id DESC);
CREATE INDEX ON peer.message (conversation_id, id DESC);
SELECT setval(pg_get_serial_sequence('peer.' || name, 'id'), (SELECT max(id) FROM message))
FROM unnest(ARRAY['conversation', 'message']) AS name;
"""
"""The same rows as whoever begins keeps them: no row-level security, no `seq`, but the indexes they need."""
