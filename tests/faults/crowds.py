"""Many write, read, rename and delete the same at once: who must wait waits, and nobody's request fails."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import psycopg2
from psycopg2.extensions import connection

from app.db import url as urls
from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from support import User, served, settings, until

AT_ONCE = 8
CONVERSATIONS = 2
TALK = 100
"""Rounds in the same two conversations: some requests read all that was said in them."""

USERS = 4
"""Who take turns: a single one would have more turns in a minute than a user may."""

REFUSED_AT_MOST = 0.001
"""Which share of answers may be 503."""

UNDERSTOOD = {200, 201, 204, 404, 409, 422, 503}
"""404 for what was deleted, 409 and 422 for who comes while a reply is written."""

_WAITING = """
    SELECT pg_stat_clear_snapshot();
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_NUMBERS = "SELECT array_agg(seq ORDER BY seq) FROM message WHERE conversation_id = %s"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def mixed_rounds(ground: Ground, times: int) -> Outcome:
    """Rounds of eight requests to two conversations of one user, let go when all that must wait do wait."""
    chance, statuses, waited = random.Random(1), Counter[int](), 0
    with (
        ground.database() as database,
        served(create_app(settings(database)), database) as service,
        ThreadPoolExecutor(AT_ONCE) as pool,
        closing(psycopg2.connect(**urls.arguments(database.url))) as holder,
    ):
        users = [service.user(f"{number}@example.com") for number in range(USERS)]
        for first in range(0, times, TALK):
            user = users[first // TALK % USERS]
            conversations = [user.conversation() for _ in range(CONVERSATIONS)]
            for _ in range(first, min(first + TALK, times)):
                place = [chance.choice(conversations) for _ in range(AT_ONCE)]
                asked = [_request(user, one, chance.randrange(9)) for one in place]
                answers, waiting = _let_go_together(holder, conversations, pool, user, asked)
                statuses.update(answer.status_code for answer in answers)
                waited += waiting
            for conversation in conversations:
                user.post(f"/api/conversations/{conversation}/restore").raise_for_status()
                found = database.value(_NUMBERS, conversation)
                assert found == list(range(1, len(found) + 1)), "seq has gaps"
        deadlocks = database.value(_DEADLOCKS)
    assert statuses.keys() <= UNDERSTOOD, statuses
    assert statuses[503] <= REFUSED_AT_MOST * statuses.total(), statuses
    said = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return Outcome(statuses.total(), waited, f"{said}; {deadlocks} deadlocks, seq without gaps")


def _request(user: User, conversation: int, kind: int) -> httpx.Request:
    """One of each kind that takes a lock of the conversation, and two that read."""
    path, chat = f"/api/conversations/{conversation}", f"/api/chat/{conversation}"
    build = user.client.build_request
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("POST", f"{path}/messages", {"content": "note"}),
        ("POST", f"{chat}/message", {"message": "list"}),
        ("POST", f"{chat}/regenerate", None),
        ("POST", f"{chat}/stop", None),
        ("PATCH", path, {"title": "renamed", "pinned": True}),
        ("DELETE", path, None),
        ("POST", f"{path}/restore", None),
        ("GET", f"{chat}/history", None),
        ("GET", "/api/conversations", None),
    )
    method, url, body = kinds[kind]
    return build(method, url, json=body)


def _let_go_together(
    holder: connection,
    conversations: list[int],
    pool: ThreadPoolExecutor,
    user: User,
    asked: list[httpx.Request],
) -> tuple[list[httpx.Response], int]:
    """The answers, and how many waited for the conversations while somebody else held them."""
    with holder, holder.cursor() as cursor:
        cursor.execute("SELECT FROM conversation WHERE id = ANY(%s) FOR UPDATE", [conversations])
        answers = [pool.submit(user.client.send, request) for request in asked]
        waiting: int = 0

        def all_wait_or_are_done() -> bool:
            nonlocal waiting
            cursor.execute(_WAITING)
            [[waiting]] = cursor.fetchall()
            return waiting == sum(not answer.done() for answer in answers)

        until(all_wait_or_are_done)
    return [answer.result() for answer in answers], waiting
