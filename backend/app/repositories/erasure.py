"""Erases a user with all of their rows, and counts the rows."""

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
"""The time limit for deleting all rows of a user: they go in one transaction, or all stay."""

_ACCOUNT = col(User.id) == bindparam("user_id")

# A concurrent insert waits for one of these locks and then finds the row gone, so no count misses a row.
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
    """Erases accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user: Caller | int, visit: Visit) -> bytes:
        """Removes the account and all it owns in one transaction; returns the row count per table, as JSON.

        Raises NotAuthenticated if the account is gone.
        """
        gone, counted = (await self._database.run(identity_of(user), ERASE, told(visit)))[0]
        if not gone:
            raise NotAuthenticated
        return bytes(counted)
