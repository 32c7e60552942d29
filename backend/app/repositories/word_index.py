"""The index of words. Searches bring it up to date, so that writes never wait for it.

A conversation is indexed up to its `indexed_seq`. Rows are only added: the text of a message does not change
once it is indexed, and a search looks at the message itself to see whether it has been replaced.
"""

import asyncio
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    and_,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import TSVECTOR, insert
from sqlmodel import col

from ..db.connection import Row
from ..db.statement import read, write
from ..models.database import Conversation, Message, MessageWords
from ..words import documents
from .base import Repository, owned
from .hits import MINE, newest_first

SLICE_MESSAGES = 500
SLICE_BYTES = 1_048_576
"""A slice has at most SLICE_MESSAGES messages and ends with the one that reaches SLICE_BYTES."""

SECONDS = 0.3
"""After this many seconds, no further slice is begun."""

_written = (
    select(func.min(col(Message.seq)))
    .where(
        col(Message.conversation_id) == col(Conversation.id),
        col(Message.user_id) == col(Conversation.user_id),
        col(Message.status) == "streaming",
        col(Message.lease_until) >= func.now(),
    )
    .correlate(Conversation)
    .scalar_subquery()
)
_ready = func.coalesce(_written, col(Conversation.next_seq))
"""Messages before this `seq` are final.

So is a reply whose lease expired: if its writer continues later, what it adds is shown but not found.
"""

_next = col(Conversation.indexed_seq) + 1
BEHIND = (*MINE, _next < col(Conversation.next_seq), _next < _ready)
"""The conversations with messages that are not indexed yet."""

_behind = (
    select(
        col(Conversation.id),
        col(Conversation.user_id),
        col(Conversation.updated_at),
        _next.label("next"),
        _ready.label("ready"),
    )
    .where(*BEHIND)
    .order_by(*newest_first(Conversation))
    .limit(SLICE_MESSAGES)
    .subquery("behind")
)
_shown = case((~col(Message.replaced), col(Message.content)), else_=null())
_unread = (
    select(col(Message.seq), _shown.label("content"))
    .where(
        col(Message.conversation_id) == _behind.c.id,
        col(Message.user_id) == _behind.c.user_id,
        col(Message.seq) >= _behind.c.next,
        col(Message.seq) < _behind.c.ready,
    )
    .order_by(col(Message.seq))
    .limit(SLICE_MESSAGES)
    .lateral("unread")
)
_order = (*newest_first(_behind.c), _unread.c.seq)
_size = func.coalesce(func.octet_length(_unread.c.content), 0)
_slice = (
    select(
        _behind.c.id,
        _unread.c.seq,
        _unread.c.content,
        func.sum(_size).over(order_by=_order).label("upto"),
        _size.label("size"),
    )
    .select_from(_behind.join(_unread, true()))
    .order_by(*_order)
    .limit(SLICE_MESSAGES)
    .subquery("slice")
)
_NEXT = read(
    select(_slice.c.id, _slice.c.seq, _slice.c.content, _slice.c.upto).where(
        _slice.c.upto - _slice.c.size < SLICE_BYTES
    )
)


def _array(name: str, kind: Any) -> Any:
    return cast(bindparam(name), ARRAY(kind))


_given = (
    func.unnest(
        _array("conversations", BigInteger),
        _array("seqs", BigInteger),
        _array("numbers", BigInteger),
        _array("documents", TSVECTOR),
    )
    .table_valued("conversation_id", "seq", "part", "document")
    .render_derived("given")
)
# Keeps the conversations from being deleted meanwhile, without blocking new messages.
_HOLD = (
    select(col(Conversation.id))
    .where(owned(Conversation), col(Conversation.id) == func.any(_array("conversations", BigInteger)))
    .order_by(col(Conversation.id))
    .with_for_update(read=True, key_share=True)
)
_message = and_(col(Message.conversation_id) == _given.c.conversation_id, col(Message.seq) == _given.c.seq)
# Inserts in a fixed order: of two concurrent searches, the second waits for the first and finds its rows.
_add = (
    insert(MessageWords)
    .from_select(
        ["conversation_id", "seq", "part", "user_id", "created_at", "document"],
        select(
            col(Message.conversation_id),
            col(Message.seq),
            _given.c.part,
            col(Message.user_id),
            col(Message.created_at),
            _given.c.document,
        )
        .join(_given, _message)
        .where(owned(Message), _given.c.document.is_not(None))
        .order_by(col(Message.conversation_id), col(Message.seq)),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
)
_reached = (
    select(_given.c.conversation_id, func.max(_given.c.seq).label("seq"))
    .group_by(_given.c.conversation_id)
    .subquery("reached")
)
_advance = (
    update(Conversation)
    .where(
        owned(Conversation),
        col(Conversation.id) == _reached.c.conversation_id,
        col(Conversation.indexed_seq) < _reached.c.seq,
    )
    .values(indexed_seq=_reached.c.seq)
)
_ADD = write(_HOLD, _add, _advance)


class WordIndex(Repository):
    """Indexes the words of one user's messages."""

    async def catch_up(self) -> bool:
        """Indexes what is missing, the most recently active conversations first, for about SECONDS.

        Returns whether nothing is left to do.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SECONDS
        while True:
            rows = await self._rows(_NEXT)
            if rows:
                await self._rows(_ADD, **await asyncio.to_thread(_columns, self.user_id, rows))
            if len(rows) < SLICE_MESSAGES and (not rows or max(row[3] for row in rows) < SLICE_BYTES):
                return True
            if loop.time() > deadline:
                return False


def _columns(owner: int, rows: list[Row]) -> dict[str, list[Any]]:
    """The rows to store, as columns. Each message has at least one row, so that it counts as indexed."""
    stored = [
        (conversation_id, seq, part, document)
        for conversation_id, seq, content, _ in rows
        for part, document in enumerate([*documents(owner, content or "")] or [None])
    ]
    names = ("conversations", "seqs", "numbers", "documents")
    return dict(zip(names, map(list, zip(*stored, strict=True)), strict=True))
