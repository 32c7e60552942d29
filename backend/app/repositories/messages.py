"""Stores messages of a user's conversations. `history.py` reads them, and `turns.py` opens turns."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.selectable import CTE
from sqlmodel import col

from ..db.statement import write
from ..errors import ClientIdReused, ConversationNotFound
from ..models.database import Conversation, Message
from ..titles import title_from
from .base import Repository, in_its_conversation, owned, request_hash
from .conversations import THIS_CONVERSATION

_DEAD = and_(col(Message.status) == "streaming", col(Message.lease_until) < func.now())
"""A reply whose writer died reads as interrupted at once; the next turn stores that status."""

STATUS = case((_DEAD, "interrupted"), else_=col(Message.status)).label("status")
REASON = case((_DEAD, "interrupted"), else_=col(Message.finish_reason)).label("finish_reason")

COLUMNS = (
    col(Message.id),
    col(Message.conversation_id),
    col(Message.seq),
    col(Message.client_id),
    col(Message.role),
    col(Message.content),
    col(Message.parts),
    STATUS,
    col(Message.model),
    REASON,
    col(Message.usage),
    col(Message.timings),
    col(Message.feedback),
    col(Message.created_at),
)
"""The columns that clients see."""

_NAMES = select(*COLUMNS).selected_columns.keys()

IN_THIS_CONVERSATION = (col(Message.conversation_id) == bindparam("conversation_id"), owned(Message))
SHOWN = (*IN_THIS_CONVERSATION, ~col(Message.replaced))


# Does not decompress values that are stored out of line, so `parts` may count less than their text has.
_BYTES = func.octet_length(col(Message.content)) + func.coalesce(func.pg_column_size(col(Message.parts)), 0)


def up_to_bytes(size: int, messages: Select[Any], order: ColumnElement[Any]) -> Select[Any]:
    """Selects the first messages in this order, up to and including the one that reaches `size` bytes."""
    before = (func.sum(_BYTES).over(order_by=order, rows=(None, 0)) - _BYTES).label("bytes_before")
    measured = messages.add_columns(before).order_by(order).subquery()
    columns = (one for one in measured.c if one.name != "bytes_before")
    return select(*columns).where(measured.c.bytes_before < size)


def earlier_message() -> CTE:
    """The message that a request with the same `client_id` stored before."""
    return (
        select(*COLUMNS, col(Message.request_hash))
        .where(*SHOWN, col(Message.client_id) == bindparam("client_id"), in_its_conversation())
        .cte("earlier")
    )


def numbers_taken(count: int, *conditions: ColumnElement[bool]) -> CTE:
    """Reserves `count` values of `seq`, marks the conversation as active, and titles it if it has no title.

    The row stays locked until the transaction ends, so messages are committed in the order of `seq`.
    """
    title = case(
        (
            and_(col(Conversation.title).is_(None), col(Conversation.title_source) == "auto"),
            bindparam("title"),
        ),
        else_=col(Conversation.title),
    )
    return (
        update(Conversation)
        .where(*THIS_CONVERSATION, *conditions)
        .values(next_seq=col(Conversation.next_seq) + count, updated_at=func.now(), title=title)
        .returning(
            col(Conversation.id),
            col(Conversation.user_id),
            (col(Conversation.next_seq) - count).label("seq"),
        )
        .cte("taken")
    )


def inserted(taken: CTE, offset: int, **values: ColumnElement[Any]) -> ReturningInsert[Any]:
    """Inserts a message with the reserved `seq` at `offset`, or nothing if none was reserved."""
    return (
        insert(Message)
        .from_select(
            ["conversation_id", "user_id", "seq", *values],
            select(taken.c.id, taken.c.user_id, taken.c.seq + offset, *values.values()),
            include_defaults=False,
        )
        .returning(*COLUMNS)
    )


def as_json(message: CTE) -> Select[tuple[bytes]]:
    """The message as clients see it."""
    item = select(*(message.c[name] for name in _NAMES)).subquery("item")
    return select(func.row_to_json(item.table_valued()))


_earlier = earlier_message()
_taken = numbers_taken(1, ~select(_earlier.c.id).exists())
_question_before = (
    select(col(Message.seq))
    .where(
        col(Message.conversation_id) == _taken.c.id,
        col(Message.user_id) == _taken.c.user_id,
        col(Message.seq) == _taken.c.seq - 1,
        col(Message.role) == "user",
        ~col(Message.replaced),
    )
    .correlate(_taken)
    .scalar_subquery()
)
_appended = inserted(
    _taken,
    0,
    reply_to=case((bindparam("role") == "assistant", _question_before)),
    role=bindparam("role"),
    content=bindparam("content"),
    client_id=bindparam("client_id"),
    request_hash=bindparam("request_hash"),
).cte("appended")
_APPEND = write(
    as_json(_appended)
    .add_columns(null())
    .union_all(as_json(_earlier).add_columns(select(_earlier.c.request_hash).scalar_subquery())),
    often=True,
)


class MessageRepository(Repository):
    """Stores messages in one user's conversations. Those of other users are never found."""

    async def append(
        self, conversation_id: int, role: str, content: str, client_id: str | None = None
    ) -> bytes:
        """Stores a message, or finds the one that the same request stored before. Returns it as JSON.

        Raises ConversationNotFound, and ClientIdReused if the earlier one had other content.
        """
        wanted = request_hash(client_id, role, content)
        row = await self._row_once(
            _APPEND,
            conversation_id=conversation_id,
            role=role,
            content=content,
            client_id=client_id,
            request_hash=wanted,
            title=title_from(content) if role == "user" else None,
        )
        if row is None:
            raise ConversationNotFound
        message, found = row
        if found is not None and bytes(found) != wanted:
            raise ClientIdReused
        return bytes(message)
