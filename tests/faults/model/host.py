"""The service that is compared with the model, and what it must not keep between steps."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from fastapi import FastAPI

from app.api.deps import Services
from faults.covered import Covered
from faults.model.wire import Client
from reserved import port_of, reserved
from support import Postgres, served
from transport import Transport

PATIENCE = 10
"""Seconds after which what was to end has not. What is behind an answer may take a moment more."""


class Unsettled(BaseException):
    """Something stays that must not.

    It is no Exception, because Hypothesis would try the same steps again, on a service that is broken by now.
    """


class Host:
    """Runs one application after the other on the same database. Clients find the one that runs."""

    def __init__(self, make: Callable[[], FastAPI], postgres: Postgres, covered: Covered) -> None:
        self._make = make
        self._postgres = postgres
        self._covered = covered
        self._reserved = reserved()
        self._wire = Transport()
        self._running = ExitStack()

    @contextmanager
    def run(self) -> Iterator[None]:
        """From the first application to the end of the last one."""
        with self._reserved, closing(self._wire), self._running:
            self._start()
            yield

    def restart(self) -> None:
        """Ends the application in order, and starts another one, which knows only what is stored."""
        self._wire.close()
        self._running.close()
        self._start()

    def client(self, token: str | None = None) -> Client:
        """A client whose requests count as covered."""
        return Client(f"http://127.0.0.1:{port_of(self._reserved)}", self._wire, token, self._covered)

    def settle(self) -> None:
        """Raises Unsettled if a connection to the database stays in use, or a reply goes on."""
        self._await(lambda: self._in_use() or self._services.turns.running, "connections or replies in use")

    def check_rows(self) -> None:
        """Raises Unsettled if a stored reply stays unfinished."""
        self._await(self._streaming, "replies stay unfinished")

    def _start(self) -> None:
        app = self._make()
        self._services: Services = app.state.services
        self._running.enter_context(served(app, self._postgres, port=port_of(self._reserved)))
        self._database = self._running.enter_context(self._postgres.connected())

    def _in_use(self) -> int:
        pools = (self._services.database, self._services.exports, self._services.erasures)
        states = [pool.connections for pool in pools]
        return sum(state["open"] - state["idle"] + state["waiting"] for state in states)

    def _streaming(self) -> int:
        return int(self._database.value("SELECT count(*) FROM message WHERE status = 'streaming'"))

    def _await(self, count: Callable[[], int], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while left := count():
            if time.monotonic() > deadline:
                raise Unsettled(f"{left} {what}")
            time.sleep(0.002)
