"""Opens turns: stores a question and an empty reply together, or finds those of an earlier request."""

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
"""An empty list of messages, as JSON."""


@dataclass(frozen=True, slots=True)
class OpenedTurn:
    """A question and its reply as they are stored."""

    conversation_id: int
    question: bytes
    reply: bytes
    reply_id: int
    running: bool
    """Whether the reply is still being written."""
    context: bytes | None
    """The conversation before the question, as JSON; None if an earlier request opened the turn."""
    replaced: bytes = NO_MESSAGES
    """The earlier replies to the question, which this one replaces, oldest first, as JSON."""


class TurnRepository(ReplyRepository):
    """Opens turns in one user's conversations, and writes their replies."""

    async def ask(
        self, conversation_id: int, content: str, client_id: str | None = None, edited: str | None = None
    ) -> OpenedTurn:
        """Stores the question and an empty reply that holds a lease, or finds what the same request stored.

        With `edited`, the client's or our own id of an earlier message, the question replaces that message
        and all that follow it; if `edited` equals `client_id`, the message need not exist. Raises
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
            named=edited,
        )
        if (opened := _opened_turn(conversation_id, row)) is not None:
            return opened
        if row.repeats(wanted):
            return _earlier_turn(conversation_id, row)
        known = row.earlier_question is not None
        if row.running is not None and (not known or edited == client_id):
            raise _in_progress(conversation_id, row.running)
        if known:
            raise ClientIdReused
        assert not row.editable, "nothing else keeps a question from being stored"
        raise MessageNotFound

    async def asked(self, conversation_id: int, content: str, client_id: str | None) -> OpenedTurn | None:
        """Finds what the same request stored before; None if it stored nothing, or asked something else.

        Raises ConversationNotFound.
        """
        row = await self._found(openings.ASKED, conversation_id, client_id=client_id)
        asks_the_same = row.repeats(request_hash(client_id, "turn", content))
        return _earlier_turn(conversation_id, row) if asks_the_same else None

    async def regenerate(self, conversation_id: int, key: str | None = None) -> OpenedTurn:
        """Opens another reply to the last question; the previous one stays as a version of it.

        If an earlier request with the same `key` opened a reply, finds that one instead, even if it has been
        replaced since, as long as it is among the newest thousand messages. Raises ConversationNotFound,
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
        """Finds the reply that an earlier request with the same `key` opened, or returns None.

        Raises ConversationNotFound.
        """
        row = await self._found(openings.REGENERATED, conversation_id, key=_key(key))
        return None if row.earlier_reply is None else _earlier_turn(conversation_id, row)

    async def regenerate_named(self, conversation_id: int, named: str) -> OpenedTurn:
        """Opens another reply to the question before the reply with this id; replaces all from that reply on.

        Raises ConversationNotFound, TurnInProgress, MessageNotFound, and NothingToAnswer.
        """
        row = await self._opening(openings.REGENERATE_NAMED, conversation_id, title=None, named=named)
        if not row.editable:
            raise MessageNotFound
        return _opened_turn(conversation_id, row) or _nothing_opened(conversation_id, row)

    async def answer_again(self, conversation_id: int, named: str, content: str) -> OpenedTurn:
        """Opens another reply to the question with this id and text; replaces all that came after it.

        Raises ConversationNotFound, TurnInProgress, and MessageNotFound.
        """
        row = await self._opening(
            openings.ANSWER_AGAIN, conversation_id, title=None, named=named, content=content
        )
        if (opened := _opened_turn(conversation_id, row)) is not None:
            return opened
        if row.running is not None:
            raise _in_progress(conversation_id, row.running)
        raise MessageNotFound

    async def _opening(
        self, statement: Statement, conversation_id: int, begins: bytes = b"", **parameters: Any
    ) -> TurnRow:
        """Runs a statement that opens a turn. If its answer is lost, looks up at once what it opened.

        `begins` is the beginning of this attempt's name.
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
        """Finds what an attempt to open a turn stored, if the reply is still being written."""
        row = await self._found(openings.LOST, conversation_id, attempt=attempt)
        return None if row.reply is None else row

    async def _found(self, statement: Statement, conversation_id: int, **parameters: Any) -> TurnRow:
        return TurnRow(
            *await self._row_of_conversation(statement, conversation_id=conversation_id, **parameters)
        )


def _in_progress(conversation_id: int, reply_id: int) -> TurnInProgress:
    """An error that says which reply is being written, and where it can be read."""
    return TurnInProgress(reply_id=reply_id, resume=f"/api/chat/{conversation_id}/stream")


def _nothing_opened(conversation_id: int, row: TurnRow) -> NoReturn:
    """Raises the reason why a statement opened no reply to the last question."""
    if row.running is not None:
        raise _in_progress(conversation_id, row.running)
    raise NothingToAnswer


def _key(key: str | None) -> bytes | None:
    hashed = request_hash(key, "regenerate", key)
    return hashed and hashed[: openings.KEY_BYTES]


def _earlier_turn(conversation_id: int, row: TurnRow) -> OpenedTurn:
    """The turn that an earlier request opened."""
    question, reply, reply_id = row.earlier_question, row.earlier_reply, row.earlier_reply_id
    assert question is not None, "no request stores a reply alone"
    assert reply is not None, "no request stores a question alone"
    assert reply_id is not None
    return OpenedTurn(conversation_id, question, reply, reply_id, bool(row.earlier_streaming), context=None)


def _opened_turn(conversation_id: int, row: TurnRow) -> OpenedTurn | None:
    """The turn that the statement opened, or None."""
    if row.reply is None:
        return None
    assert row.question is not None
    assert row.reply_id is not None
    return OpenedTurn(
        conversation_id,
        row.question,
        row.reply,
        row.reply_id,
        running=True,
        context=row.context or NO_MESSAGES,
        replaced=row.replaced or NO_MESSAGES,
    )
