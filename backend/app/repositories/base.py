"""What all repositories of a user's rows share."""

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
    """Some items of a list, as JSON that Postgres made, and the position where the next ones begin."""

    items: bytes
    next: Position | None


def identity_of(user: Caller | int) -> Identity:
    """In whose name statements for a user run."""
    if isinstance(user, int):
        return Identity(user_id=user)
    return Identity(user_id=user.user_id, generation=user.generation)


def owned(table: type[Conversation | Message | MessageWords | Todo]) -> ColumnElement[bool]:
    """The first wall: the rows of the user in whose name the statement runs, and no others."""
    return col(table.user_id) == bindparam("user_id")


def not_deleted() -> ColumnElement[bool]:
    """What was deleted is like what does not exist, but to whoever restores or purges it."""
    return col(Conversation.deleted_at).is_(None)


def in_its_conversation() -> ColumnElement[bool]:
    """A message lives as long as its conversation is not deleted."""
    its = (
        col(Conversation.id) == col(Message.conversation_id),
        col(Conversation.user_id) == col(Message.user_id),
    )
    return select(col(Conversation.id)).where(*its, not_deleted()).exists()


def request_hash(client_id: str | None, *content: str | None) -> bytes | None:
    """What a retry must have in common with the request that it repeats."""
    return None if client_id is None else hashlib.sha256(json.dumps(content).encode()).digest()


class Repository:
    """Rows of one user. Whatever it is asked for, another user's rows do not exist in it."""

    def __init__(self, database: Database, user: Caller | int) -> None:
        """For a caller, every statement raises NotAuthenticated once the account or its tokens have ended.

        An id alone is for what the service does by itself, whoever still has a token.
        """
        self._database = database
        self._identity = identity_of(user)
        self.user_id = user if isinstance(user, int) else user.user_id

    async def _rows(self, statement: Statement, **parameters: Any) -> list[Row]:
        try:
            return await self._database.run(self._identity, statement, parameters)
        except ConstraintViolated as violated:
            if violated.constraint.endswith("_user_id_user"):
                raise NotAuthenticated from None  # the account is gone; its token is not yet
            raise

    async def _row(self, statement: Statement, **parameters: Any) -> Row | None:
        rows = await self._rows(statement, **parameters)
        return rows[0] if rows else None

    async def _row_of_conversation(self, statement: Statement, **parameters: Any) -> Row:
        """The row of a statement about one conversation. Raises ConversationNotFound if it has none."""
        row = await self._row(statement, **parameters)
        if row is None:
            raise ConversationNotFound
        return row

    async def _row_once(self, statement: Statement, **parameters: Any) -> Row | None:
        """Runs a statement that writes only if it does not find what an earlier request wrote.

        If another request writes between its look and its write, a unique key refuses it: it looks again.
        """
        for _ in range(4):
            try:
                return await self._row(statement, **parameters)
            except ConstraintViolated as violated:
                if not violated.constraint.startswith("uq_"):
                    raise
        raise DatabaseBusy
