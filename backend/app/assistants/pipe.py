"""Text on its way from a model to whoever takes it."""

import asyncio

from .wire import Answer

MAX_WAITING_CHARACTERS = 65_536


class Pipe:
    """One answer while it comes. Text that comes before the last was taken is joined."""

    def __init__(self) -> None:
        self.used = False
        """Whether any text came."""
        self._texts: list[str] = []
        self._characters = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._asked: asyncio.Task[Answer] | None = None

    async def put(self, text: str) -> None:
        """Adds text. Waits while more than MAX_WAITING_CHARACTERS are not taken."""
        self.used = True
        self._texts.append(text)
        self._characters += len(text)
        self._news.set()
        if self._characters > MAX_WAITING_CHARACTERS:
            self._room.clear()
            await self._room.wait()

    def end(self, asked: asyncio.Task[Answer]) -> None:
        """Nothing follows: this task has put everything, and is done."""
        self._asked = asked
        self._news.set()

    async def take(self) -> str:
        """All text that is there, once there is any; empty at the end. Raises then what the task raised."""
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
        """The whole answer, after the end. Raises what the task raised."""
        assert self._asked is not None
        return self._asked.result()
