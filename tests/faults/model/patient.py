"""An assistant that says what it heard, and may be made to wait in the middle."""

import asyncio
from collections.abc import AsyncIterator

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta, Usage
from app.turns.writer import FLUSH_CHARACTERS
from input.echo import Echo

PATIENCE = 10
"""Seconds after which even a patient one goes on, so that a reply that nobody ends is found."""


class Patient(Echo):
    """Answers with the text of the question, for a token a character. While it is held, it stops halfway."""

    def __init__(self) -> None:
        self.held = False
        """Whether the next reply is to stay half of what it would be, until somebody says how it goes on."""
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[bool]] | None = None

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        question = prompt.messages[-1].content
        if self.held:
            loop = asyncio.get_running_loop()
            ends = loop.create_future()
            self._waiting = loop, ends
            yield TextDelta(half(question))
            if not await ends:
                yield TextDelta("." * FLUSH_CHARACTERS)
                await asyncio.sleep(PATIENCE)
                return
            yield TextDelta(question.removeprefix(half(question)))
        else:
            async for event in super().reply(prompt):
                yield event
        yield Usage(len(question), len(question))

    def ramble(self) -> None:
        """The reply that waits says more, so much that it is to be stored at once, and ends much later."""
        self._go_on(ends=False)

    def finish(self) -> None:
        """The reply that waits says the rest."""
        self._go_on(ends=True)

    def _go_on(self, *, ends: bool) -> None:
        assert self._waiting is not None, "no reply waits"
        loop, waiting = self._waiting
        loop.call_soon_threadsafe(waiting.set_result, ends)


def half(text: str) -> str:
    """What it says of a text before it waits."""
    return text[: len(text) // 2]
