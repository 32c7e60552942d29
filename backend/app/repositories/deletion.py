"""Deletes conversations, restores them, and purges deleted and inactive ones for good."""

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
"""One statement removes at most BATCH_CONVERSATIONS, up to the one that reaches BATCH_MESSAGES."""

# Locks the conversation first, so that the next statement sees, and ends, a reply that was just opened.
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
"""The number of messages in a conversation: `seq` has no gaps."""


def _purge(*conditions: ColumnElement[bool]) -> Statement:
    """Removes a batch. The delete repeats the conditions, so what is restored or used meanwhile stays."""
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
    """How many conversations and messages were removed for good, or would be in a dry run."""

    conversations: int = 0
    messages: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(self.conversations + other.conversations, self.messages + other.messages)


class DeletionRepository(Repository):
    """Deletes and restores conversations of one user. Those of other users are never found."""

    async def delete(self, conversation_id: int) -> None:
        """Marks the conversation as deleted and ends its running reply. Raises ConversationNotFound."""
        await self._row_of_conversation(_DELETE, conversation_id=conversation_id)

    async def restore(self, conversation_id: int) -> bytes:
        """Undoes a deletion, if there was one, and returns the conversation as JSON.

        Raises ConversationNotFound, also if the conversation has been purged.
        """
        row = await self._row_of_conversation(_RESTORE, conversation_id=conversation_id)
        return bytes(row[0])

    async def purge_deleted(self, age: timedelta, *, dry_run: bool = False) -> Purged:
        """Removes for good, in batches, conversations deleted at least `age` ago; a dry run only counts."""
        return await self._purge(PURGE_DELETED, COUNT_DELETED, age, dry_run)

    async def purge_inactive(self, age: timedelta, *, dry_run: bool = False) -> Purged:
        """Likewise removes unpinned conversations, archived or not, that had no message for `age`."""
        return await self._purge(PURGE_INACTIVE, COUNT_INACTIVE, age, dry_run)

    async def _purge(self, batch: Statement, count: Statement, age: timedelta, dry_run: bool) -> Purged:
        if dry_run:
            [(conversations, messages)] = await self._rows(count, age=age)
            return Purged(conversations, int(messages))
        purged = Purged()
        while rows := await self._rows(batch, age=age):
            purged += Purged(len(rows), sum(said for (said,) in rows))
        return purged
