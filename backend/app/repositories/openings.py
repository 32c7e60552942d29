"""The statements that open a turn: each stores or finds a question and its reply, or does neither."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlalchemy.sql.selectable import CTE
from sqlmodel import col

from ..db.statement import read, write
from ..models.database import Conversation, Message
from .base import in_its_conversation
from .conversations import THIS_CONVERSATION
from .messages import (
    COLUMNS,
    IN_THIS_CONVERSATION,
    SHOWN,
    as_json,
    earlier_message,
    inserted,
    numbers_taken,
    up_to_bytes,
)
from .replies import LEASED, RUNNING, STREAMING
from .turn_row import turn_columns

KEY_BYTES = 16
"""How many bytes of the hash of a request's key begin the name of each attempt to open its reply."""

RETRIED_MESSAGES = 1_000
"""How many of the newest messages are searched for a reply that the same request opened."""

CONTEXT_MESSAGES = 200
"""How many messages an assistant sees at most, and how many replaced replies."""

CONTEXT_BYTES = 4_000_000
"""Their size limit: as many characters as CONTEXT_CHARACTERS may ask for, at four bytes each."""

_seq = col(Message.seq)
_role = col(Message.role)
_parts: Any = cast(col(Message.parts), Text).label("parts")
_said = select(_seq, _role, col(Message.content), _parts)
_clients_own = col(Message.client_id) == bindparam("named")
_named = or_(_clients_own, cast(col(Message.id), Text) == bindparam("named"))
# One of our ids may equal an id of the client; the client's takes precedence.
_client_first = (func.coalesce(_clients_own, false()).desc(), _seq.desc())
_running = RUNNING.scalar_subquery()

_EXPIRE = (
    update(Message)
    .where(*IN_THIS_CONVERSATION, STREAMING, col(Message.lease_until) < func.now())
    .values(status="interrupted", finish_reason="interrupted", lease_until=null())
)
# Locked first, in one order for all writers: the next statements see what other turns have committed.
_LOCK = select(col(Conversation.id)).where(*THIS_CONVERSATION).with_for_update()
# Keeps a running reply from ending between two statements that check whether one is running.
_HOLD = RUNNING.with_for_update()


def _replace_from(first: ColumnElement[int], *conditions: ColumnElement[bool]) -> Any:
    """Marks the shown messages from a `seq` on as replaced, unless a reply is being written."""
    allowed = (in_its_conversation(), ~RUNNING.exists(), *conditions)
    return update(Message).where(*SHOWN, *allowed, _seq >= first).values(replaced=True)


def _reply_inserted(taken: CTE, offset: int, reply_to: ColumnElement[int]) -> CTE:
    """Inserts the empty reply, which holds a lease."""
    return inserted(
        taken,
        offset,
        reply_to=reply_to,
        role=literal("assistant"),
        content=literal(""),
        status=literal("streaming"),
        request_hash=bindparam("attempt"),
        lease_until=LEASED,
    ).cte("reply")


def _context(*upto: ColumnElement[bool]) -> ColumnElement[Any]:
    return _told(_said.where(*SHOWN, *upto).limit(CONTEXT_MESSAGES), _seq.desc())


def _replaced(question: CTE) -> ColumnElement[Any]:
    """The replaced replies to the question."""
    asked = select(question.c.seq).scalar_subquery()
    earlier = (col(Message.replaced), _seq > asked, col(Message.reply_to) == asked)
    return _told(_said.where(*IN_THIS_CONVERSATION, *earlier).limit(CONTEXT_MESSAGES), _seq.asc())


def _told(messages: Select[Any], order: ColumnElement[Any]) -> ColumnElement[Any]:
    """The first messages in this order, as JSON for an assistant, sorted by `seq`."""
    told = up_to_bytes(CONTEXT_BYTES, messages, order).subquery("told")
    return select(func.json_agg(aggregate_order_by(told.table_valued(), told.c.seq))).scalar_subquery()


def _columns_before(earlier: CTE) -> dict[str, Any]:
    """The columns for an earlier question and its reply."""
    asked = select(earlier.c.seq).scalar_subquery()
    reply = (
        select(*COLUMNS)
        .where(*SHOWN, _seq > asked, col(Message.reply_to) == asked)
        .order_by(_seq)
        .limit(1)
        .cte("earlier_reply")
    )
    return {
        **_earlier_columns(earlier, reply),
        "earlier_hash": select(earlier.c.request_hash).scalar_subquery(),
    }


def _earlier_columns(question: CTE, reply: CTE) -> dict[str, Any]:
    return {
        "earlier_question": as_json(question).scalar_subquery(),
        "earlier_reply": as_json(reply).scalar_subquery(),
        "earlier_reply_id": select(reply.c.id).scalar_subquery(),
        "earlier_streaming": select(reply.c.status == "streaming").scalar_subquery(),
    }


def _turn_row(**columns: Any) -> Select[Any]:
    """Selects a TurnRow with these columns; no row if the conversation does not exist."""
    return select(*turn_columns(**columns)).select_from(Conversation).where(*THIS_CONVERSATION)


def _opened_columns(question: CTE, reply: CTE) -> dict[str, Any]:
    return {
        "question": as_json(question).scalar_subquery(),
        "reply": as_json(reply).scalar_subquery(),
        "reply_id": select(reply.c.id).scalar_subquery(),
    }


def _asking(*conditions: ColumnElement[bool]) -> Any:
    """Stores a question with an empty reply if it may, or finds what an earlier request stored."""
    earlier = earlier_message()
    taken = numbers_taken(2, ~select(earlier.c.id).exists(), ~RUNNING.exists(), *conditions)
    question = inserted(
        taken,
        0,
        role=literal("user"),
        content=bindparam("content"),
        client_id=bindparam("client_id"),
        request_hash=bindparam("request_hash"),
    ).cte("question")
    reply = _reply_inserted(taken, 1, taken.c.seq)
    return _turn_row(
        **_opened_columns(question, reply),
        context=_context(),
        running=_running,
        editable=and_(true(), *conditions),
        **_columns_before(earlier),
    )


def _answering(question: CTE, *conditions: ColumnElement[bool], **earlier: ColumnElement[Any]) -> Any:
    """Stores an empty reply to a question, which must be the last message that is shown.

    `earlier` are the columns about an earlier request.
    """
    taken = numbers_taken(1, select(question.c.id).exists(), ~RUNNING.exists(), *conditions)
    reply = _reply_inserted(taken, 0, select(question.c.seq).scalar_subquery())
    return _turn_row(
        **_opened_columns(question, reply),
        context=_context(_seq < select(question.c.seq).scalar_subquery()),
        replaced=_replaced(question),
        running=_running,
        **earlier,
    )


_last = select(*COLUMNS).where(*SHOWN).order_by(_seq.desc()).limit(1).cte("last")
_last_question = select(_last).where(_last.c.role == "user").cte("question")
_same_question = (
    select(*COLUMNS)
    .where(*SHOWN, _named, _role == "user", col(Message.content) == bindparam("content"))
    .order_by(*_client_first)
    .limit(1)
    .cte("question")
)
_after_question = select(_same_question.c.seq + 1).scalar_subquery()
_edited = (
    select(_seq)
    .where(
        *SHOWN,
        _named,
        _role == "user",
        # An edit that keeps the message's id and text is a retry: it finds what was stored before.
        or_(
            bindparam("named", type_=Text()).is_distinct_from(bindparam("client_id", type_=Text())),
            col(Message.request_hash).is_distinct_from(bindparam("request_hash")),
        ),
    )
    .order_by(*_client_first)
    .limit(1)
    .scalar_subquery()
)
_known = select(_seq).where(*SHOWN, col(Message.client_id) == bindparam("client_id"), _seq < _edited)
_first_replaced = select(func.min(_seq)).where(*SHOWN, _seq >= _edited, ~_known.exists()).scalar_subquery()
_named_question = (
    select(_seq).where(*IN_THIS_CONVERSATION, _named, _role == "user").order_by(*_client_first).limit(1)
)
_behind_it = select(_seq).where(*SHOWN, _seq >= _named_question.scalar_subquery())
_ever_there = select(col(Message.id)).where(*IN_THIS_CONVERSATION, _named).exists()
_named_reply = select(_seq).where(*SHOWN, _named, _role == "assistant").order_by(*_client_first).limit(1)

# If an edit keeps the message's id, the message need not exist. Otherwise it must have been replaced by now.
_editable = or_(
    and_(_named_question.exists(), ~_behind_it.exists()), bindparam("named") == bindparam("client_id")
)


def _answer(*upto: ColumnElement[bool]) -> ColumnElement[int]:
    """The `seq` of the last message that is shown, if it is a reply directly after a question."""
    last = select(_seq, _role).where(*SHOWN, *upto).order_by(_seq.desc()).limit(2).subquery("last_two")
    roles = func.array_agg(aggregate_order_by(last.c.role, last.c.seq))
    answer = select(func.max(last.c.seq)).having(roles == array(["user", "assistant"], type_=Text))
    return answer.scalar_subquery()


# The reply that the same request opened, even if others have replaced it since.
_newest = select(func.max(_seq)).where(*IN_THIS_CONVERSATION).scalar_subquery()
_same_request = (
    *IN_THIS_CONVERSATION,
    _seq > _newest - RETRIED_MESSAGES,
    _role == "assistant",
    func.substr(col(Message.request_hash), 1, KEY_BYTES) == bindparam("key"),
)
_not_repeated = ~select(col(Message.id)).where(*_same_request).exists()
_repeated_reply = (
    select(*COLUMNS, col(Message.reply_to))
    .where(*_same_request)
    .order_by(_seq.desc())
    .limit(1)
    .cte("repeated")
)
_its_question = (
    select(*COLUMNS)
    .where(*IN_THIS_CONVERSATION, _seq == select(_repeated_reply.c.reply_to).scalar_subquery())
    .cte("its_question")
)
_repeated = _earlier_columns(_its_question, _repeated_reply)


ASK = write(_LOCK, _EXPIRE, _asking(), often=True)
EDIT = write(_LOCK, _EXPIRE, _HOLD, _replace_from(_first_replaced), _asking(_editable))
REGENERATE = write(
    _LOCK,
    _EXPIRE,
    _HOLD,
    _replace_from(_answer(), _not_repeated),
    _answering(_last_question, _not_repeated, **_repeated),
)
REGENERATED = read(_turn_row(**_repeated))
REGENERATE_NAMED = write(
    _LOCK,
    _EXPIRE,
    _HOLD,
    _replace_from(_answer(_seq <= _named_reply.scalar_subquery())),
    _answering(_last_question, _ever_there, editable=_ever_there),
)
ANSWER_AGAIN = write(_LOCK, _EXPIRE, _HOLD, _replace_from(_after_question), _answering(_same_question))


_lost_reply = (
    select(*COLUMNS, col(Message.reply_to))
    .where(*IN_THIS_CONVERSATION, STREAMING, col(Message.request_hash) == bindparam("attempt"))
    .cte("reply")
)
_lost_question = (
    select(*COLUMNS)
    .where(*IN_THIS_CONVERSATION, _seq == select(_lost_reply.c.reply_to).scalar_subquery())
    .cte("question")
)
ASKED = read(_turn_row(**_columns_before(earlier_message())))
LOST = read(
    select(
        *turn_columns(
            **_opened_columns(_lost_question, _lost_reply),
            context=_context(_seq < select(_lost_question.c.seq).scalar_subquery()),
            replaced=_replaced(_lost_question),
        )
    )
)
