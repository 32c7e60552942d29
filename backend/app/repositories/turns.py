"""Opening a turn: the question and an empty reply are stored together, or found, or neither is."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from ..db.connection import Row
from ..db.statement import Statement
from ..errors import (
    ClientIdReused,
    ConversationNotFound,
    DatabaseUnavailable,
    MessageNotFound,
    NothingToAnswer,
    TurnInProgress,
)
from ..titles import title_from
from . import openings
from .base import request_hash
from .replies import LEASE, ReplyRepository


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
            openings.ASK if edited is None else openings.EDIT,
            conversation_id,
            content=content,
            client_id=client_id,
            request_hash=wanted,
            title=title_from(content),
            cut=edited,
        )
        if (opened := _opened_turn(conversation_id, row)) is not None:
            return opened
        *_, earlier, earlier_reply, reply_id, streaming, found, running, editable = row
        if earlier is not None and bytes(found) == wanted:
            return OpenedTurn(conversation_id, earlier, earlier_reply, reply_id, streaming, context=None)
        if running is not None and (earlier is None or edited == client_id):
            raise _in_progress(conversation_id, running)
        if earlier is not None:
            raise ClientIdReused
        assert not editable, "nothing else keeps a question from being stored"
        raise MessageNotFound

    async def asked(self, conversation_id: int, content: str, client_id: str | None) -> OpenedTurn | None:
        """What the same request stored before; None if it did not, or asked something else.

        Raises ConversationNotFound.
        """
        row = await self._row(openings.ASKED, conversation_id=conversation_id, client_id=client_id)
        if row is None:
            raise ConversationNotFound
        question, reply, reply_id, streaming, found = row
        if question is None or bytes(found) != request_hash(client_id, "turn", content):
            return None
        return OpenedTurn(conversation_id, question, reply, reply_id, streaming, context=None)

    async def regenerate(self, conversation_id: int, named: str | None = None) -> OpenedTurn:
        """Opens another reply to the last question; the one before stays as a version of it.

        With `named`, the id of a reply, to the question before that one; what came after is put away. Raises
        ConversationNotFound, TurnInProgress, MessageNotFound, and NothingToAnswer.
        """
        if named is not None and not await self._exists(conversation_id, named):
            raise MessageNotFound
        row = await self._opening(
            openings.REGENERATE if named is None else openings.REGENERATE_NAMED,
            conversation_id,
            title=None,
            cut=named,
        )
        if (opened := _opened_turn(conversation_id, row)) is not None:
            return opened
        if (running := row[-1]) is not None:
            raise _in_progress(conversation_id, running)
        raise NothingToAnswer

    async def answer_again(self, conversation_id: int, named: str, content: str) -> OpenedTurn:
        """Opens another reply to the question with this id and this text; what came after it is put away.

        Raises ConversationNotFound, TurnInProgress, and MessageNotFound.
        """
        row = await self._opening(
            openings.ANSWER_AGAIN, conversation_id, title=None, cut=named, content=content
        )
        if (opened := _opened_turn(conversation_id, row)) is not None:
            return opened
        if (running := row[-1]) is not None:
            raise _in_progress(conversation_id, running)
        raise MessageNotFound

    async def _opening(self, statement: Statement, conversation_id: int, **parameters: Any) -> Row:
        """What a statement opened or found. An opening whose answer was lost is looked for at once."""
        attempt = secrets.token_bytes(16)
        try:
            row = await self._row_once(
                statement, conversation_id=conversation_id, attempt=attempt, lease=LEASE, **parameters
            )
        except DatabaseUnavailable as error:
            row = await self.opened(conversation_id, attempt) if error.answer_lost else None
            if row is None:
                raise
        if row is None:
            raise ConversationNotFound
        return row

    async def opened(self, conversation_id: int, attempt: bytes) -> Row | None:
        """What an attempt to open a turn has opened, if that is still being written."""
        row = await self._row(openings.LOST, conversation_id=conversation_id, attempt=attempt)
        return None if row is None or row[2] is None else row

    async def _exists(self, conversation_id: int, named: str) -> bool:
        row = await self._row(openings.EXISTS, conversation_id=conversation_id, cut=named)
        if row is None:
            raise ConversationNotFound
        return bool(row[0])


def _in_progress(conversation_id: int, reply_id: int) -> TurnInProgress:
    """Says which reply is being written, and where it can be read."""
    return TurnInProgress(reply_id=reply_id, resume=f"/api/chat/{conversation_id}/stream")


def _opened_turn(conversation_id: int, row: Row) -> OpenedTurn | None:
    """The turn that the statement has opened, if it has."""
    question, reply, reply_id, context = row[:4]
    if reply is None:
        return None
    history = json.loads(context or b"[]")
    return OpenedTurn(conversation_id, question, reply, reply_id, running=True, context=history)
