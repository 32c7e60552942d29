"""What is asked for: conversations and users of the seeded database, picked once, the same for everybody."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from app import tokens
from app.db import url as urls

SECRET = "the secret of the benchmark, 32 bytes"
PAGE = 50
CONVERSATIONS = 5_000
"""How many conversations of at least a page are asked for. They are more than fit into a small cache."""

CONTENT = "How can I sort a list of tuples by the second value, and the same values by the first? Thanks!"


@dataclass(frozen=True)
class Target:
    """A conversation, its user, and a token that the service and its peers accept."""

    conversation: int
    user: int
    token: str


def targets(url: str) -> list[Target]:
    """Conversations with a page of messages or more, at random, but for the two extremes."""
    found = rows(
        url,
        "SELECT id, user_id FROM conversation WHERE next_seq BETWEEN %s AND 10000 AND user_id > 3"
        " ORDER BY md5(id::text) LIMIT %s",
        (PAGE + 1, CONVERSATIONS),
    )
    signed_in = {user: token_of(user) for _, user in found}  # who has signed in asks with one token
    return [Target(conversation, user, signed_in[user]) for conversation, user in found]


def warm(url: str, targets: list[Target]) -> None:
    """Reads what will be asked for into the memory of Postgres, the rows of the service and of its peers."""
    conversations = [target.conversation for target in targets]
    for message in ("message", "peer.message"):
        rows(
            url,
            "SET enable_seqscan = off; SET enable_bitmapscan = off;"  # which would go around it
            f" SELECT sum(octet_length(content)) FROM {message} WHERE conversation_id = ANY(%s)",
            [conversations],
        )


def token_of(user: int) -> str:
    return tokens.issue(user, SECRET, 86_400, time.time())


def rows(
    url: str, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()
) -> list[tuple[int, ...]]:
    """Asks the database as its administrator, and commits."""
    with closing(psycopg2.connect(**urls.arguments(urls.parse(url)))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []
