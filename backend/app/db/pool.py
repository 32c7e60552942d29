"""A bounded pool of connections, and the requests that wait for one."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from ..errors import DatabaseBusy, DatabaseUnavailable
from .connection import Connection, connect

log = logging.getLogger(__name__)

LEAST_SECONDS = 0.5
"""The least time to open a connection, for a request that has waited for most of its time."""


class Pool:
    """Opens up to `size` connections and lends each to one request at a time."""

    def __init__(
        self,
        arguments: Mapping[str, Any],
        *,
        size: int,
        wait_seconds: float,
        connect_seconds: float,
        idle_seconds: float,
    ) -> None:
        """`arguments` are those of `connect`. A connection that was idle for `idle_seconds` is replaced."""
        self._arguments = arguments
        self._size = size
        self._wait_seconds = wait_seconds
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._open = 0

    @property
    def connections(self) -> dict[str, int]:
        """How many connections are open and idle, and how many requests wait for one."""
        return {"open": self._open, "idle": len(self._idle), "waiting": len(self._waiting)}

    async def acquire(self) -> Connection:
        """Returns a connection that is alive, which the caller must `release`.

        Waits at most `wait_seconds`, or LEAST_SECONDS longer, until one is released or opened. Raises
        DatabaseBusy if none was released, ConnectionLost if none could be opened, and StatementFailed.
        """
        now = asyncio.get_running_loop().time()
        oldest, deadline = now - self._idle_seconds, now + self._wait_seconds
        while True:
            while self._idle:
                connection = self._idle.pop()
                if connection.idle_since > oldest and connection.is_alive():
                    return connection
                self._discard(connection)
            if self._open < self._size:
                return await self._connect(deadline)
            handed = await self._wait(deadline)
            if handed is not None:
                if handed.is_alive():  # uvloop may have reported its end before, and reports it only once
                    return handed
                self._discard(handed)

    def release(self, connection: Connection) -> None:
        """Lends the connection to the next request, or keeps it idle. A closed one is dropped."""
        if connection.closed or self._open > self._size:
            self._discard(connection)
        elif not self._hand_on(connection):
            self._idle.append(connection)

    def discard_idle(self) -> None:
        """Closes the idle connections."""
        while self._idle:
            self._discard(self._idle.pop())

    def close(self) -> None:
        """Closes idle connections now, and those in use when they are released."""
        self._size = 0
        self.discard_idle()

    async def _connect(self, deadline: float) -> Connection:
        self._open += 1
        # Avoids two full waits for a silent database: one for a released connection, one for a new one.
        left = max(deadline - asyncio.get_running_loop().time(), LEAST_SECONDS)
        try:
            return await connect(self._arguments, seconds=min(left, self._connect_seconds))
        except BaseException:
            self._open -= 1
            self._hand_on(None)
            raise

    async def _wait(self, deadline: float) -> Connection | None:
        """Waits for a connection that another request releases, or for room to open one (None)."""
        if self._size == 0:
            raise DatabaseUnavailable
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(place)
        # A plain timer, as in Connection.run.
        patience = loop.call_at(deadline, _give_up, place)
        try:
            return await place
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self._pass_back(place.result())
            if isinstance(error, TimeoutError):
                log.warning("database.busy", extra=self.connections)
                raise DatabaseBusy from None
            raise
        finally:
            patience.cancel()

    def _pass_back(self, connection: Connection | None) -> None:
        """Passes on to the next request what another one received just as it gave up."""
        if connection is None:
            self._hand_on(None)
        else:
            self.release(connection)

    def _discard(self, connection: Connection) -> None:
        connection.close()
        self._open -= 1
        self._hand_on(None)

    def _hand_on(self, connection: Connection | None) -> bool:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(connection)
                return True
        return False


def _give_up(place: asyncio.Future[Connection | None]) -> None:
    if not place.done():
        place.set_exception(TimeoutError())
