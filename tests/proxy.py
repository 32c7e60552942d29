"""A TCP proxy in front of a server: it counts what passes, and breaks the line in the ways that lines break.

It runs in a thread of its own: its methods may be called from any thread, and beside any event loop.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import uvloop
from sqlalchemy.engine import URL

from line import Cut, Ending, Line, Place, Way
from reserved import port_of, reserved
from support import Postgres

Answer = TypeVar("Answer")

SMALL = 4_096
"""Bytes: with so small a buffer to send to, a large message leaves its sender in many pieces."""

PIECES = 20
"""Pieces a second in which what is throttled passes."""


class Proxy:
    """Forwards connections to one server, and counts. Made by `before`."""

    def __init__(self, server: URL) -> None:
        self._server = (server.host or "127.0.0.1", server.port or 5432)
        self._loop = uvloop.new_event_loop()
        self._reserved = reserved()
        self._listener = _listening(port_of(self._reserved))
        self._accepting: asyncio.Task[None] | None = None
        self._lines: dict[asyncio.Task[None], Line] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._heard = threading.Event()
        self._sprung = threading.Event()
        self._held = threading.Event()
        self._held_port = 0
        self._trap: _Trap | None = None
        self._cuts: Iterator[Cut] = iter(())
        self._rate: int | None = None
        self._released = asyncio.Event()
        self.url = server.set(host="127.0.0.1", port=port_of(self._reserved))
        self.said = bytearray()
        """What clients said."""
        self.answered = 0
        """How many bytes of answers were passed on."""
        self.round_trips = 0
        """How often a client said something, for the first time or after the server had."""
        self.accepted = 0
        """How many connections were taken."""
        self.peak = 0
        """How many connections there were at most."""
        self.broken = 0
        """How many were cut, by `trap` or `cut_each`, where more was to pass."""

    @property
    def text(self) -> str:
        """The address through this proxy."""
        return self.url.render_as_string(hide_password=False)

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._lines)

    def forget(self) -> None:
        """Counts from zero again."""
        self.round_trips = self.accepted = self.broken = 0
        self.peak = self.connections
        self.said.clear()
        self._heard.clear()

    def hears(self, seconds: float) -> bool:
        """Waits until a client says something, at most so long; returns whether one did."""
        return self._heard.wait(seconds)

    def trap(self, marker: bytes, place: Place, *, after: int = 0, ending: Ending = "closed") -> None:
        """Cuts, once, the connection that says `marker`: the server never hears it, or does it unheard.

        `after` so many bytes more of what is asked, or so many of the answer.
        """
        self._sprung.clear()
        self._trap = _Trap(marker, Cut(place, after, ending), place)

    def cut_each(self, cuts: Iterable[Cut]) -> None:
        """Cuts each connection that is made from now on where the next of these says, until there is none."""
        self._cuts = iter(cuts)

    def throttle(self, rate: int | None) -> None:
        """Passes on so many bytes a second in each way of each connection; None: all that comes."""
        self._rate = rate

    def springs(self, seconds: float) -> bool:
        """Waits until the trap has cut its connection, at most so long; returns whether it did."""
        return self._sprung.wait(seconds)

    def delay(self, marker: bytes) -> None:
        """Keeps back, once, what the server answers to the connection that says `marker`, until `release`."""
        self._released.clear()
        self._trap = _Trap(marker, None, "answer")

    def hold(self, marker: bytes) -> None:
        """Keeps back, once, what the connection says that says `marker`, until `release`.

        It comes then though the client has left: as packets do that were lost, and sent again.
        """
        self._held.clear()
        self._released.clear()
        self._trap = _Trap(marker, None, "request")

    def held(self) -> int:
        """Waits until something is kept back; returns the port by which the server knows who says it."""
        self._held.wait()
        return self._held_port

    def release(self) -> None:
        """Passes on what was kept back."""
        self._loop.call_soon_threadsafe(self._released.set)

    def cut(self, ending: Ending = "closed") -> int:
        """Ends all connections. Returns how many there were.

        Half-closed, clients read the end, and what they say still passes until they leave.
        """
        return self._do(self._cut(ending))

    def refuse(self) -> None:
        """Ends all connections and refuses new ones."""
        self._do(self._close())

    def accept(self) -> None:
        """Takes connections again, on the same port."""
        self._do(self._open())

    def freeze(self) -> None:
        """Takes whatever comes, connections too, and passes nothing on."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def thaw(self) -> None:
        """Passes on what comes, and what came meanwhile."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def run(self) -> None:
        """The life of the proxy's thread."""
        self._loop.run_until_complete(self._open())
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())
        self._loop.close()
        self._reserved.close()

    def stop(self) -> None:
        """Ends `run`."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        if self._accepting is None:
            if self._listener.fileno() < 0:
                self._listener = _listening(port_of(self._reserved))
            self._accepting = asyncio.create_task(self._accept())

    async def _close(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait({self._accepting})
            self._accepting = None
            self._listener.close()
        await self._cut("closed")

    async def _cut(self, ending: Ending) -> int:
        lines = dict(self._lines)
        for task, line in lines.items():
            line.ending = ending
            if ending == "half-closed":
                line.answers.end()
            else:
                task.cancel()
        if lines and ending != "half-closed":
            await asyncio.wait(lines)
        return len(lines)

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            line = Line(client, socket.socket())
            if cut := next(self._cuts, None):
                line.doom(cut)
            task = asyncio.create_task(self._serve(line))
            self._lines[task] = line
            task.add_done_callback(partial(self._left, line))
            self.accepted += 1
            self.peak = max(self.peak, self.connections)

    def _left(self, line: Line, task: asyncio.Task[None]) -> None:
        """Also if the connection was cut before its task began."""
        del self._lines[task]
        line.close()
        if line.broken:
            self._sprung.set()

    async def _serve(self, line: Line) -> None:
        with suppress(OSError):
            await self._loop.sock_connect(line.server, self._server)
            await self._forward(line)

    async def _forward(self, line: Line) -> None:
        """Both ways, until either side leaves."""
        ways = [asyncio.create_task(self._requests(line)), asyncio.create_task(self._answers(line))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests(self, line: Line) -> None:
        said = b""
        while words := await self._read(line.client):
            self.said += words
            # Into which pieces a request is cut, is chance: a marker may be in two of them.
            said = (b"" if line.clients_turn else said[-SMALL:]) + words
            self.round_trips += line.clients_turn
            line.clients_turn = False
            self._heard.set()
            if self._trap is not None and self._trap.marker in said:
                trap, self._trap = self._trap, None
                if trap.cut is not None:
                    line.doom(trap.cut)
                elif trap.place == "answer":
                    line.late = True
                else:
                    self._held_port = line.server.getsockname()[1]
                    self._held.set()
                    await self._released.wait()
            await self._pass(line, line.requests, words)
            if line.broken:
                return

    async def _answers(self, line: Line) -> None:
        while words := await self._read(line.server):
            if line.late:
                await self._released.wait()
            line.clients_turn = True
            await self._pass(line, line.answers, words)
            if line.broken:
                return
            self.answered += len(words)

    async def _read(self, source: socket.socket) -> bytes:
        size = SMALL if self._rate is None else max(1, self._rate // PIECES)
        words = await self._loop.sock_recv(source, min(size, SMALL))
        if self._rate is not None:
            await asyncio.sleep(len(words) / self._rate)
        return words

    async def _pass(self, line: Line, way: Way, words: bytes) -> None:
        await self._flowing.wait()
        was_cut = way.cut
        if passing := way.take(words):
            await self._loop.sock_sendall(way.sink, passing)
        if was_cut or not way.cut:
            return
        self.broken += 1
        line.broken = line.ending != "half-closed"
        if not line.broken:
            way.end()
            self._sprung.set()


@dataclass(frozen=True)
class _Trap:
    """What happens to the connection that says something: it is cut, or what it says or hears is late."""

    marker: bytes
    cut: Cut | None
    place: Place


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)  # connections inherit it
    listener.setblocking(False)
    listener.bind(("127.0.0.1", port))
    listener.listen(200)
    return listener


@contextmanager
def before(server: URL) -> Iterator[Proxy]:
    """A proxy in front of whatever listens there: a database, or a service."""
    proxy = Proxy(server)
    thread = threading.Thread(target=proxy.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()


def proxied(postgres: Postgres) -> AbstractContextManager[Proxy]:
    """A proxy in front of a database."""
    return before(postgres.url)
