"""How slowly an export may be read: so many bytes in so much time, and so long in sum."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from starlette.types import Message

from app.api.export import (
    LEAST_BYTES_PER_SECOND,
    MOST_SECONDS,
    READER_SECONDS,
    SLICE_BYTES,
    ExportResponse,
)
from app.models.caller import Caller
from app.watch import Reading

AT_LEAST = SLICE_BYTES / LEAST_BYTES_PER_SECOND
"""Seconds for a slice, at the slowest pace that is good enough."""

SLICES = 1_000


class Ahead(asyncio.SelectorEventLoop):
    """A loop whose clock is put forward by those who wait."""

    seconds = 0.0

    def time(self) -> float:
        return super().time() + self.seconds


class Reader:
    """Takes one slice after the other, each after its own time."""

    def __init__(self, loop: Ahead, waits: list[float]) -> None:
        self._loop = loop
        self._waits = waits
        self.taken = 0
        self.ended = False

    async def take(self, message: Message) -> None:
        if len(message.get("body", b"")) == SLICE_BYTES:
            self._loop.seconds += self._waits[self.taken]
            for _ in range(3):  # turns of the loop, in which it sees what time it is
                await asyncio.sleep(0)
            self.taken += 1
        self.ended = message.get("more_body") is False

    async def stay(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError


def unwatched(end: Callable[[], None]) -> AbstractContextManager[Reading]:
    """For a reader whose tokens do not end."""
    return nullcontext(Reading(Caller(1, 0), end))


def read(*waits: float, database: float = 0) -> tuple[int, bool]:
    """How many slices a reader with these pauses gets, and whether it gets the end.

    The database takes so many seconds for each ten of them.
    """
    loop = Ahead()
    reader = Reader(loop, list(waits))

    async def lines() -> AsyncGenerator[bytes, None]:
        for _ in range(0, len(waits), 10):
            loop.seconds += database
            await asyncio.sleep(0)
            yield b"x" * (10 * SLICE_BYTES)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(ExportResponse(b"{}\n", lines(), unwatched)({"type": "http"}, reader.stay, reader.take))
    return reader.taken, reader.ended


def test_a_slow_reader_gets_a_long_export() -> None:
    """Half an hour and more, in which others take turns at the other place."""
    assert read(*[AT_LEAST * 0.99] * SLICES) == (SLICES, True)


def test_a_slow_reader_does_not_read_for_ever() -> None:
    taken, ended = read(*[AT_LEAST * 0.99] * 2 * SLICES)
    assert not ended
    assert taken == pytest.approx(MOST_SECONDS / (AT_LEAST * 0.99), abs=10)


def test_who_is_slower_than_that_does_not() -> None:
    taken, ended = read(*[AT_LEAST * 1.5] * SLICES)
    assert not ended
    assert READER_SECONDS / AT_LEAST <= taken < 3 * READER_SECONDS / AT_LEAST


@pytest.mark.parametrize(("pause", "whole"), [(READER_SECONDS * 0.99, True), (READER_SECONDS + 1, False)])
def test_a_pause_may_be_so_long(pause: float, whole: bool) -> None:
    waits = [0.0] * 100
    waits[50] = pause
    assert read(*waits) == ((100, True) if whole else (50, False))


def test_a_pause_is_made_good_by_what_is_taken_then() -> None:
    pauses = [READER_SECONDS * 0.9, *[0.0] * 19] * 5
    assert read(*pauses) == (100, True)
    assert read(*[READER_SECONDS * 0.9] * 10)[1] is False


def test_what_the_database_takes_is_not_counted() -> None:
    assert read(*[0.0] * 100, database=READER_SECONDS * 2) == (100, True)
