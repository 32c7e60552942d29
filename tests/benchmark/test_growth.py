"""What does not grow: the work of Postgres for the newest of many messages, the first of many chats."""

import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from app.db.database import Database
from app.repositories.conversations import ConversationRepository
from app.repositories.history import HistoryRepository
from app.repositories.messages import MessageRepository
from app.repositories.replies import ReplyRepository
from app.repositories.turns import TurnRepository
from benchmark import growth, seed
from plans_for_tests import explained, nodes
from support import Postgres, Service

SIZE = seed.Size(users=20, conversations=11_000, heavy_user=10_000, long_conversation=10, turns=0)
HEAVY, USUAL = 1, 3
SHORT, LONG = 100, 100_000

IN_A_CONVERSATION: dict[str, Callable[[Database, int, int], Awaitable[object]]] = {
    "first page": lambda it, chat, _: HistoryRepository(it, growth.OWNER).newest(chat, 50),
    "later page": lambda it, chat, length: HistoryRepository(it, growth.OWNER).newest(chat, 50, length - 10),
    "oldest page": lambda it, chat, _: HistoryRepository(it, growth.OWNER).oldest(chat, 50),
    "append": lambda it, chat, _: MessageRepository(it, growth.OWNER).append(chat, "user", "More"),
}


@pytest.fixture(scope="module")
def grown(make_database: Callable[[], Postgres]) -> Postgres:
    """Many conversations, whose statistics Postgres has, and then some that are much longer."""
    postgres = make_database()
    seed.seed(postgres.text, SIZE)
    for length in (SHORT, LONG):
        growth.conversation_of(postgres.text, length)
    return postgres


def pages_read(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@pytest.mark.parametrize("operation", IN_A_CONVERSATION)
def test_a_long_conversation_costs_no_more_than_a_short_one(operation: str, grown: Postgres) -> None:
    def cost(length: int) -> int:
        chat = growth.conversation_of(grown.text, length).conversation
        return pages_read(explained(grown, lambda it: IN_A_CONVERSATION[operation](it, chat, length)))

    short, long = cost(SHORT), cost(LONG)
    print(f"{operation}: {short} pages of {SHORT} messages, {long} of {LONG}")
    # An index of a hundred thousand entries is a level or two deeper, for each of its look-ups.
    assert long <= 1.3 * short + 12


def test_a_list_of_many_conversations_costs_no_more_than_one_of_few(grown: Postgres) -> None:
    heavy, usual = (
        pages_read(explained(grown, lambda it, user=user: ConversationRepository(it, user).page(20)))  # type: ignore[misc]  # bound to this user
        for user in (HEAVY, USUAL)
    )
    print(f"list: {usual} pages of {seed.USUAL} conversations, {heavy} of {SIZE.heavy_user}")
    assert heavy <= 1.3 * usual + 12


PLACE = (False, datetime(2026, 1, 1, tzinfo=UTC), 1_000)

HOT: dict[str, Callable[[Database, int], Awaitable[object]]] = {
    "history": lambda it, chat: HistoryRepository(it, growth.OWNER).newest(chat, 50),
    "messages": lambda it, chat: HistoryRepository(it, growth.OWNER).oldest(chat, 50),
    "around a message": lambda it, chat: HistoryRepository(it, growth.OWNER).around(chat, 50, 1_000),
    "list": lambda it, _: ConversationRepository(it, growth.OWNER).page(20),
    "next page of a list": lambda it, _: ConversationRepository(it, growth.OWNER).page(20, PLACE),
    "append": lambda it, chat: MessageRepository(it, growth.OWNER).append(chat, "user", "More", "again"),
    "turn": lambda it, chat: TurnRepository(it, growth.OWNER).ask(chat, "More", "again"),
    "flush of a reply": lambda it, chat: ReplyRepository(it, growth.OWNER).flush(chat, 1_000, 0, "So", None),
    "end of a reply": lambda it, chat: ReplyRepository(it, growth.OWNER).end(
        *(chat, 1_000),
        text="So",
        parts=None,
        status="complete",
        model="m",
        finish_reason="stop",
        usage=None,
        timings="{}",
    ),
}


@pytest.mark.parametrize("operation", HOT)
def test_every_look_at_a_table_names_the_user(operation: str, grown: Postgres) -> None:
    """Who is asked for decides where the rows are: tables may be divided by users without another statement.

    The policies name the user by a setting; the statement itself by a number, or by a row that it found so.
    """
    chat = growth.conversation_of(grown.text, LONG).conversation
    plan = explained(grown, lambda it: HOT[operation](it, chat))
    looks = [node for node in nodes(plan) if node.get("Relation Name") and node["Node Type"].endswith("Scan")]
    named = re.compile(rf"user_id = ({growth.OWNER}\b|'{growth.OWNER}'|[a-z_0-9]+\.user_id)")
    assert looks
    for look in looks:
        conditions = " ".join(str(look.get(kind, "")) for kind in ("Index Cond", "Filter", "Recheck Cond"))
        assert named.search(conditions), (look["Relation Name"], conditions)


def test_a_request_takes_no_thread(serve_with: Callable[..., AbstractContextManager[Service]]) -> None:
    """One that waited for a thread would cost more there than in all the rest of this process."""
    with serve_with() as service:
        alice, before = service.user("alice@example.com"), set(threading.enumerate())
        chat = alice.conversation()
        alice.say(chat, "Hello")
        alice.get("/api/conversations")
        alice.get(f"/api/chat/{chat}/history")
        assert set(threading.enumerate()) <= before
