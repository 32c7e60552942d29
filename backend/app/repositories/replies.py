"""The replies of turns in the database: written bit by bit, stopped, ended once, read from anywhere."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, bindparam, cast, func, literal, null, select, update
from sqlalchemy.dialects.postgresql import JSON, JSONB, aggregate_order_by
from sqlmodel import col

from ..db.statement import read, write
from ..errors import MessageNotFound
from ..models.database import Conversation, Message
from .base import Repository, in_its_conversation, owned
from .conversations import THIS_CONVERSATION
from .messages import COLUMNS, IN_THIS_CONVERSATION, REASON, STATUS, as_json

LEASE = timedelta(seconds=10)
"""How long a reply counts as running after its writer was last heard of."""


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply as another process may be writing it: its text from a place on."""

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
# By place, not by appending: a flush whose answer was lost may have been stored.
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
        content=bindparam("text"),  # all of it: a server that took over may have missed the last flushes
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
    """The replies in the conversations of one user, until they have ended and after."""

    async def get(self, conversation_id: int, reply_id: int) -> bytes:
        """The reply as JSON. Raises ConversationNotFound."""
        row = await self._row_of_conversation(_GET, conversation_id=conversation_id, reply_id=reply_id)
        return bytes(row[0])

    async def follow(self, conversation_id: int, reply_id: int, have: int) -> StoredReply | None:
        """The reply's text after its first `have` characters, and how it stands; None if it was deleted."""
        row = await self._row(_FOLLOW, conversation_id=conversation_id, reply_id=reply_id, have=have)
        return None if row is None else StoredReply(*row)

    async def running(self, conversation_id: int) -> int | None:
        """The id of the reply that is being written in the conversation, in whatever process, or None.

        Raises ConversationNotFound.
        """
        row = await self._row_of_conversation(_RUNNING, conversation_id=conversation_id)
        return None if row[0] is None else int(row[0])

    async def flush(
        self, conversation_id: int, reply_id: int, have: int, text: str, parts: str | None
    ) -> bool | None:
        """Stores `text` behind the first `have` characters, and the parts if they changed; renews the lease.

        Returns whether somebody asked to stop; None if the reply is not ours any more.
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

    async def end(self, conversation_id: int, reply_id: int, **ending: Any) -> bytes | None:
        """Stores all of the text and how the reply ended; returns it as JSON.

        None if it is not ours any more: ended by others, or deleted.
        """
        row = await self._row(_END, conversation_id=conversation_id, reply_id=reply_id, **ending)
        return None if row is None else bytes(row[0])

    async def request_stop(self, conversation_id: int) -> int | None:
        """Asks whoever writes a reply in the conversation to stop; returns its id, or None if nobody does.

        Raises ConversationNotFound.
        """
        row = await self._row_of_conversation(_STOP, conversation_id=conversation_id)
        return None if row[0] is None else int(row[0])

    async def versions(self, conversation_id: int, reply_id: int) -> bytes:
        """All replies to the same question as JSON, oldest first.

        Raises ConversationNotFound and, also for what is no reply, MessageNotFound.
        """
        row = await self._row_of_conversation(_VERSIONS, conversation_id=conversation_id, reply_id=reply_id)
        if row[0] is None:
            raise MessageNotFound
        return bytes(row[0])

    async def rate(self, conversation_id: int, reply_id: int, feedback: str | None) -> None:
        """Keeps what the user thinks of a reply: `up`, `down` or nothing.

        Raises ConversationNotFound and, also for what is no reply, MessageNotFound.
        """
        row = await self._row_of_conversation(
            _RATE, conversation_id=conversation_id, reply_id=reply_id, feedback=feedback
        )
        if row[0] is None:
            raise MessageNotFound

    async def live(self) -> bytes:
        """The user's replies that are being written, in whatever process, as JSON."""
        row = await self._row(_LIVE)
        assert row is not None, "an aggregate is one row"
        return bytes(row[0])
