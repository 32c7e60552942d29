"""A connection through the proxy: what is asked goes one way, what is answered the other, until it breaks."""

import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

Place = Literal["request", "answer"]
"""Where a line is cut."""

Ending = Literal["closed", "reset", "half-closed"]
"""How it ends then. Half-closed, its reader reads the end, and the other way passes until somebody leaves."""


@dataclass(frozen=True)
class Cut:
    """A line breaks behind so many bytes of what is asked, or of what is answered, if there are more."""

    place: Place
    after: int = 0
    ending: Ending = "closed"


@dataclass
class Way:
    """One direction: from who speaks to who listens."""

    source: socket.socket
    sink: socket.socket
    left: int = sys.maxsize
    """How many bytes still pass."""
    cut: bool = False
    """Something was kept back, and so is whatever comes now."""

    def take(self, words: bytes) -> bytes:
        """What of the words still passes."""
        passing = words[: self.left]
        self.left -= len(passing)
        self.cut = len(passing) < len(words)
        return passing

    def end(self) -> None:
        """Lets who listens read the end of the stream. Nothing passes any more."""
        self.left, self.cut = 0, True
        with suppress(OSError):  # it has left
            self.sink.shutdown(socket.SHUT_WR)


class Line:
    """Two ways between two sockets, whose turn it is, and how it ends."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        client.setblocking(False)
        server.setblocking(False)
        self.client = client
        self.server = server
        self.requests = Way(client, server)
        self.answers = Way(server, client)
        self.clients_turn = True
        self.late = False
        """The server's answers wait."""
        self.ending: Ending = "closed"
        self.broken = False
        """It ends because it was cut."""

    def doom(self, cut: Cut) -> None:
        """It breaks there, counted from here."""
        way = self.requests if cut.place == "request" else self.answers
        way.left, self.ending = cut.after, cut.ending

    def close(self) -> None:
        """Leaves both sides, in order or by a reset."""
        for side in (self.client, self.server):
            with side:
                if self.ending == "reset":
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
