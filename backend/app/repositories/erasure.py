"""Erasing a user with everything that is theirs, and counting it."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, join, literal, select
from sqlmodel import col

from ..db.database import Database
from ..db.statement import write
from ..errors import NotAuthenticated
from ..models.audit import Visit
from ..models.caller import Caller
from ..models.database import Conversation, Message, Todo, User
from .audit import noted, told
from .base import identity_of, owned

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
ERASE = write(_LOCK, _LOCK_CONVERSATIONS, _REMOVE.add_cte(noted("account_deleted", _gone)))


class ErasureRepository:
    """The end of accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user: Caller | int, visit: Visit) -> bytes:
        """Removes the account and everything it owns, at once; returns how many rows of each table, as JSON.

        Raises NotAuthenticated if the account is gone.
        """
        gone, counted = (await self._database.run(identity_of(user), ERASE, told(visit)))[0]
        if not gone:
            raise NotAuthenticated
        return bytes(counted)
