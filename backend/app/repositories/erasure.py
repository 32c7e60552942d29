"""Erasing a user with everything that is theirs, and counting it."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, join, literal, select
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col

from ..db.database import Database, Identity
from ..db.statement import write
from ..errors import NotAuthenticated
from ..models.database import Conversation, Message, Todo, User
from .base import owned
from .users import trace

ERASURE_SECONDS = 60
"""How long all rows of a user may take: they go in one transaction, or stay."""

_ACCOUNT = col(User.id) == bindparam("user_id")

# Whoever adds something waits for one of these rows, and finds it gone: no count misses a row.
_LOCK = select(col(User.id)).where(_ACCOUNT).with_for_update()
_LOCK_CONVERSATIONS = (
    select(col(Conversation.id)).where(owned(Conversation)).order_by(col(Conversation.id)).with_for_update()
)
_gone = delete(User).where(_ACCOUNT).returning(col(User.id)).cte("gone")
_said = join(
    Conversation,
    Message,
    and_(
        col(Message.conversation_id) == col(Conversation.id),
        col(Message.user_id) == col(Conversation.user_id),
    ),
)


def _count(source: Any, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).select_from(source).where(*conditions).scalar_subquery()


_REMOVE = select(
    _count(_gone),
    func.json_build_object(
        *(literal("user"), _count(_gone)),
        *(literal("todo"), _count(Todo, owned(Todo))),
        *(literal("conversation"), _count(Conversation, owned(Conversation))),
        *(literal("message"), _count(_said, owned(Conversation))),
    ),
)
ERASE = write(_LOCK, _LOCK_CONVERSATIONS, _REMOVE)
ERASE_LEAVING_TRACE = write(
    _LOCK,
    _LOCK_CONVERSATIONS,
    insert_or(User).values(issuer=bindparam("issuer"), subject=bindparam("subject")).on_conflict_do_nothing(),
    _REMOVE,
)


class ErasureRepository:
    """The end of accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user_id: int, issuer: str | None, subject: str | None) -> bytes:
        """Removes the account and everything it owns, at once; returns how many rows of each table, as JSON.

        Of a user of an external issuer a trace stays: see `trace`. Raises NotAuthenticated if the account is
        gone.
        """
        if issuer is None or subject is None:
            rows = await self._database.run(Identity(user_id=user_id), ERASE, {})
        else:
            left = trace(issuer, subject)
            both = Identity(user_id=user_id, issuer=left.issuer, subject=left.subject)
            rows = await self._database.run(both, ERASE_LEAVING_TRACE, {})
        gone, counted = rows[0]
        if not gone:
            raise NotAuthenticated
        return bytes(counted)
