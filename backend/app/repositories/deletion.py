"""Deleting conversations: done at once, taken back, and at last for good. And ending what is not used."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Interval, bindparam, delete, func, null, select, update
from sqlmodel import col

from ..db.statement import Statement, read, write
from ..models.database import Conversation, Message
from .base import Repository, not_deleted, owned
from .conversations import COLUMNS, THIS_CONVERSATION

BATCH_CONVERSATIONS = 100
BATCH_MESSAGES = 10_000
"""How much one statement removes at most, unless a single conversation has more messages."""

# Locked before: a reply that was opened just now is seen, and ends too.
_LOCK = select(col(Conversation.id)).where(*THIS_CONVERSATION).with_for_update()
_deleted = (
    update(Conversation)
    .where(*THIS_CONVERSATION)
    .values(deleted_at=func.now())
    .returning(col(Conversation.id), col(Conversation.user_id))
    .cte("deleted")
)
_ended = (
    update(Message)
    .where(
        col(Message.conversation_id) == _deleted.c.id,
        col(Message.user_id) == _deleted.c.user_id,
        col(Message.status) == "streaming",
    )
    .values(status="interrupted", finish_reason="interrupted", lease_until=null())
    .returning(col(Message.id))
    .cte("ended")
)
_DELETE = write(_LOCK, select(_deleted.c.id).add_cte(_ended))

_restored = (
    update(Conversation)
    .where(col(Conversation.id) == bindparam("conversation_id"), owned(Conversation))
    .values(deleted_at=null())
    .returning(*COLUMNS)
    .cte("restored")
)
_RESTORE = write(select(func.row_to_json(_restored.table_valued())))

_LONG_AGO = func.now() - bindparam("age", type_=Interval())
_DELETED = (owned(Conversation), col(Conversation.deleted_at) <= _LONG_AGO)
_INACTIVE = (
    owned(Conversation),
    not_deleted(),
    ~col(Conversation.pinned),
    col(Conversation.updated_at) <= _LONG_AGO,
)

_said = col(Conversation.next_seq) - 1
"""How many messages it has: their numbers have no gaps."""


def _purge(*conditions: ColumnElement[bool]) -> Statement:
    """Removes a batch. The conditions are said twice: what is restored or used meanwhile stays."""
    oldest = (
        select(
            col(Conversation.id),
            (func.sum(_said).over(order_by=col(Conversation.id)) - _said).label("messages_before"),
        )
        .where(*conditions)
        .order_by(col(Conversation.id))
        .limit(BATCH_CONVERSATIONS)
        .subquery("oldest")
    )
    batch = select(oldest.c.id).where(oldest.c.messages_before < BATCH_MESSAGES)
    return write(delete(Conversation).where(*conditions, col(Conversation.id).in_(batch)).returning(_said))


def _count(*conditions: ColumnElement[bool]) -> Statement:
    return read(select(func.count(), func.coalesce(func.sum(_said), 0)).where(*conditions))


PURGE_DELETED, COUNT_DELETED = _purge(*_DELETED), _count(*_DELETED)
PURGE_INACTIVE, COUNT_INACTIVE = _purge(*_INACTIVE), _count(*_INACTIVE)


@dataclass(frozen=True, slots=True)
class Purged:
    """How much is gone for good."""

    conversations: int = 0
    messages: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(self.conversations + other.conversations, self.messages + other.messages)


class DeletionRepository(Repository):
    """What one user deletes. What is another user's is not found."""

    async def delete(self, conversation_id: int) -> None:
        """Deletes it, until it is restored, and ends its running reply. Raises ConversationNotFound."""
        await self._row_of_conversation(_DELETE, conversation_id=conversation_id)

    async def restore(self, conversation_id: int) -> bytes:
        """Takes a deletion back, if there was one; returns it as JSON.

        Raises ConversationNotFound, also for what was purged.
        """
        row = await self._row_of_conversation(_RESTORE, conversation_id=conversation_id)
        return bytes(row[0])

    async def purge_deleted(self, age: timedelta, *, dry_run: bool = False) -> Purged:
        """Removes for good what was deleted that long ago, in batches; a dry run only counts it."""
        return await self._purge(PURGE_DELETED, COUNT_DELETED, age, dry_run)

    async def purge_inactive(self, age: timedelta, *, dry_run: bool = False) -> Purged:
        """The same for what nothing was said in for so long, archived or not, unless it is pinned."""
        return await self._purge(PURGE_INACTIVE, COUNT_INACTIVE, age, dry_run)

    async def _purge(self, batch: Statement, count: Statement, age: timedelta, dry_run: bool) -> Purged:
        if dry_run:
            [(conversations, messages)] = await self._rows(count, age=age)
            return Purged(conversations, int(messages))
        purged = Purged()
        while rows := await self._rows(batch, age=age):
            purged += Purged(len(rows), sum(said for (said,) in rows))
        return purged
