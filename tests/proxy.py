"""A TCP proxy in front of Postgres: it counts what passes, and breaks the line in the ways that lines break.

It runs in a thread of its own: its methods may be called from any thread, and beside any event loop.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from sqlalchemy.engine import URL

from app.db import url as urls
from support import Postgres

Answer = TypeVar("Answer")
Place = Literal["statement", "answer"]
"""Where a line is cut."""

SMALL = 4_096
"""Bytes: with so small a buffer to send to, a large message leaves its sender in many pieces."""


class Proxy:
    """Forwards connections to one server, and counts. Made by `proxied`."""

    def __init__(self, server: URL) -> None:
        arguments = urls.arguments(server)
        self._server = (str(arguments["host"]), int(arguments.get("port", 5432)))
        self._loop = asyncio.new_event_loop()
        self._listener = _listening(0)
        self._accepting: asyncio.Task[None] | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._heard = threading.Event()
        self._trap: tuple[bytes, Place | Literal["late"]] | None = None
        self._released = asyncio.Event()
        self.url = server.set(host="127.0.0.1", port=self._listener.getsockname()[1])
        self.said = bytearray()
        """What clients said."""
        self.round_trips = 0
        """How often a client said something, for the first time or after the server had."""
        self.accepted = 0
        """How many connections were taken."""
        self.peak = 0
        """How many connections there were at most."""

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
        self.round_trips = self.accepted = 0
        self.peak = self.connections
        self.said.clear()
        self._heard.clear()

    def hears(self, seconds: float) -> bool:
        """Waits until a client says something, at most so long; returns whether one did."""
        return self._heard.wait(seconds)

    def trap(self, marker: bytes, place: Place) -> None:
        """Cuts, once, the connection that says `marker`: the server never sees it, or runs it unheard."""
        self._trap = (marker, place)

    def delay(self, marker: bytes) -> None:
        """Keeps back, once, what the server answers to the connection that says `marker`, until `release`."""
        self._released.clear()
        self._trap = (marker, "late")

    def release(self) -> None:
        """Passes on what was kept back."""
        self._loop.call_soon_threadsafe(self._released.set)

    def cut(self, *, reset: bool = False) -> int:
        """Ends all connections, orderly or by a reset. Returns how many there were."""
        return self._do(self._cut(reset))

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

    def stop(self) -> None:
        """Ends `run`."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        if self._accepting is None:
            if self._listener.fileno() < 0:
                self._listener = _listening(self.url.port or 0)
            self._accepting = asyncio.create_task(self._accept())

    async def _close(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait({self._accepting})
            self._accepting = None
            self._listener.close()
        await self._cut(reset=False)

    async def _cut(self, reset: bool) -> int:
        lines = set(self._lines)
        for line in lines:
            line.cancel("reset" if reset else "cut")
        if lines:
            await asyncio.wait(lines)
        return len(lines)

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            line = asyncio.create_task(self._serve(client))
            self._lines.add(line)
            line.add_done_callback(self._lines.discard)
            line.add_done_callback(partial(_close, client))
            self.accepted += 1
            self.peak = max(self.peak, self.connections)

    async def _serve(self, client: socket.socket) -> None:
        with client, socket.socket() as server:
            client.setblocking(False)
            server.setblocking(False)
            try:
                with suppress(OSError):
                    await self._loop.sock_connect(server, self._server)
                    await self._forward(_Line(client, server))
            except asyncio.CancelledError as cut:
                if "reset" in cut.args:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _forward(self, line: "_Line") -> None:
        """Both ways, until either side leaves."""
        ways = [asyncio.create_task(self._statements(line)), asyncio.create_task(self._answers(line))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _statements(self, line: "_Line") -> None:
        said = b""
        while words := await self._loop.sock_recv(line.client, SMALL):
            self.said += words
            # Into which pieces a statement is cut, is chance: a marker may be in two of them.
            said = (b"" if line.clients_turn else said[-SMALL:]) + words
            self.round_trips += line.clients_turn
            line.clients_turn = False
            self._heard.set()
            if self._trap is not None and self._trap[0] in said:
                place, self._trap = self._trap[1], None
                if place == "statement":
                    return
                line.unheard = place == "answer"
                line.late = place == "late"
            await self._flowing.wait()
            await self._loop.sock_sendall(line.server, words)

    async def _answers(self, line: "_Line") -> None:
        while words := await self._loop.sock_recv(line.server, SMALL):
            if line.unheard:
                return
            if line.late:
                await self._released.wait()
            line.clients_turn = True
            await self._flowing.wait()
            await self._loop.sock_sendall(line.client, words)


@dataclass
class _Line:
    """One connection: two sockets, and whose turn it is."""

    client: socket.socket
    server: socket.socket
    clients_turn: bool = True
    unheard: bool = False
    """The server's next answer is the end."""
    late: bool = False
    """The server's answers wait."""


def _close(client: socket.socket, _: asyncio.Task[None]) -> None:
    """Also if the connection was cut before its task began."""
    client.close()


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)  # connections inherit it
    listener.setblocking(False)
    listener.bind(("127.0.0.1", port))
    listener.listen(200)
    return listener


@contextmanager
def proxied(postgres: Postgres) -> Iterator[Proxy]:
    """A proxy in front of a database."""
    proxy = Proxy(postgres.url)
    thread = threading.Thread(target=proxy.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
