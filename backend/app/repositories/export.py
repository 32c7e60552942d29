"""Exports all data of one user, row by row, from one snapshot of the database."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, case, cast, func, literal, select, true
from sqlalchemy.sql.selectable import Subquery
from sqlmodel import col

from ..db.connection import Row
from ..db.database import Database, Read
from ..db.statement import Statement, read
from ..models.caller import Caller
from ..models.database import Conversation, Message, Todo, User
from . import conversations, messages, todos
from .base import identity_of, owned

VERSION = 1
"""The version of the format. Added fields or types of lines do not change it."""

PAGE_ITEMS = 100
"""How many todos, or conversations, one query reads."""

PAGE_ROWS = 500
PAGE_BYTES = 1_048_576
"""One query reads at most PAGE_ROWS messages and stops at the one that reaches PAGE_BYTES, to save memory."""

_after = bindparam("after", type_=BigInteger())
_first, _last = bindparam("first", type_=BigInteger()), bindparam("last", type_=BigInteger())

_header = select(
    literal("export").label("type"),
    literal("chat-history").label("format"),
    literal(VERSION).label("version"),
    func.now().label("exported_at"),
).subquery("header")
_user = (
    select(
        literal("user").label("type"),
        col(User.id),
        col(User.email),
        col(User.issuer),
        col(User.subject),
        col(User.created_at),
    )
    .where(col(User.id) == bindparam("user_id"))
    .subquery("item")
)
USER = read(
    select(func.row_to_json(_header.table_valued()), func.row_to_json(_user.table_valued())).select_from(
        _user.join(_header, true())
    )
)


def _next(kind: str, table: type[Todo | Conversation], *columns: Any) -> Subquery:
    """The next rows of a table, each with its `type`."""
    return (
        select(literal(kind).label("type"), *columns)
        .where(owned(table), col(table.id) > _after)
        .order_by(col(table.id))
        .limit(PAGE_ITEMS)
        .subquery("item")
    )


_todo = _next("todo", Todo, *todos.COLUMNS)
_conversation = _next(
    "conversation",
    Conversation,
    *conversations.COLUMNS,
    col(Conversation.title_source),
    col(Conversation.deleted_at),
)

# Goes by conversation: messages have an index on their conversation, and none on their user.
_mine = (
    select(col(Conversation.id))
    .where(owned(Conversation), col(Conversation.id) >= _first, col(Conversation.id) <= _last)
    .order_by(col(Conversation.id))
    .subquery("mine")
)
_said = (
    select(*messages.COLUMNS, col(Message.reply_to), col(Message.replaced))
    .where(
        col(Message.conversation_id) == _mine.c.id,
        owned(Message),
        col(Message.seq) > case((_mine.c.id == _first, _after), else_=0),
    )
    .order_by(col(Message.seq))
    .limit(PAGE_ROWS)
    .lateral("said")
)
_size = func.octet_length(_said.c.content) + func.coalesce(func.octet_length(cast(_said.c.parts, Text)), 0)
_sized = (
    select(*_said.c, (func.sum(_size).over(order_by=(_mine.c.id, _said.c.seq)) - _size).label("bytes_before"))
    .select_from(_mine.join(_said, true()))
    .order_by(_mine.c.id, _said.c.seq)
    .limit(PAGE_ROWS)
    .subquery("sized")
)
_message = (
    select(literal("message").label("type"), *(_sized.c[column.name] for column in _said.columns))
    .where(_sized.c.bytes_before < PAGE_BYTES)
    .subquery("item")
)


def _page(item: Subquery, *place: str) -> Statement:
    """Selects the items in the order of `place`: the columns of `place`, then the item as JSON."""
    places = [item.c[name] for name in place]
    return read(select(*places, func.row_to_json(item.table_valued())).order_by(*places))


TODOS = _page(_todo, "id")
CONVERSATIONS = _page(_conversation, "id")
MESSAGES = _page(_message, "conversation_id", "seq")


class ExportRepository:
    """All data of one user, including deleted conversations that can still be restored."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database = database
        self._identity = identity_of(caller)

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Yields the export in chunks of whole lines, each a JSON object with a `type`; the last is `end`.

        Holds a connection from the first chunk to the last. Raises NotAuthenticated if the account is gone.
        """
        counted = {"todo": 0, "conversation": 0, "message": 0}
        async with self._database.snapshot(self._identity) as query:
            [both] = await query(USER, {})
            yield _lines(both)
            async for rows in _pages(query, TODOS):
                counted["todo"] += len(rows)
                yield _lines(row[-1] for row in rows)
            async for rows in _pages(query, CONVERSATIONS):
                counted["conversation"] += len(rows)
                yield _lines(row[-1] for row in rows)
                async for said in _messages(query, first=rows[0][0], last=rows[-1][0]):
                    counted["message"] += len(said)
                    yield _lines(row[-1] for row in said)
        yield json.dumps({"type": "end", **counted}, separators=(",", ":")).encode() + b"\n"


async def _pages(query: Read, statement: Statement) -> AsyncIterator[list[Row]]:
    after = 0
    while rows := await query(statement, {"after": after}):
        yield rows
        after = rows[-1][0]


async def _messages(query: Read, first: int, last: int) -> AsyncIterator[list[Row]]:
    """Yields pages of the messages in the user's conversations with ids from `first` to `last`."""
    after = 0
    while rows := await query(MESSAGES, {"first": first, "last": last, "after": after}):
        yield rows
        first, after = rows[-1][:2]


def _lines(items: Iterable[bytes]) -> bytes:
    return b"".join(bytes(item) + b"\n" for item in items)
