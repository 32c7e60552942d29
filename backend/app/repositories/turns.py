"""Opening a turn: the question and an empty reply are stored together, or found, or neither is."""

import secrets
from dataclasses import dataclass
from typing import Any, NoReturn

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

NO_MESSAGES = b"[]"
"""No messages, as JSON."""


@dataclass(frozen=True, slots=True)
class OpenedTurn:
    """A question and its reply as they stand in the database."""

    conversation_id: int
    question: bytes
    reply: bytes
    reply_id: int
    running: bool
    """Whether the reply is still being written."""
    context: bytes | None
    """The conversation up to the question, as JSON; None if an earlier request opened and writes the turn."""
    replaced: bytes = NO_MESSAGES
    """The replies to the question that this one takes the place of, the oldest first, as JSON."""


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

    async def regenerate(self, conversation_id: int, key: str | None = None) -> OpenedTurn:
        """Opens another reply to the last question; the one before stays as a version of it.

        Or finds the one that an earlier request with the same `key` opened, also when it has been replaced
        since, as long as it is among the newest thousand messages. Raises ConversationNotFound,
        TurnInProgress, and NothingToAnswer.
        """
        row = await self._opening(
            openings.REGENERATE, conversation_id, title=None, key=_key(key), begins=_key(key) or b""
        )
        opened = _opened_turn(conversation_id, row) or _earlier_turn(conversation_id, row[5:9])
        return opened or _nothing_opened(conversation_id, row)

    async def regenerated(self, conversation_id: int, key: str | None) -> OpenedTurn | None:
        """The reply that an earlier request with the same `key` opened, if one did.

        Raises ConversationNotFound.
        """
        row = await self._row(openings.REGENERATED, conversation_id=conversation_id, key=_key(key))
        if row is None:
            raise ConversationNotFound
        return _earlier_turn(conversation_id, row)

    async def regenerate_named(self, conversation_id: int, named: str) -> OpenedTurn:
        """Opens another reply to the question before the reply with this id; what came after is put away.

        Raises ConversationNotFound, TurnInProgress, MessageNotFound, and NothingToAnswer.
        """
        if not await self._exists(conversation_id, named):
            raise MessageNotFound
        row = await self._opening(openings.REGENERATE_NAMED, conversation_id, title=None, cut=named)
        return _opened_turn(conversation_id, row) or _nothing_opened(conversation_id, row)

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

    async def _opening(
        self, statement: Statement, conversation_id: int, begins: bytes = b"", **parameters: Any
    ) -> Row:
        """What a statement opened or found. An opening whose answer was lost is looked for at once.

        `begins` is what the name of this attempt begins with.
        """
        attempt = begins + secrets.token_bytes(16)
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


def _nothing_opened(conversation_id: int, row: Row) -> NoReturn:
    """Says why a statement that answers the last question did not."""
    if (running := row[-1]) is not None:
        raise _in_progress(conversation_id, running)
    raise NothingToAnswer


def _key(key: str | None) -> bytes | None:
    hashed = request_hash(key, "regenerate", key)
    return hashed and hashed[: openings.KEY_BYTES]


def _earlier_turn(conversation_id: int, row: Row) -> OpenedTurn | None:
    """The turn that an earlier request has opened, if one has."""
    question, reply, reply_id, streaming = row
    if reply is None:
        return None
    return OpenedTurn(conversation_id, question, reply, reply_id, streaming, context=None)


def _opened_turn(conversation_id: int, row: Row) -> OpenedTurn | None:
    """The turn that the statement has opened, if it has."""
    question, reply, reply_id, *told = row[:5]
    if reply is None:
        return None
    context, replaced = (messages or NO_MESSAGES for messages in told)
    return OpenedTurn(conversation_id, question, reply, reply_id, True, context, replaced)
