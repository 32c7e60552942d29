"""A reply as its readers see it while it is written."""

import asyncio
from collections.abc import AsyncIterator

from ..models.events import Ended, Shown, TextDelta


class LiveReply:
    """The events of a reply so far. Any number of readers wait for more, and none delays the reply."""

    def __init__(self, conversation_id: int, reply_id: int) -> None:
        self.conversation_id = conversation_id
        self.reply_id = reply_id
        self._said: list[Shown] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self._ended = False

    def say(self, event: Shown) -> None:
        """Adds an event and wakes the readers. Events after `Ended` are ignored."""
        if self._ended:
            return
        self._said.append(event)
        self._ended = isinstance(event, Ended)
        self.wake()

    async def read(self, pause: float) -> AsyncIterator[list[Shown]]:
        """Yields all events from the beginning to the end as they happen, in lists of those that are new.

        Yields an empty list after each `pause` seconds without an event, and after `wake`.
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
        """Waits until the reply has ended, and returns how."""
        while not self._ended:
            await self._changed()
        ending = self._said[-1]
        assert isinstance(ending, Ended)
        return ending

    async def _changed(self, alarm: "_Alarm | None" = None) -> None:
        """Waits until there may be new events, or until the alarm goes off."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        if alarm is not None:
            alarm.set_for(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    def wake(self) -> None:
        """Wakes all readers, whether there are new events or not."""
        for change in self._waiting:
            _look_up(change)


class _Alarm:
    """Wakes a reader that has waited for `pause` seconds.

    One timer serves all waits of a reader, because each token starts a new wait for each reader.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._change: asyncio.Future[None] = self._loop.create_future()
        self._since = self._loop.time()
        self._timer = self._loop.call_later(pause, self._ring)

    def set_for(self, change: asyncio.Future[None]) -> None:
        """Restarts the alarm for the reader that waits for `change`."""
        self._change, self._since = change, self._loop.time()

    def off(self) -> None:
        """Turns the alarm off for good."""
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
    """The events with adjacent pieces of text joined, so that a late reader catches up in one step."""
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
