"""The base class and helpers of repositories for one user's rows."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, bindparam, select
from sqlmodel import col

from ..db.connection import Row
from ..db.database import ConstraintViolated, Database
from ..db.identity import Identity
from ..db.statement import Statement
from ..errors import ConversationNotFound, DatabaseBusy, NotAuthenticated
from ..models.caller import Caller
from ..models.database import Conversation, Message, MessageWords, Todo

Position = TypeVar("Position")


@dataclass(frozen=True, slots=True)
class Page(Generic[Position]):
    """Items of a list, as JSON built by Postgres, and the position after which the next page begins."""

    items: bytes
    next: Position | None


def identity_of(user: Caller | int) -> Identity:
    """The identity that statements for a user run as."""
    if isinstance(user, int):
        return Identity(user_id=user)
    return Identity(user_id=user.user_id, generation=user.generation)


def owned(table: type[Conversation | Message | MessageWords | Todo]) -> ColumnElement[bool]:
    """Restricts a statement to rows of the user it runs for. Row-level security enforces the same again."""
    return col(table.user_id) == bindparam("user_id")


def not_deleted() -> ColumnElement[bool]:
    """Excludes deleted conversations: only statements such as restore, purge and export see them."""
    return col(Conversation.deleted_at).is_(None)


def in_its_conversation() -> ColumnElement[bool]:
    """Excludes messages of deleted conversations."""
    its = (
        col(Conversation.id) == col(Message.conversation_id),
        col(Conversation.user_id) == col(Message.user_id),
    )
    return select(col(Conversation.id)).where(*its, not_deleted()).exists()


def request_hash(client_id: str | None, *content: str | None) -> bytes | None:
    """A hash of the content, by which a retry with the same `client_id` is recognized; None without one."""
    return None if client_id is None else hashlib.sha256(json.dumps(content).encode()).digest()


class Repository:
    """Base class for the rows of one user. It never finds rows of other users."""

    def __init__(self, database: Database, user: Caller | int) -> None:
        """For a Caller, a statement raises NotAuthenticated if the account is deleted or the token revoked.

        A bare id skips the token check: it is for work the service does on its own, such as finishing a reply
        after its user signed out.
        """
        self._database = database
        self._identity = identity_of(user)
        self.user_id = user if isinstance(user, int) else user.user_id

    async def _rows(self, statement: Statement, **parameters: Any) -> list[Row]:
        try:
            return await self._database.run(self._identity, statement, parameters)
        except ConstraintViolated as violated:
            if violated.constraint.endswith("_user_id_user"):
                raise NotAuthenticated from None  # the account was deleted, but its token has not expired
            raise

    async def _row(self, statement: Statement, **parameters: Any) -> Row | None:
        rows = await self._rows(statement, **parameters)
        return rows[0] if rows else None

    async def _row_of_conversation(self, statement: Statement, **parameters: Any) -> Row:
        """Returns the row of a statement about a conversation, or raises ConversationNotFound."""
        row = await self._row(statement, **parameters)
        if row is None:
            raise ConversationNotFound
        return row

    async def _row_once(self, statement: Statement, **parameters: Any) -> Row | None:
        """Runs a statement that writes only if it does not find what an earlier request wrote.

        If another request writes in between, a unique constraint rejects the insert and the statement runs
        again. Raises DatabaseBusy after four attempts.
        """
        for _ in range(4):
            try:
                return await self._row(statement, **parameters)
            except ConstraintViolated as violated:
                if not violated.constraint.startswith("uq_"):
                    raise
        raise DatabaseBusy
