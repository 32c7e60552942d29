"""A wire between a process and Postgres, frame by frame, that can be held or cut at a named statement."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.engine import URL

READY = b"Z\x00\x00\x00\x05"
"""How the end of every answer of Postgres begins; the state of the transaction is one byte more."""

Statement = Literal["opening", "append", "flush", "end"]
When = Literal["before", "after"]
_NAMES: dict[Statement, re.Pattern[bytes]] = {
    "opening": re.compile(rb"INSERT INTO message \([^)]*lease_until"),
    "append": re.compile(rb"INSERT INTO message "),
    "flush": re.compile(rb"RETURNING message\.stop_requested"),
    "end": re.compile(rb"WITH ended AS"),
}


_PREPARED = re.compile(rb"PREPARE (\w+) AS ((?:(?!; (?:PREPARE|EXECUTE) ).)*)", re.DOTALL)
_EXECUTED = re.compile(rb"EXECUTE (\w+)")


def name(text: bytes) -> Statement | None:
    """Which write of the application a text is."""
    return next((kind for kind, pattern in _NAMES.items() if pattern.search(text)), None)


@dataclass
class Trap:
    """Goes off once: when this statement comes by, or, with `after`, when its answer does, which is after it
    was committed. What `sprung` returns says whether the frames go on; else the connection is cut."""

    statement: Statement
    when: When
    sprung: Callable[[], Awaitable[bool]]


class Wire:
    """Listens on a port of its own, and passes on to the server of `url`."""

    def __init__(self, url: URL) -> None:
        self._address = (url.host or "127.0.0.1", url.port or 5432)
        self._traps: list[Trap] = []
        self._streams: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._down = False
        self._plans: dict[bytes, Statement] = {}
        self.passed: dict[Statement, int] = dict.fromkeys(_NAMES, 0)
        """How many of each statement were passed on."""
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def set(self, trap: Trap) -> None:
        self._traps.append(trap)

    def clear(self) -> None:
        self._traps.clear()

    def cut(self) -> None:
        """Ends all connections at once, in the middle of whatever they do."""
        for stream in self._streams:
            stream.transport.abort()

    def down(self) -> None:
        """The database is away: connections end, and new ones are closed at once."""
        self._down = True
        self.cut()

    def up(self) -> None:
        self._down = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        try:
            above, below = await asyncio.open_connection(*self._address, limit=2**22)
        except OSError:
            writer.transport.abort()
            return
        self._streams |= {writer, below}
        link = _Link(self, above, below, writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(link.queries(reader))
                    tasks.create_task(link.answers())
        except* (OSError, EOFError):
            pass
        finally:
            self._streams -= {writer, below}
            for stream in (writer, below):
                stream.transport.abort()

    def caught(self, query: bytes) -> Trap | None:
        """The trap for a query, which it is taken from; counts what goes by."""
        kind = self._kind(query)
        if kind is None:
            return None
        trap = next((trap for trap in self._traps if trap.statement == kind), None)
        if trap is not None:
            self._traps.remove(trap)
        self.passed[kind] += 1
        return trap

    def _kind(self, query: bytes) -> Statement | None:
        """Which write a query is, also by the name of a plan that a connection prepared before."""
        for plan, text in _PREPARED.findall(query):
            if kind := name(text):
                self._plans[plan] = kind
        plans = (self._plans.get(plan) for plan in _EXECUTED.findall(query))
        return name(query) or next(filter(None, plans), None)


class _Link:
    """One connection through the wire."""

    def __init__(
        self,
        wire: Wire,
        above: asyncio.StreamReader,
        below: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        self._wire = wire
        self._above = above
        self._below = below
        self._client = client
        self._holding: Trap | None = None

    async def queries(self, reader: asyncio.StreamReader) -> None:
        """Client to server. The first frame has no type: it begins with its length."""
        first = await reader.readexactly(4)
        await self._send(first + await reader.readexactly(int.from_bytes(first) - 4))
        while True:
            head = await reader.readexactly(5)
            frame = head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
            trap = self._wire.caught(frame) if head[:1] == b"Q" else None
            if trap is not None and trap.when == "before" and not await trap.sprung():
                raise EOFError
            if trap is not None and trap.when == "after":
                self._holding = trap
            await self._send(frame)

    async def answers(self) -> None:
        """Server to client; an answer that a trap waits for is held until it is whole."""
        held = b""
        while True:
            data = await self._above.read(2**16)
            if not data:
                raise EOFError
            held += data
            if self._holding is not None:
                if held[-6:-1] != READY:
                    continue
                trap, self._holding = self._holding, None
                if not await trap.sprung():
                    raise EOFError
            self._client.write(held)
            await self._client.drain()
            held = b""

    async def _send(self, frame: bytes) -> None:
        self._below.write(frame)
        await self._below.drain()
