"""The way out of a connection: heads leave with their bodies, and who takes nothing for long is left."""

import asyncio
from typing import Any

UNTAKEN_SECONDS = 60
"""How long answers wait for a reader who takes nothing of them: loops would wait for ever, also to close."""

_HEAD = b"HTTP/1.1 "


class Outgoing(asyncio.Transport):
    """Writes to another transport. A head waits for what is written next, for a turn of the loop at most.

    uvicorn writes one after the other, and each would be a packet by itself, which wakes its reader.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._look: asyncio.TimerHandle | None = None

    def write(self, data: Any) -> None:
        """Nothing, once it is closing: uvicorn tells only the last of a pipeline that nobody reads."""
        if self._transport.is_closing():
            self._head = b""
        elif self._head:
            head, self._head = self._head, b""
            # asyncio's own loop never gets rid of a last piece that is empty, from Python 3.12 on.
            self._transport.writelines((head, data) if data else (head,))
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._send)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Closes when all is taken, or nothing is for long."""
        self._send()
        self._transport.close()
        self.watch()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def watch(self) -> None:
        """Ends the connection unless its reader takes some of what waits, again and again."""
        unsent = self._transport.get_write_buffer_size()
        if unsent and self._look is None:
            self._look = self._loop.call_later(UNTAKEN_SECONDS, self._look_again, unsent)

    def rest(self) -> None:
        """Nothing waits any more."""
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
