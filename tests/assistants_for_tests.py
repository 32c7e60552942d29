"""Assistants that do what a test says."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta

GIVE_UP_SECONDS = 120


class Scripted:
    """Says its lines, which are text or any event.

    Before the last one it waits for `go` if it is told to; after it, it raises `fault` if it has one.
    """

    name = "scripted"

    def __init__(self, *lines: str | Event, waits: bool = False, fault: Exception | None = None) -> None:
        self.lines = lines
        self.fault = fault
        self.prompts: list[Prompt] = []
        self._go: asyncio.Event | None = asyncio.Event() if waits else None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        self.prompts.append(prompt)
        self._loop = asyncio.get_running_loop()
        for number, line in enumerate(self.lines):
            if self._go is not None and number == len(self.lines) - 1:
                await self._go.wait()
            yield TextDelta(line) if isinstance(line, str) else line
        if self.fault is not None:
            raise self.fault

    def go(self) -> None:
        """Lets it say its last line. May be called from any thread, after it was asked."""
        assert self._loop is not None
        assert self._go is not None
        self._loop.call_soon_threadsafe(self._go.set)


class Stubborn:
    """Does not let itself be cancelled: says its last line after `go`, or when it gives up waiting for it."""

    name = "stubborn"

    def __init__(self, *, titles: bool = False) -> None:
        self.gave_up = False
        self._titles = titles
        self._go = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        yield TextDelta("First, ")
        if not self._titles:
            await self._wait()
            yield TextDelta("last.")

    async def title(self, _question: str, _answer: str) -> str:
        if self._titles:
            await self._wait()
        return "Too late"

    def go(self) -> None:
        """May be called from any thread, after it was asked."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._go.set)

    async def _wait(self) -> None:
        self._loop = asyncio.get_running_loop()
        # A test that waits for something that never happens fails then instead of hanging.
        self._loop.call_later(GIVE_UP_SECONDS, self._give_up)
        while not self._go.is_set():
            with suppress(asyncio.CancelledError):
                await self._go.wait()

    def _give_up(self) -> None:
        self.gave_up = True
        self._go.set()


class Echo:
    """Numbers its replies and repeats what it was asked: no two are alike."""

    name = "echo"

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        self.prompts.append(prompt)
        yield TextDelta(f"{len(self.prompts)}. ")
        yield TextDelta(prompt.messages[-1].content)


class Titling(Echo):
    """Also names conversations, once `go` is set if it is told to wait."""

    def __init__(self, *, waits: bool = False) -> None:
        super().__init__()
        self.go = threading.Event()
        if not waits:
            self.go.set()

    async def title(self, question: str, answer: str) -> str:
        await asyncio.to_thread(self.go.wait)
        return f"About {question} and {answer}"
