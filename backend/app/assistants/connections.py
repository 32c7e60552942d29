"""Connections to one server, each used by one request at a time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 60.0
"""How long an idle connection is reused: a new one costs two or three round trips."""

MOST_IDLE = 100


class Connections:
    """A pool of HTTP clients that have one connection each.

    The pool of httpx (httpcore 1.0.9) goes through all of its connections, once for each of them and for each
    waiting request: with 500 replies at once, that took longer than a model may be silent.
    """

    def __init__(self, headers: Mapping[str, str], *, encrypted: bool) -> None:
        """Without encryption, proxies are ignored: the server is on this machine or network."""
        self._headers = headers
        self._encrypted = encrypted
        self._tls = httpx.create_ssl_context() if encrypted else False
        self._idle: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lends a client for one request: the one that was used last, or a new one."""
        client = self._idle.pop() if self._idle else self._make()
        try:
            yield client
        finally:
            if len(self._idle) < MOST_IDLE:
                self._idle.append(client)
            else:
                await client.aclose()

    async def close(self) -> None:
        """Closes all clients that are not lent."""
        while self._idle:
            await self._idle.pop().aclose()

    def _make(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
            verify=self._tls,
            trust_env=self._encrypted,
        )
