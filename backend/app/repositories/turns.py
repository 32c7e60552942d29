"""Opening a turn: the question and an empty reply are stored together, or found, or neither is."""

import secrets
from dataclasses import dataclass
from typing import Any, NoReturn

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
from .turn_row import TurnRow

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
        known = row.earlier_question is not None
        if known and bytes(row.earlier_hash) == wanted:
            return _earlier_turn(conversation_id, row)
        if row.running is not None and (not known or edited == client_id):
            raise _in_progress(conversation_id, row.running)
        if known:
            raise ClientIdReused
        assert not row.editable, "nothing else keeps a question from being stored"
        raise MessageNotFound

    async def asked(self, conversation_id: int, content: str, client_id: str | None) -> OpenedTurn | None:
        """What the same request stored before; None if it did not, or asked something else.

        Raises ConversationNotFound.
        """
        row = await self._found(openings.ASKED, conversation_id, client_id=client_id)
        wanted = request_hash(client_id, "turn", content)
        if row.earlier_question is None or bytes(row.earlier_hash) != wanted:
            return None
        return _earlier_turn(conversation_id, row)

    async def regenerate(self, conversation_id: int, key: str | None = None) -> OpenedTurn:
        """Opens another reply to the last question; the one before stays as a version of it.

        Or finds the one that an earlier request with the same `key` opened, also when it has been replaced
        since, as long as it is among the newest thousand messages. Raises ConversationNotFound,
        TurnInProgress, and NothingToAnswer.
        """
        hashed = _key(key)
        row = await self._opening(
            openings.REGENERATE, conversation_id, title=None, key=hashed, begins=hashed or b""
        )
        if row.earlier_reply is not None:
            return _earlier_turn(conversation_id, row)
        return _opened_turn(conversation_id, row) or _nothing_opened(conversation_id, row)

    async def regenerated(self, conversation_id: int, key: str | None) -> OpenedTurn | None:
        """The reply that an earlier request with the same `key` opened, if one did.

        Raises ConversationNotFound.
        """
        row = await self._found(openings.REGENERATED, conversation_id, key=_key(key))
        return None if row.earlier_reply is None else _earlier_turn(conversation_id, row)

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
        if row.running is not None:
            raise _in_progress(conversation_id, row.running)
        raise MessageNotFound

    async def _opening(
        self, statement: Statement, conversation_id: int, begins: bytes = b"", **parameters: Any
    ) -> TurnRow:
        """What a statement opened or found. An opening whose answer was lost is looked for at once.

        `begins` is what the name of this attempt begins with.
        """
        attempt = begins + secrets.token_bytes(16)
        try:
            row = await self._row_once(
                statement, conversation_id=conversation_id, attempt=attempt, lease=LEASE, **parameters
            )
        except DatabaseUnavailable as error:
            opened = await self.opened(conversation_id, attempt) if error.answer_lost else None
            if opened is None:
                raise
            return opened
        if row is None:
            raise ConversationNotFound
        return TurnRow(*row)

    async def opened(self, conversation_id: int, attempt: bytes) -> TurnRow | None:
        """What an attempt to open a turn has opened, if that is still being written."""
        row = await self._found(openings.LOST, conversation_id, attempt=attempt)
        return None if row.reply is None else row

    async def _found(self, statement: Statement, conversation_id: int, **parameters: Any) -> TurnRow:
        return TurnRow(
            *await self._row_of_conversation(statement, conversation_id=conversation_id, **parameters)
        )

    async def _exists(self, conversation_id: int, named: str) -> bool:
        row = await self._row_of_conversation(openings.EXISTS, conversation_id=conversation_id, cut=named)
        return bool(row[0])


def _in_progress(conversation_id: int, reply_id: int) -> TurnInProgress:
    """Says which reply is being written, and where it can be read."""
    return TurnInProgress(reply_id=reply_id, resume=f"/api/chat/{conversation_id}/stream")


def _nothing_opened(conversation_id: int, row: TurnRow) -> NoReturn:
    """Says why a statement that answers the last question did not."""
    if row.running is not None:
        raise _in_progress(conversation_id, row.running)
    raise NothingToAnswer


def _key(key: str | None) -> bytes | None:
    hashed = request_hash(key, "regenerate", key)
    return hashed and hashed[: openings.KEY_BYTES]


def _earlier_turn(conversation_id: int, row: TurnRow) -> OpenedTurn:
    """The turn that an earlier request has opened."""
    return OpenedTurn(
        conversation_id,
        row.earlier_question,
        row.earlier_reply,
        row.earlier_reply_id,
        row.earlier_streaming,
        context=None,
    )


def _opened_turn(conversation_id: int, row: TurnRow) -> OpenedTurn | None:
    """The turn that the statement has opened, if it has."""
    if row.reply is None:
        return None
    return OpenedTurn(
        conversation_id,
        row.question,
        row.reply,
        row.reply_id,
        running=True,
        context=row.context or NO_MESSAGES,
        replaced=row.replaced or NO_MESSAGES,
    )
