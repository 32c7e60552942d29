"""Passes text from the task that reads a model's answer to its consumer."""

import asyncio

from .wire import Answer

MAX_WAITING_CHARACTERS = 65_536


class Pipe:
    """An answer while it arrives. Pieces of text that have not been taken yet are joined."""

    def __init__(self) -> None:
        self.used = False
        """Whether any text has arrived."""
        self._texts: list[str] = []
        self._characters = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._asked: asyncio.Task[Answer] | None = None

    async def put(self, text: str) -> None:
        """Adds text. Waits if more than MAX_WAITING_CHARACTERS have not been taken."""
        self.used = True
        self._texts.append(text)
        self._characters += len(text)
        self._news.set()
        if self._characters > MAX_WAITING_CHARACTERS:
            self._room.clear()
            await self._room.wait()

    def end(self, asked: asyncio.Task[Answer]) -> None:
        """Marks the end of the answer: `asked`, the task that put the text, is done."""
        self._asked = asked
        self._news.set()

    async def take(self) -> str:
        """Waits for text and returns all of it; returns an empty text at the end. Raises the task's error."""
        while not self._texts and self._asked is None:
            self._news.clear()
            await self._news.wait()
        text = "".join(self._texts)
        self._texts.clear()
        self._characters = 0
        self._room.set()
        if not text:
            _ = self.answer
        return text

    @property
    def answer(self) -> Answer:
        """The whole answer, after the end. Raises the task's error."""
        assert self._asked is not None
        return self._asked.result()
