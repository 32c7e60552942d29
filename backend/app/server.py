"""The HTTP server: uvicorn, which ends our way."""

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
"""What requests get that are neither turns nor finished when the turns are."""

UNSENT_BYTES = 131_072
"""What a connection takes in before its reader does. The kernel would take megabytes, and say that there is
room again only when more than one of them was read: nobody could tell a slow reader from one who is gone.
"""

YOUNG_OBJECTS = 10_000
"""How many come before the garbage among them is looked for.

With Python's own 700, a thousand replies at once were all looked through every few seconds, because their
tokens are kept, and all readers waited meanwhile.
"""

IDLE_SECONDS = 75
"""How long a connection may wait for its next request: longer than the minute after which proxies leave it.

Who closes first must be who asks: a request that meets a closing connection is lost, and its user sees 502.
"""


class Server(uvicorn.Server):
    """Told to stop, it starts no more turns, lets the running ones end, and closes its sockets then.

    uvicorn by itself would first wait for the requests, and only then tell the application.
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
        """Stops in an orderly way; `run` raises the failure then. May be called from any thread."""
        self._failure = failure
        self.should_exit = True

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run(sockets)
        if self._failure is not None:
            raise self._failure

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if threading.current_thread() is threading.main_thread():  # or the process is somebody else's, too
            # What is there by now stays. To look through it again and again, for what nobody needs any more,
            # took a seventh of the processor, and stopped everything for as long.
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG_OBJECTS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._services.turns.close(self._services.settings.shutdown_grace)
        await super().shutdown(sockets)


def _in_both_families(proxies: Iterable[str]) -> Iterator[str]:
    """The proxies, those of IPv4 also as a listener on `::` sees them: ::ffff:192.0.2.1."""
    for proxy in proxies:
        yield proxy
        if proxy != "*" and isinstance(network := ip_network(proxy), IPv4Network):
            yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def guarded(max_connections: int) -> type[Guarded]:
    """What speaks HTTP on at most so many connections."""
    return type("GuardedProtocol", (Guarded,), {"max_connections": max_connections})


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, and is closed at the end; `::` is all addresses, also of IPv4.

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
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # connections have it from their listener
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        yield listener


def address(host: str, port: int) -> str:
    """How host and port are written together (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
