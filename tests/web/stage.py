"""An assistant that says what a test tells it to, as fast or as slowly as the test lets it."""

import asyncio
import threading
from collections.abc import AsyncIterator

from app.assistants.base import Prompt
from app.assistants.todo import TodoAssistant
from app.models.events import Event, TextDelta


class Gate:
    """A place in a reply where it waits until the test opens it."""

    def __init__(self) -> None:
        self._opened = threading.Event()

    def open(self) -> None:
        """Lets the reply go on. May be called from any thread, and before it gets here."""
        self._opened.set()

    async def wait(self) -> None:
        """Returns when it is open, or the test has long been over."""
        await asyncio.to_thread(self._opened.wait, 60)


class Pause(float):
    """Seconds between two pieces of a reply."""


Line = str | Event | Gate | Pause | Exception


class Stage:
    """Plays the scripts that it was given, one a reply; without one, it is the todo assistant."""

    name = "stage"

    def __init__(self) -> None:
        self._todo = TodoAssistant()
        self._scripts: list[tuple[Line, ...]] = []
        self.asked: list[str] = []

    def plays(self, *lines: Line) -> None:
        """The script of the next reply that has none yet: text, events, gates, pauses, or a fault at last."""
        self._scripts.append(lines)

    def clear(self) -> None:
        """Forgets what the test before told it, and lets its replies end."""
        for script in self._scripts:
            _open(script)
        self._scripts.clear()
        self.asked.clear()

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        self.asked.append(prompt.messages[-1].content)
        if not self._scripts:
            async for event in self._todo.reply(prompt):
                yield event
            return
        script = self._scripts.pop(0)
        try:
            for line in script:
                match line:
                    case Gate():
                        await line.wait()
                    case Pause():
                        await asyncio.sleep(line)
                    case Exception():
                        raise line
                    case str():
                        yield TextDelta(line)
                    case _:
                        yield line
        finally:
            _open(script)


def _open(script: tuple[Line, ...]) -> None:
    for line in script:
        if isinstance(line, Gate):
            line.open()
