"""The HTTP server: uvicorn, with its own order of shutting down."""

import errno
import gc
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network

import uvicorn
from fastapi import FastAPI

from .api.deps import Services
from .errors import SetupError
from .protocol import Guarded

LAST_ANSWERS_SECONDS = 5
"""How long other requests may still run after the turns have ended."""

UNSENT_BYTES = 131_072
"""How much a connection buffers in the kernel before it is sent.

The kernel would buffer megabytes, and report room again only after more than one of them was read: a slow
client could not be told from one that is gone.
"""

YOUNG_OBJECTS = 10_000
"""How many objects are created before garbage is collected among them.

With Python's default of 700, the tokens of a thousand simultaneous replies were all scanned every few
seconds, because they are kept, and all readers waited meanwhile.
"""

IDLE_SECONDS = 75
"""How long a connection may wait for its next request: longer than the minute after which proxies close it.

The client must close first: a request on a connection that the server closes is lost, and its user sees 502.
"""


class Server(uvicorn.Server):
    """Starts no more turns when it is told to stop, lets the running ones end, and then closes its sockets.

    uvicorn itself would first wait for the requests, and only then notify the application.
    """

    def __init__(self, app: FastAPI) -> None:
        services: Services = app.state.services
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                http=guarded(services.settings.max_connections),
                ws="none",
                forwarded_allow_ips=[*_in_both_families(services.settings.forwarded_allow_ips)],
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
            )
        )
        self._services = services
        self._failure: SetupError | None = None

    def give_up(self, failure: SetupError) -> None:
        """Shuts down in order; `run` then raises the failure. May be called from any thread."""
        self._failure = failure
        self.should_exit = True

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run(sockets)
        if self._failure is not None:
            raise self._failure

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if threading.current_thread() is threading.main_thread():  # else other code uses the process, too
            # Objects that exist by now stay. Scanning them again and again for garbage took a seventh of the
            # processor, and stopped everything for as long.
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG_OBJECTS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._services.turns.close(self._services.settings.shutdown_grace)
        await super().shutdown(sockets)


def _in_both_families(proxies: Iterable[str]) -> Iterator[str]:
    """Yields the proxies, and those of IPv4 also as a listener on `::` sees them: ::ffff:192.0.2.1."""
    for proxy in proxies:
        yield proxy
        if proxy != "*" and isinstance(network := ip_network(proxy), IPv4Network):
            yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def guarded(max_connections: int) -> type[Guarded]:
    """Returns a protocol class that allows at most so many connections."""
    return type("GuardedProtocol", (Guarded,), {"max_connections": max_connections})


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yields a listening socket and closes it at the end; `::` means all addresses, including IPv4.

    Raises SetupError, which names HOST or PORT.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.getaddrinfo(host, port, family)
        both = host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (socket.gaierror, UnicodeError):
        raise SetupError(f"HOST: {host} is no address. Choose another with --host.") from None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.EADDRNOTAVAIL:
            raise SetupError(
                f"HOST: {host} is not this machine's ({why}). Choose another with --host."
            ) from None
        raise SetupError(
            f"PORT: cannot listen on {address(host, port)} ({why}). Choose another with --port."
        ) from None
    with listener:
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # connections inherit it from their listener
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        yield listener


def address(host: str, port: int) -> str:
    """Returns host and port as a URL has them (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
