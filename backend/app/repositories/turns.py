"""Opening a turn: the question and an empty reply are stored together, or found, or neither is."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, literal, null, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import CTE
from sqlmodel import col

from ..db.connection import Row
from ..db.statement import Statement, read, write
from ..errors import (
    ClientIdReused,
    ConversationNotFound,
    MessageNotFound,
    NothingToAnswer,
    TurnInProgress,
)
from ..models.database import Conversation, Message
from ..titles import title_from
from .base import in_its_conversation, request_hash
from .conversations import THIS_CONVERSATION
from .messages import (
    COLUMNS,
    IN_THIS_CONVERSATION,
    SHOWN,
    as_json,
    earlier_message,
    inserted,
    numbers_taken,
)
from .replies import LEASE, LEASED, RUNNING, STREAMING, ReplyRepository

CONTEXT_MESSAGES = 200
"""How many messages before the new one an assistant is shown at most."""


@dataclass(frozen=True, slots=True)
class OpenedTurn:
    """A question and its reply as they stand in the database."""

    conversation_id: int
    question: bytes
    reply: bytes
    reply_id: int
    running: bool
    """Whether the reply is still being written."""
    context: list[dict[str, Any]] | None
    """The conversation up to the question; None if an earlier request opened the turn and writes it."""


_seq = col(Message.seq)
_named = or_(col(Message.client_id) == bindparam("cut"), cast(col(Message.id), Text) == bindparam("cut"))

_EXPIRE = (
    update(Message)
    .where(*IN_THIS_CONVERSATION, STREAMING, col(Message.lease_until) < func.now())
    .values(status="interrupted", finish_reason="interrupted", lease_until=null())
)
# What follows in the same transaction finds the conversation as it is now: other turns wait here.
_LOCK = select(col(Conversation.id)).where(*THIS_CONVERSATION).with_for_update()


def _cut(first: ColumnElement[int]) -> Any:
    """Puts away what is shown from a `seq` on, unless a reply is being written."""
    kept = in_its_conversation()
    return update(Message).where(*SHOWN, kept, _seq >= first, ~RUNNING.exists()).values(replaced=True)


def _opened(taken: CTE, offset: int, reply_to: ColumnElement[int]) -> CTE:
    return inserted(
        taken,
        offset,
        reply_to=reply_to,
        role=literal("assistant"),
        content=literal(""),
        status=literal("streaming"),
        lease_until=LEASED,
    ).cte("reply")


def _context(*upto: ColumnElement[bool]) -> ColumnElement[Any]:
    recent = (
        select(_seq, col(Message.role), col(Message.content), col(Message.parts))
        .where(*SHOWN, *upto)
        .order_by(_seq.desc())
        .limit(CONTEXT_MESSAGES)
        .subquery("recent")
    )
    return select(func.json_agg(aggregate_order_by(recent.table_valued(), recent.c.seq))).scalar_subquery()


def _asking(*conditions: ColumnElement[bool]) -> Any:
    """Stores a question with an empty reply; a row of nulls if it may not, and what an earlier one stored."""
    earlier = earlier_message()
    asked = select(earlier.c.seq).scalar_subquery()
    earlier_reply = (
        select(*COLUMNS)
        .where(*SHOWN, _seq > asked, col(Message.reply_to) == asked)
        .order_by(_seq)
        .limit(1)
        .cte("earlier_reply")
    )
    taken = numbers_taken(2, ~select(earlier.c.id).exists(), ~RUNNING.exists(), *conditions)
    question = inserted(
        taken,
        0,
        role=literal("user"),
        content=bindparam("content"),
        client_id=bindparam("client_id"),
        request_hash=bindparam("request_hash"),
    ).cte("question")
    reply = _opened(taken, 1, taken.c.seq)
    return (
        select(
            as_json(question).scalar_subquery(),
            as_json(reply).scalar_subquery(),
            select(reply.c.id).scalar_subquery(),
            _context(),
            as_json(earlier).scalar_subquery(),
            as_json(earlier_reply).scalar_subquery(),
            select(earlier_reply.c.id).scalar_subquery(),
            select(earlier_reply.c.status == "streaming").scalar_subquery(),
            select(earlier.c.request_hash).scalar_subquery(),
        )
        .select_from(Conversation)
        .where(*THIS_CONVERSATION)
    )


def _answering(question: CTE) -> Any:
    """Stores an empty reply to a question, which must be the last message that is shown."""
    taken = numbers_taken(1, select(question.c.id).exists(), ~RUNNING.exists())
    reply = _opened(taken, 0, select(question.c.seq).scalar_subquery())
    return (
        select(
            as_json(question).scalar_subquery(),
            as_json(reply).scalar_subquery(),
            select(reply.c.id).scalar_subquery(),
            _context(_seq < select(question.c.seq).scalar_subquery()),
            RUNNING.exists(),
        )
        .select_from(Conversation)
        .where(*THIS_CONVERSATION)
    )


_last = select(*COLUMNS).where(*SHOWN).order_by(_seq.desc()).limit(1).cte("last")
_last_question = select(_last).where(_last.c.role == "user").cte("question")
_same_question = (
    select(*COLUMNS)
    .where(*SHOWN, _named, col(Message.role) == "user", col(Message.content) == bindparam("content"))
    .limit(1)
    .cte("question")
)
_after_question = select(_same_question.c.seq + 1).scalar_subquery()
_edited = (
    select(_seq)
    .where(
        *SHOWN,
        _named,
        col(Message.role) == "user",
        # The same edit again is a retry: it finds what the first one stored.
        col(Message.request_hash).is_distinct_from(bindparam("request_hash")),
    )
    .limit(1)
)
_ever_there = select(col(Message.id)).where(*IN_THIS_CONVERSATION, _named).exists()
_newest = select(_seq, col(Message.role)).where(*SHOWN).order_by(_seq.desc()).limit(1).subquery("newest")
_last_reply = select(_newest.c.seq).where(_newest.c.role == "assistant")
_named_reply = select(_seq).where(*SHOWN, _named, col(Message.role) == "assistant").limit(1)

# A message that is edited under its own id need not have arrived before.
_editable = or_(_ever_there, bindparam("cut") == bindparam("client_id"))

_ASK = write(_EXPIRE, _asking())
_EDIT = write(_LOCK, _EXPIRE, _cut(_edited.scalar_subquery()), _asking(_editable))
_REGENERATE = write(_LOCK, _EXPIRE, _cut(_last_reply.scalar_subquery()), _answering(_last_question))
_REGENERATE_NAMED = write(_LOCK, _EXPIRE, _cut(_named_reply.scalar_subquery()), _answering(_last_question))
_ANSWER_AGAIN = write(_LOCK, _EXPIRE, _cut(_after_question), _answering(_same_question))
_EXISTS = read(select(_ever_there).select_from(Conversation).where(*THIS_CONVERSATION))


class TurnRepository(ReplyRepository):
    """The replies in the conversations of one user, and how they begin."""

    async def ask(
        self, conversation_id: int, content: str, client_id: str | None = None, edited: str | None = None
    ) -> OpenedTurn:
        """Stores the question and an empty reply that holds a lease, or finds what the same request stored.

        With `edited`, the client's or our own id of an earlier message, the question takes the place of that
        one, and of all that came after it; if it is `client_id` itself, it need not be there. Raises
        ConversationNotFound; TurnInProgress while a reply is being written; ClientIdReused if the earlier
        request asked something else; MessageNotFound.
        """
        wanted = request_hash(client_id, "turn", content)
        row = await self._opening(
            _ASK if edited is None else _EDIT,
            conversation_id,
            content=content,
            client_id=client_id,
            request_hash=wanted,
            title=title_from(content),
            cut=edited,
        )
        question, reply, reply_id, context, earlier, *answer, found = row
        if question is not None:
            return _opened_turn(conversation_id, question, reply, reply_id, context)
        if earlier is None:
            if edited not in (None, client_id) and not await self._exists(conversation_id, edited):
                raise MessageNotFound
            raise TurnInProgress(**await self._whereabouts(conversation_id))
        if bytes(found) != wanted:
            if edited == client_id and await self.running(conversation_id) is not None:
                # The edit had to wait for a reply.
                raise TurnInProgress(**await self._whereabouts(conversation_id))
            raise ClientIdReused
        reply, reply_id, running = answer
        return OpenedTurn(conversation_id, earlier, reply, reply_id, running, context=None)

    async def regenerate(self, conversation_id: int, named: str | None = None) -> OpenedTurn:
        """Opens another reply to the last question; the one before stays as a version of it.

        With `named`, the id of a reply, to the question before that one; what came after is put away. Raises
        ConversationNotFound, TurnInProgress, MessageNotFound, and NothingToAnswer.
        """
        if named is not None and not await self._exists(conversation_id, named):
            raise MessageNotFound
        row = await self._opening(
            _REGENERATE if named is None else _REGENERATE_NAMED, conversation_id, title=None, cut=named
        )
        question, reply, reply_id, context, running = row
        if reply is not None:
            return _opened_turn(conversation_id, question, reply, reply_id, context)
        if running:
            raise TurnInProgress(**await self._whereabouts(conversation_id))
        raise NothingToAnswer

    async def answer_again(self, conversation_id: int, named: str, content: str) -> OpenedTurn:
        """Opens another reply to the question with this id and this text; what came after it is put away.

        Raises ConversationNotFound, TurnInProgress, and MessageNotFound.
        """
        question, reply, reply_id, context, running = await self._opening(
            _ANSWER_AGAIN, conversation_id, title=None, cut=named, content=content
        )
        if reply is not None:
            return _opened_turn(conversation_id, question, reply, reply_id, context)
        if running:
            raise TurnInProgress(**await self._whereabouts(conversation_id))
        raise MessageNotFound

    async def _opening(self, statement: Statement, conversation_id: int, **parameters: Any) -> Row:
        row = await self._row_once(statement, conversation_id=conversation_id, lease=LEASE, **parameters)
        if row is None:
            raise ConversationNotFound
        return row

    async def _whereabouts(self, conversation_id: int) -> dict[str, object]:
        """Which reply is being written, and where it can be read."""
        reply_id = await self.running(conversation_id)
        return {"reply_id": reply_id, "resume": f"/api/chat/{conversation_id}/stream"}

    async def _exists(self, conversation_id: int, named: str) -> bool:
        row = await self._row(_EXISTS, conversation_id=conversation_id, cut=named)
        if row is None:
            raise ConversationNotFound
        return bool(row[0])


def _opened_turn(
    conversation_id: int, question: bytes, reply: bytes, reply_id: int, context: bytes | None
) -> OpenedTurn:
    history = json.loads(context or b"[]")
    return OpenedTurn(conversation_id, question, reply, reply_id, running=True, context=history)
