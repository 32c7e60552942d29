"""A reply as its readers see it while it is written."""

import asyncio
from collections.abc import AsyncIterator

from ..models.events import Ended, Shown, TextDelta


class LiveReply:
    """What was said so far, and a way to wait for more. Any number of readers; none is waited for."""

    def __init__(self, conversation_id: int, reply_id: int) -> None:
        self.conversation_id = conversation_id
        self.reply_id = reply_id
        self._said: list[Shown] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self._ended = False

    def say(self, event: Shown) -> None:
        """Adds an event and wakes the readers. After `Ended`, nothing is said any more."""
        if self._ended:
            return
        self._said.append(event)
        self._ended = isinstance(event, Ended)
        self.wake()

    async def read(self, pause: float) -> AsyncIterator[list[Shown]]:
        """Everything from the beginning to the end, as it happens; what happened at once comes together.

        An empty list comes after each `pause` seconds in which nothing was said, and after `wake`.
        """
        place, alarm = 0, _Alarm(pause)
        try:
            while True:
                if place < len(self._said):
                    new = self._said[place:]
                    place = len(self._said)
                    yield _joined(new) if len(new) > 1 else new
                    if isinstance(new[-1], Ended):
                        return
                    continue
                await self._changed(alarm)
                if place == len(self._said):
                    yield []
        finally:
            alarm.off()

    async def ended(self) -> Ended:
        """How it ended, once it has."""
        while not self._ended:
            await self._changed()
        ending = self._said[-1]
        assert isinstance(ending, Ended)
        return ending

    async def _changed(self, alarm: "_Alarm | None" = None) -> None:
        """Waits until there may be more, or until the alarm goes off."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        if alarm is not None:
            alarm.set_for(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    def wake(self) -> None:
        """Lets all readers look up, whether there is more or not."""
        for change in self._waiting:
            _look_up(change)


class _Alarm:
    """Wakes a reader who has waited for so many seconds.

    One timer serves all waits of a reader: each token comes by here for each of them.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._change: asyncio.Future[None] = self._loop.create_future()
        self._since = self._loop.time()
        self._timer = self._loop.call_later(pause, self._ring)

    def set_for(self, change: asyncio.Future[None]) -> None:
        """From now on it is for who waits for this."""
        self._change, self._since = change, self._loop.time()

    def off(self) -> None:
        """Wakes nobody any more."""
        self._timer.cancel()

    def _ring(self) -> None:
        rest = self._since + self._pause - self._loop.time()
        if rest <= 0:
            _look_up(self._change)
        self._timer = self._loop.call_later(rest if rest > 0 else self._pause, self._ring)


def _look_up(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)


def _joined(events: list[Shown]) -> list[Shown]:
    """The events, with neighbouring pieces of text made one: a late reader catches up in one step."""
    joined: list[Shown] = []
    pieces: list[str] = []
    for event in events:
        if isinstance(event, TextDelta):
            pieces.append(event.text)
            continue
        if pieces:
            joined.append(TextDelta("".join(pieces)))
            pieces.clear()
        joined.append(event)
    if pieces:
        joined.append(TextDelta("".join(pieces)))
    return joined
