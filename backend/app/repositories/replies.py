"""Stores replies while one process writes them; any process can read them, or request that they stop."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, bindparam, cast, func, literal, null, select, update
from sqlalchemy.dialects.postgresql import JSON, JSONB, aggregate_order_by
from sqlmodel import col

from ..db.statement import read, write
from ..errors import MessageNotFound
from ..models.database import Conversation, Message
from ..models.events import Status
from .base import Repository, in_its_conversation, owned
from .conversations import THIS_CONVERSATION
from .messages import COLUMNS, IN_THIS_CONVERSATION, REASON, STATUS, as_json

LEASE = timedelta(seconds=10)
"""How long a reply counts as running after its writer last renewed its lease."""


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The state of a reply that another process may be writing, with its text from a position on."""

    text: str
    parts: list[dict[str, Any]] | None
    status: str
    finish_reason: str | None


STREAMING = col(Message.status) == "streaming"
RUNNING = select(col(Message.id)).where(*IN_THIS_CONVERSATION, STREAMING)
LEASED = func.now() + bindparam("lease", type_=Interval())

_THIS_REPLY = (col(Message.id) == bindparam("reply_id"), *IN_THIS_CONVERSATION)
_stored = select(*COLUMNS).where(*_THIS_REPLY, in_its_conversation()).cte("stored")
_GET = read(as_json(_stored))
_FOLLOW = read(
    select(
        func.substr(col(Message.content), bindparam("have") + literal(1)),
        col(Message.parts),
        STATUS,
        REASON,
    ).where(*_THIS_REPLY, in_its_conversation())
)
_alive = RUNNING.where(col(Message.lease_until) >= func.now())
_RUNNING = read(select(_alive.scalar_subquery()).select_from(Conversation).where(*THIS_CONVERSATION))
# Writes at a position instead of appending: a flush whose answer was lost may have been stored.
_behind = func.left(col(Message.content), bindparam("have")).concat(bindparam("text"))
_parts = cast(cast(bindparam("parts"), JSON), JSONB)
_FLUSH = write(
    update(Message)
    .where(*_THIS_REPLY, STREAMING)
    .values(content=_behind, parts=func.coalesce(_parts, col(Message.parts)), lease_until=LEASED)
    .returning(col(Message.stop_requested)),
    often=True,
)
_ended = (
    update(Message)
    .where(*_THIS_REPLY, STREAMING)
    .values(
        content=bindparam("text"),  # all of it: after a failover, the last flushes may be missing
        parts=_parts,
        status=bindparam("status"),
        model=bindparam("model"),
        finish_reason=bindparam("finish_reason"),
        usage=cast(cast(bindparam("usage"), JSON), JSONB),
        timings=cast(cast(bindparam("timings"), JSON), JSONB),
        lease_until=null(),
    )
    .returning(*COLUMNS)
    .cte("ended")
)
_END = write(as_json(_ended), often=True)
_asked_to_stop = (
    update(Message)
    .where(*IN_THIS_CONVERSATION, STREAMING, col(Message.lease_until) >= func.now())
    .values(stop_requested=True)
    .returning(col(Message.id))
    .cte("asked_to_stop")
)
_STOP = write(
    select(select(_asked_to_stop.c.id).scalar_subquery()).select_from(Conversation).where(*THIS_CONVERSATION)
)
_question = select(col(Message.reply_to)).where(*_THIS_REPLY).scalar_subquery()
_versions = (
    select(*COLUMNS)
    .where(*IN_THIS_CONVERSATION, col(Message.seq) > _question, col(Message.reply_to) == _question)
    .subquery("version")
)
_all_versions = select(func.json_agg(aggregate_order_by(_versions.table_valued(), _versions.c.seq)))
_VERSIONS = read(select(_all_versions.scalar_subquery()).select_from(Conversation).where(*THIS_CONVERSATION))
_rated = (
    update(Message)
    .where(*_THIS_REPLY, in_its_conversation(), col(Message.role) == "assistant")
    .values(feedback=bindparam("feedback"))
    .returning(col(Message.id))
    .cte("rated")
)
_RATE = write(
    select(select(_rated.c.id).scalar_subquery()).select_from(Conversation).where(*THIS_CONVERSATION)
)
_live = (
    select(col(Message.conversation_id), col(Message.id).label("reply_id"), col(Message.created_at))
    .where(owned(Message), STREAMING, col(Message.lease_until) >= func.now())
    .subquery("live")
)
_LIVE = read(
    select(
        func.coalesce(
            func.json_agg(aggregate_order_by(_live.table_valued(), _live.c.reply_id)), func.json_build_array()
        )
    )
)


class ReplyRepository(Repository):
    """The replies in one user's conversations, both running and ended."""

    async def get(self, conversation_id: int, reply_id: int) -> bytes:
        """The reply as JSON. Raises ConversationNotFound."""
        row = await self._row_of_conversation(_GET, conversation_id=conversation_id, reply_id=reply_id)
        return bytes(row[0])

    async def follow(self, conversation_id: int, reply_id: int, have: int) -> StoredReply | None:
        """Returns the text after the first `have` characters and the state; None if it was deleted."""
        row = await self._row(_FOLLOW, conversation_id=conversation_id, reply_id=reply_id, have=have)
        return None if row is None else StoredReply(*row)

    async def running(self, conversation_id: int) -> int | None:
        """Returns the id of the reply that any process is writing in the conversation, or None.

        Raises ConversationNotFound.
        """
        row = await self._row_of_conversation(_RUNNING, conversation_id=conversation_id)
        return None if row[0] is None else int(row[0])

    async def flush(
        self, conversation_id: int, reply_id: int, have: int, text: str, parts: str | None
    ) -> bool | None:
        """Stores `text` after the first `have` characters, and `parts` unless None, and renews the lease.

        Returns whether a stop was requested, or None if the reply has ended or was deleted.
        """
        row = await self._row(
            _FLUSH,
            conversation_id=conversation_id,
            reply_id=reply_id,
            have=have,
            text=text,
            parts=parts,
            lease=LEASE,
        )
        return None if row is None else bool(row[0])

    async def end(
        self,
        conversation_id: int,
        reply_id: int,
        *,
        text: str,
        parts: str | None,
        status: Status,
        model: str,
        finish_reason: str | None,
        usage: str | None,
        timings: str | None,
    ) -> bytes | None:
        """Stores the whole text and how the reply ended, and returns the reply as JSON.

        `parts`, `usage` and `timings` are JSON. Returns None if the reply is no longer ours: others ended it,
        or it was deleted.
        """
        row = await self._row(
            _END,
            conversation_id=conversation_id,
            reply_id=reply_id,
            text=text,
            parts=parts,
            status=status,
            model=model,
            finish_reason=finish_reason,
            usage=usage,
            timings=timings,
        )
        return None if row is None else bytes(row[0])

    async def request_stop(self, conversation_id: int) -> int | None:
        """Requests that the conversation's running reply stop; returns its id, or None if there is none.

        Raises ConversationNotFound.
        """
        row = await self._row_of_conversation(_STOP, conversation_id=conversation_id)
        return None if row[0] is None else int(row[0])

    async def versions(self, conversation_id: int, reply_id: int) -> bytes:
        """Returns all replies to the same question as JSON, oldest first.

        Raises ConversationNotFound, and MessageNotFound, also if the message is not a reply.
        """
        row = await self._row_of_conversation(_VERSIONS, conversation_id=conversation_id, reply_id=reply_id)
        if row[0] is None:
            raise MessageNotFound
        return bytes(row[0])

    async def rate(self, conversation_id: int, reply_id: int, feedback: str | None) -> None:
        """Stores the user's feedback on a reply: `up`, `down`, or None to clear it.

        Raises ConversationNotFound, and MessageNotFound, also if the message is not a reply.
        """
        row = await self._row_of_conversation(
            _RATE, conversation_id=conversation_id, reply_id=reply_id, feedback=feedback
        )
        if row[0] is None:
            raise MessageNotFound

    async def live(self) -> bytes:
        """Returns the user's replies that any process is writing, as JSON."""
        row = await self._row(_LIVE)
        assert row is not None, "an aggregate is one row"
        return bytes(row[0])
