"""An assistant that says what it heard, and may be made to wait in the middle."""

import asyncio
from collections.abc import AsyncIterator

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta, Usage
from input.echo import Echo


class Patient(Echo):
    """Answers with the text of the question, for a token a character. While it is held, it stops halfway."""

    def __init__(self) -> None:
        self.held = False
        """Whether the next reply is to stay half of what it would be, until somebody stops it."""

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        question = prompt.messages[-1].content
        if self.held:
            yield TextDelta(half(question))
            await asyncio.Event().wait()
        async for event in super().reply(prompt):
            yield event
        yield Usage(len(question), len(question))


def half(text: str) -> str:
    """What it says of a text before it waits."""
    return text[: len(text) // 2]
