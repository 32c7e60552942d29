"""A turn as an answer: whole, or as it is written."""

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
    """`{message, reply}` once the reply has ended, or the stream of the reply from its beginning.

    Raises NotAuthenticated if the caller's tokens end while the reply is written.
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
    """The turn that the AI SDK asks for: a new question, an edited one, or another reply.

    For another reply, too, the client sends the question: if its request, or that of an edit, was refused or
    lost, its user sees that question, and what they press is "Retry".
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
