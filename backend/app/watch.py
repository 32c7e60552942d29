"""Ends streams and other long reads when the reader's account is deleted or its tokens are revoked."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .logs import described
from .models.caller import Caller
from .repositories.users import UserRepository

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.4
"""The time between two checks: one statement for all readers of a process, and none without readers.

A reading that began more recently was checked by the statement that opened it.
"""


class Reading:
    """Something that is read over a longer time. `over` is true once the caller may not read any more."""

    def __init__(self, caller: Caller, wake: Callable[[], object]) -> None:
        self.caller = caller
        self.over = False
        self.since = time.monotonic()
        self._wake = wake

    def end(self) -> None:
        """Ends the reading, and wakes the reader, which may be waiting for something else."""
        self.over = True
        self._wake()


class Watch:
    """Checks, as long as there are readers, whose tokens were revoked, by whatever process."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users
        self._readings: set[Reading] = set()
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def reading(self, caller: Caller, wake: Callable[[], object]) -> Iterator[Reading]:
        """Watches the caller during the block, and calls `wake` when the reading is over."""
        reading = Reading(caller, wake)
        self._readings.add(reading)
        if self._looking is None:
            # Without the context of a request, because it checks for all readers.
            self._looking = asyncio.create_task(self._look(), context=contextvars.Context())
        try:
            yield reading
        finally:
            self._readings.discard(reading)

    async def _look(self) -> None:
        try:
            await asyncio.sleep(LOOK_SECONDS)
            while self._readings:
                await self._end_some()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._looking = None

    async def _end_some(self) -> None:
        before = time.monotonic() - LOOK_SECONDS
        callers = {reading.caller for reading in self._readings if reading.since <= before}
        if not callers:
            return
        try:
            ended = await self._users.ended(list(callers))
        except Exception as error:  # noqa: BLE001  # the next check may succeed; raising would end all checks
            log.warning("watch.failed", extra=described(error))
            return
        for reading in [reading for reading in self._readings if reading.caller in ended]:
            reading.end()
