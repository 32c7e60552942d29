"""The outgoing side of a connection: sends heads with their bodies, and drops clients that stop reading."""

import asyncio
from typing import Any

UNTAKEN_SECONDS = 60
"""How long responses wait for a client that reads nothing. Event loops would wait forever, even to close."""

_HEAD = b"HTTP/1.1 "


class Outgoing(asyncio.Transport):
    """Writes to another transport. A head waits for the next write, for one iteration of the loop at most.

    uvicorn writes head and body separately: each would be a packet of its own, which wakes the client.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._look: asyncio.TimerHandle | None = None

    def write(self, data: Any) -> None:
        """Discards data once it is closing: uvicorn stops only the last of several pipelined requests."""
        if self._transport.is_closing():
            self._head = b""
        elif self._head:
            head, self._head = self._head, b""
            # From Python 3.12 on, asyncio's own loop never removes an empty last piece from its buffer.
            self._transport.writelines((head, data) if data else (head,))
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._send)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Closes once everything is sent, or once the client has read nothing for UNTAKEN_SECONDS."""
        self._send()
        self._transport.close()
        self.watch()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def watch(self) -> None:
        """Aborts the connection unless its client keeps reading some of what waits."""
        unsent = self._transport.get_write_buffer_size()
        if unsent and self._look is None:
            self._look = self._loop.call_later(UNTAKEN_SECONDS, self._look_again, unsent)

    def rest(self) -> None:
        """Stops watching the client."""
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_again(self, unsent: int) -> None:
        self._look = None
        if self._transport.get_write_buffer_size() < unsent:
            self.watch()
        else:
            self._transport.abort()

    def _send(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)
