"""Reads the messages of a conversation in reading order, a stretch at a time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, case, func, null, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import Subquery
from sqlmodel import col

from ..db.statement import Statement, read
from ..errors import MessageNotFound
from ..models.database import Conversation, Message
from .base import Repository
from .conversations import THIS_CONVERSATION
from .messages import COLUMNS, SHOWN, up_to_bytes

END = 2**62
"""Larger than the `seq` of any message."""

PAGE_BYTES = 2_097_152
"""A stretch ends with the message that reaches this size: more would hold up all other requests."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive messages in reading order, as JSON built by Postgres.

    There are more messages before the `seq` in `older` and after the one in `newer`; None if there are not.
    """

    items: bytes
    older: int | None
    newer: int | None


_seq = col(Message.seq)


def _nearest(limit: ColumnElement[int], *beyond: ColumnElement[bool], newest: bool) -> Select[Any]:
    """Selects the nearest messages: at most `limit`, up to the one that reaches PAGE_BYTES."""
    order = _seq.desc() if newest else _seq.asc()
    return up_to_bytes(PAGE_BYTES, select(*COLUMNS).where(*SHOWN, *beyond).limit(limit), order)


def _stretch(item: Subquery, place: ColumnElement[Any]) -> Statement:
    """Selects the items and both ends of the stretch. Without items, both ends are `place`."""
    items = func.json_agg(aggregate_order_by(item.table_valued(), item.c.seq))
    stretch = select(
        func.coalesce(items, func.json_build_array()).label("items"),
        func.coalesce(func.min(item.c.seq), place).label("oldest"),
        func.coalesce(func.max(item.c.seq), place).label("newest"),
    ).subquery("stretch")
    # Selects the nearest one in index order: Postgres may answer a plain EXISTS by reading the whole table.
    one = select(_seq).where(*SHOWN).limit(1)
    older = one.where(_seq < stretch.c.oldest).order_by(_seq.desc()).scalar_subquery()
    newer = one.where(_seq > stretch.c.newest).order_by(_seq).scalar_subquery()
    return read(
        select(
            stretch.c["items"],
            case((older.is_not(None), stretch.c.oldest)),
            case((newer.is_not(None), stretch.c.newest)),
        )
        .select_from(Conversation)
        .join(stretch, true())
        .where(*THIS_CONVERSATION),
        often=True,
    )


_limit = bindparam("limit", type_=BigInteger())
_before, _after = bindparam("before", type_=BigInteger()), bindparam("after", type_=BigInteger())
_NEWEST = _stretch(_nearest(_limit, _seq < _before, newest=True).subquery("item"), _before - 1)
_OLDEST = _stretch(_nearest(_limit, _seq > _after, newest=False).subquery("item"), _after + 1)
_this = select(_seq).where(*SHOWN, col(Message.id) == bindparam("message_id")).scalar_subquery()
_upto = _nearest((_limit + 1) // 2, _seq <= _this, newest=True).subquery("upto")
_from = _nearest(_limit // 2, _seq > _this, newest=False).subquery("beyond")
_AROUND = _stretch(select(_upto).union_all(select(_from)).subquery("item"), null())


class HistoryRepository(Repository):
    """Reads the messages of one user's conversations. Those of other users are never found."""

    async def newest(self, conversation_id: int, limit: int, before: int = END) -> Stretch:
        """Returns the `limit` newest messages `before` a `seq`. Raises ConversationNotFound."""
        before = min(max(before, 1), END)
        return await self._read(_NEWEST, conversation_id, limit=limit, before=before)

    async def oldest(self, conversation_id: int, limit: int, after: int = 0) -> Stretch:
        """Returns the `limit` oldest messages `after` a `seq`. Raises ConversationNotFound."""
        after = min(max(after, 0), END)
        return await self._read(_OLDEST, conversation_id, limit=limit, after=after)

    async def around(self, conversation_id: int, limit: int, message_id: int) -> Stretch:
        """Returns a message with those before and after it, at most `limit` in all.

        Raises ConversationNotFound, and MessageNotFound, also if the message has been replaced.
        """
        found = await self._read(_AROUND, conversation_id, limit=limit, message_id=message_id)
        if found.items == b"[]":
            raise MessageNotFound
        return found

    async def _read(self, statement: Statement, conversation_id: int, **place: int) -> Stretch:
        return Stretch(*await self._row_of_conversation(statement, conversation_id=conversation_id, **place))
