"""Ports of this machine that nobody else is given."""

import socket


def reserved() -> socket.socket:
    """A socket with a port, that never listens.

    While it is open, the machine gives its port to nobody; who asks for this very port, with SO_REUSEADDR as
    servers do, can listen there, and go, and come again.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


def port_of(holder: socket.socket) -> int:
    """Its port."""
    return int(holder.getsockname()[1])
