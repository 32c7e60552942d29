"""What the assistant of these tests says: the question itself is the script."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta, ToolCall, ToolResult

PARAGRAPH = "\n\n"
"""What comes between two texts with a tool in between."""


@dataclass(frozen=True)
class Script:
    """A question whose answer is known: so many pieces of text, with a pause of seconds before each."""

    key: str
    pieces: int = 8
    pause: float = 0.02
    tool_at: int = 0
    """Before this piece a tool is used, if it is not the first."""
    gate: int = 0
    """Before this piece it waits until the file `go-KEY` is there, if it is not the first."""
    padding: int = 0

    @property
    def question(self) -> str:
        """What a client sends."""
        return json.dumps(asdict(self))

    @property
    def text(self) -> str:
        """What the whole reply must be, character by character."""
        return "".join(map(self.piece, range(self.pieces)))

    def piece(self, number: int) -> str:
        """A piece of text as readers see it: different from all others, in letters of one to four bytes."""
        begin = PARAGRAPH if self.tool_at and number == self.tool_at else ""
        return f"{begin}{self.key}:{number}·€😀{'.' * self.padding} "


class Speaker:
    """Says the script, and writes a line into `calls` for each time that it is asked."""

    name = "speaker"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, asyncio.Event] = {}
        self._looking: asyncio.Task[None] | None = None

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        script = Script(**json.loads(prompt.messages[-1].content))
        self._count(script.key)
        for number in range(script.pieces):
            await asyncio.sleep(script.pause)
            if script.gate and number == script.gate:
                await self._gate(script.key)
            if script.tool_at and number == script.tool_at:
                yield ToolCall(f"call-{script.key}", "weather", {"place": "Ålesund", "days": [1, 2]})
                yield ToolResult(f"call-{script.key}", {"sunny": True})
            yield TextDelta(script.piece(number).removeprefix(PARAGRAPH))

    def _count(self, key: str) -> None:
        # One write in append mode: a kill leaves the whole line or none, from however many processes.
        descriptor = os.open(self._folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, f"{key}\n".encode())
        finally:
            os.close(descriptor)

    async def _gate(self, key: str) -> None:
        self._waiting[key] = opened = asyncio.Event()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await opened.wait()
        finally:
            del self._waiting[key]

    async def _look(self) -> None:
        """One look for all: hundreds that look for themselves would be a load that no assistant is."""
        while self._waiting:
            there = {file.name for file in self._folder.glob("go-*")}
            for key, opened in self._waiting.items():
                if f"go-{key}" in there:
                    opened.set()
            await asyncio.sleep(0.1)
