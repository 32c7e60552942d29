"""Responses for a turn: the complete reply, or a stream while it is written."""

import asyncio
from contextlib import suppress

from fastapi import Response

from ..errors import MessageNotFound, NotAuthenticated
from ..models.ai_sdk import UIChat
from ..models.caller import Caller
from ..turns import Turn, Turns
from ..turns.follower import replayed
from .deps import Services
from .pages import json_response
from .stream import stream_response


async def turn_response(services: Services, caller: Caller, turn: Turn, *, streamed: bool) -> Response:
    """Returns `{message, reply}` once the reply has ended, or streams the reply from its beginning.

    Without a stream, raises NotAuthenticated if the caller's tokens are revoked while the reply is written.
    """
    if streamed:
        live = turn.live or replayed(turn.conversation_id, turn.reply_id, turn.reply)
        return stream_response(live, turn.question, services.watch.reading(caller, live.wake))
    reply = await _finished(services, caller, turn)
    return json_response(b'{"message":%b,"reply":%b}' % (turn.question, reply))


async def _finished(services: Services, caller: Caller, turn: Turn) -> bytes:
    if turn.live is None:
        return turn.reply
    finishing = asyncio.ensure_future(services.turns.finished(caller, turn.live))
    with services.watch.reading(caller, finishing.cancel) as reading:
        try:
            return await finishing
        except asyncio.CancelledError:
            if not reading.over:
                raise
            raise NotAuthenticated from None


async def ui_turn(turns: Turns, caller: Caller, conversation_id: int, chat: UIChat) -> Turn:
    """Opens the turn that the AI SDK requests: a new question, an edited one, or another reply.

    The client also sends the question to request another reply. The question may not be stored yet: if the
    request that sent or edited it was refused or lost, the user still sees it, and presses "Retry".
    """
    asked = chat.question
    if asked is None:
        if chat.messageId is None:
            return await turns.regenerate(caller, conversation_id)
        return await turns.regenerate_named(caller, conversation_id, chat.messageId)
    if chat.trigger == "submit-message":
        return await turns.ask(caller, conversation_id, asked.text, asked.id, edited=chat.messageId)
    with suppress(MessageNotFound):
        return await turns.answer_again(caller, conversation_id, asked.id, asked.text)
    return await turns.ask(caller, conversation_id, asked.text, asked.id, edited=asked.id)
