"""A connection to Postgres on the event loop, by psycopg2's asynchronous mode, without threads.

In this mode, psycopg2 sends the SQL and leaves it to the caller to wait for the socket
(https://www.psycopg.org/docs/advanced.html#asynchronous-support). It is always in autocommit: several
statements in one text are one implicit transaction, so one round trip is one transaction.
"""

import asyncio
import os
import select
import socket
from collections.abc import Mapping
from typing import Any

import psycopg2
from psycopg2 import extensions

Row = tuple[Any, ...]

JSON = 114
"""The OID of the type `json` (pg_type.h)."""


class ConnectionLost(Exception):
    """The server is gone, or its answer will never be read.

    `sent`: the server may have run the statement. `silent`: it did not answer in time, and may not answer a
    retry either.
    """

    def __init__(self, *, sent: bool, silent: bool = False) -> None:
        self.sent = sent
        self.silent = silent


class StatementFailed(Exception):
    """Postgres rejected the statement and rolled it back.

    It carries the SQLSTATE and the constraint's name, never the message, which would quote what a user wrote.
    """

    def __init__(self, sqlstate: str, constraint: str | None) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate
        self.constraint = constraint


class Connection:
    """Runs one statement at a time. Made by `connect`, on the loop that uses it."""

    def __init__(self, raw: extensions.connection) -> None:
        self._raw = raw
        self._loop = asyncio.get_running_loop()
        # Our own descriptor for the socket. libpq closes its own as soon as the connection is lost, and the
        # next socket may reuse that number, which the event loop must no longer watch by then.
        self._socket = os.dup(raw.fileno())
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._answer: asyncio.Future[None] | None = None
        self._writing = False
        self._ended = False
        self.idle_since = self._loop.time()
        self._clock = 0.0
        self.kept: set[str] | None = set()
        """The names of the prepared plans; None if unknown."""
        # JSON is passed through as the bytes that Postgres made. With a type of our own, psycopg2 would
        # decode it to text first, and we would have to encode it again.
        raw.string_types[JSON] = extensions.BYTES
        self._loop.add_reader(self._socket, self._read)

    @property
    def closed(self) -> bool:
        return self._ended or bool(self._raw.closed)

    def is_alive(self) -> bool:
        """Whether it may be used: if an idle socket is readable, the server has closed the connection.

        Asks the kernel, not the server, so it takes no round trip.
        """
        if self.closed:
            return False
        return not self._readable.poll(0)

    async def run(self, sql: str, parameters: Mapping[str, Any], *, seconds: float) -> list[Row]:
        """Sends `sql` and returns the rows of its last statement.

        Raises ConnectionLost, also if no answer comes within `seconds`, and StatementFailed. Cancelling the
        caller closes the connection, so that the next caller cannot receive its answer.
        """
        sent = False
        self._answer = self._loop.create_future()
        # A plain timer: asyncio.timeout() costs as much as all else that is done here.
        silence = self._loop.call_later(seconds, self._give_up)
        try:
            cursor = self._raw.cursor()
            cursor.execute(sql, parameters)
            sent = True
            self._advance()
            await self._answer
            rows = cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            if self.closed or error.pgcode is None or error.pgcode.startswith(("08", "57P")):
                self.close()
                raise ConnectionLost(sent=sent) from None
            raise StatementFailed(error.pgcode, error.diag.constraint_name) from None
        except TimeoutError:
            self.close()
            raise ConnectionLost(sent=True, silent=True) from None
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None
            silence.cancel()
        self.idle_since = self._loop.time()
        return rows

    async def read_clock(self, seconds: float) -> None:
        """Reads the server's clock, which takes one round trip. Raises as `run` does."""
        [(shown,)] = await self.run("SELECT extract(epoch FROM clock_timestamp())", {}, seconds=seconds)
        self._clock = float(shown) - self._loop.time()

    def server_time(self) -> float:
        """The time of the server's clock, in seconds since 1970; too early by one round trip at most."""
        return self._clock + self._loop.time()

    def close(self) -> None:
        """Closes the connection. Calling it again does nothing."""
        if not self._ended:
            self._ended = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            os.close(self._socket)
            self._raw.close()

    def _give_up(self) -> None:
        """Times out, unless an answer is there: after a process was frozen, timers run before sockets."""
        if self._readable.poll(0):
            self._advance_all()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError())

    def _read(self) -> None:
        """Handles a readable socket. If no statement is running, the server has closed the connection."""
        if self._answer is None or self._answer.done():
            self.close()
        else:
            self._advance_all()

    def _advance_all(self) -> None:
        """Reads all that has arrived.

        uvloop reports a reset only once, and psycopg2 reads once per step: data that came just before a reset
        would look like the beginning of an answer, whose rest would be waited for.
        """
        while self._advance() == extensions.POLL_READ and self._readable.poll(0):
            pass

    def _advance(self) -> int | None:
        """Lets psycopg2 take one step. Returns what it waits for next, or None if it waits for nothing."""
        if self._answer is None or self._answer.done():
            return None
        try:
            state = self._raw.poll()
        except psycopg2.Error as error:
            self._answer.set_exception(error)
            return None
        self._watch(state)
        if state == extensions.POLL_OK:
            self._answer.set_result(None)
        return state

    def _watch(self, state: int) -> None:
        writes = state == extensions.POLL_WRITE
        if writes and not self._writing:
            self._loop.add_writer(self._socket, self._advance)
        elif self._writing and not writes:
            self._loop.remove_writer(self._socket)
        self._writing = writes


async def connect(arguments: Mapping[str, Any], *, seconds: float) -> Connection:
    """Opens a connection with libpq's `arguments`. Raises ConnectionLost if there is none in `seconds`."""
    raw, until = None, asyncio.get_running_loop().time() + seconds
    try:
        async with asyncio.timeout_at(until):
            raw = psycopg2.connect(**await _resolved(arguments), async_=1)
            while (state := raw.poll()) != extensions.POLL_OK:
                await _ready(raw.fileno(), state)
    except (psycopg2.Error, OSError) as error:
        if raw is not None:
            raw.close()
        raise ConnectionLost(sent=False, silent=isinstance(error, TimeoutError)) from None
    except BaseException:
        if raw is not None:
            raw.close()
        raise
    connection = Connection(raw)
    try:
        await connection.read_clock(until - asyncio.get_running_loop().time())
    except ConnectionLost as lost:
        raise ConnectionLost(sent=False, silent=lost.silent) from None
    except BaseException:
        connection.close()
        raise
    return connection


async def _ready(descriptor: int, state: int) -> None:
    """Waits for the socket of a connection that is being opened; libpq may change it between steps."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    writes = state == extensions.POLL_WRITE
    watch, forget = (loop.add_writer, loop.remove_writer) if writes else (loop.add_reader, loop.remove_reader)
    watch(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        forget(descriptor)


async def _resolved(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the host's addresses to the arguments: libpq's own look-up would block the event loop.

    The name stays, for TLS certificates and for Neon's routing by server name.
    """
    host, port = str(arguments.get("host", "")), arguments.get("port", 5432)
    if not host or host.startswith(("/", "@")) or "," in host or "hostaddr" in arguments:
        return dict(arguments)
    found = await asyncio.get_running_loop().getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return {**arguments, "host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}
