"""Deleting conversations: done at once, taken back, and at last for good."""

from datetime import timedelta

from sqlalchemy import Interval, bindparam, delete, func, null, select, update
from sqlmodel import col

from ..db.statement import write
from ..errors import ConversationNotFound
from ..models.database import Conversation, Message
from .base import Repository, owned
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

# Said twice where it is used: what is restored meanwhile stays.
_EXPIRED = (
    owned(Conversation),
    col(Conversation.deleted_at) <= func.now() - bindparam("age", type_=Interval()),
)
_messages = col(Conversation.next_seq)
_oldest = (
    select(
        col(Conversation.id),
        (func.sum(_messages).over(order_by=col(Conversation.id)) - _messages).label("messages_before"),
    )
    .where(*_EXPIRED)
    .order_by(col(Conversation.id))
    .limit(BATCH_CONVERSATIONS)
    .subquery("oldest")
)
_batch = select(_oldest.c.id).where(_oldest.c.messages_before < BATCH_MESSAGES)
_PURGE = write(
    delete(Conversation).where(*_EXPIRED, col(Conversation.id).in_(_batch)).returning(col(Conversation.id))
)


class DeletionRepository(Repository):
    """What one user deletes. What is another user's is not found."""

    async def delete(self, conversation_id: int) -> None:
        """Deletes it, until it is restored, and ends its running reply. Raises ConversationNotFound."""
        if await self._row(_DELETE, conversation_id=conversation_id) is None:
            raise ConversationNotFound

    async def restore(self, conversation_id: int) -> bytes:
        """Takes a deletion back, if there was one; returns it as JSON.

        Raises ConversationNotFound, also for what was purged.
        """
        row = await self._row(_RESTORE, conversation_id=conversation_id)
        if row is None:
            raise ConversationNotFound
        return bytes(row[0])

    async def purge(self, age: timedelta) -> int:
        """Removes for good what was deleted that long ago, in batches; returns how many conversations."""
        purged = 0
        while batch := await self._rows(_PURGE, age=age):
            purged += len(batch)
        return purged
