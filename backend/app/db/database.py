"""The database: a bounded pool of connections that runs statements in somebody's name.

One statement is one transaction and one round trip; who asks travels with it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy.engine import URL

from ..errors import DatabaseBusy, DatabaseUnavailable, NotAuthenticated
from ..spans import is_traced, span
from . import url as urls
from .connection import Connection, ConnectionLost, Row, StatementFailed, connect
from .identity import ENDED, TOO_LATE, Identity, introduction
from .statement import Statement

log = logging.getLogger(__name__)

_COMMIT = Statement("COMMIT", reads=True)
_SERIALIZATION = ("40001", "40P01")
_READ_ONLY = "25006"
_OUT_OF_ORDER = (TOO_LATE, _READ_ONLY, "42501", "42P01", "53", "55P03", "57014", "58")
"""No role or too late, read-only, no right, no table, no resources, lock, time-out, no disk: nobody's bug."""

_NOT_KEPT = ("26000", "42P05", "0A000")
"""No such plan, one already, or one of another shape: a pooler lends our connection to others, or it has
changed under us."""


Result = TypeVar("Result")
Read = Callable[[Statement, Mapping[str, Any]], Awaitable[list[Row]]]


class ConstraintViolated(Exception):
    """The statement would have broken a rule of the tables; nothing of it happened."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Database:
    """Runs statements, each on its own. Belongs to the event loop that uses it first."""

    def __init__(
        self,
        url: URL,
        *,
        pool_size: int = 8,
        pool_timeout: float = 5,
        statement_timeout: float = 5,
        idle_seconds: float = 240,
        keeps_plans: bool = True,
    ) -> None:
        """`pool_timeout`, `statement_timeout` and `idle_seconds` are seconds.

        `keeps_plans` is for connections that are ours alone. Found to be shared, it gives that up by itself.
        """
        self._arguments = {
            "application_name": "chat-history",
            "client_encoding": "utf8",
            **urls.arguments(url),
        }
        self._pool_size = pool_size
        self._pool_timeout = pool_timeout
        self._statement_timeout = statement_timeout
        self._idle_seconds = idle_seconds
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._open = 0
        self.keeps_plans = keeps_plans

    @property
    def connections(self) -> dict[str, int]:
        """How many connections are open and idle, and how many requests wait for one."""
        return {"open": self._open, "idle": len(self._idle), "waiting": len(self._waiting)}

    async def run(self, identity: Identity, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        """Runs `statement` in the name of `identity`, whose fields it may use as parameters, and commits.

        Raises ConstraintViolated, NotAuthenticated, DatabaseBusy and DatabaseUnavailable. What cannot have
        run, or only reads, is sent a second time on a fresh connection before that, unless the server is
        silent: then nobody waits twice, and no idle connection is trusted any more.
        """
        both = (self._introduction(identity, reads=statement.reads), statement)
        named = _named(identity, parameters)
        with _span(statement):
            return await self._twice(lambda: self._run(both, named), reads=statement.reads)

    @asynccontextmanager
    async def snapshot(self, identity: Identity) -> AsyncIterator[Read]:
        """One state of the database for as long as the block takes, whatever others commit meanwhile.

        What it yields runs one statement that reads, in the name of `identity`, and raises as `run` does. It
        holds a connection for the whole time: a block that waits for a slow client must not wait for long.
        """
        connection = await self._twice(lambda: self._begin(identity), reads=True)

        async def read(statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
            try:
                with _span(statement):
                    return await self._send(connection, statement.sql, _named(identity, parameters))
            except ConnectionLost as lost:
                log.error("database.lost", extra={"sent": lost.sent, "silent": lost.silent})
                raise DatabaseUnavailable from None
            except StatementFailed as failed:
                raise _translated(failed) from None

        try:
            yield read
            await read(_COMMIT, {})
        except BaseException:
            connection.close()  # the server ends the transaction, and nobody waits for that
            raise
        finally:
            self._release(connection)

    async def close(self) -> None:
        """Closes what is idle; what is in use closes itself when it comes back."""
        self._pool_size = 0
        self._discard_idle()

    async def _twice(self, attempt: Callable[[], Awaitable[Result]], *, reads: bool) -> Result:
        """Makes an attempt, and if it cannot have changed anything, a second one."""
        last = False
        while True:
            try:
                return await attempt()
            except ConnectionLost as lost:
                if lost.silent:
                    self._discard_idle()
                if last or lost.silent or (lost.sent and not reads):
                    log.error("database.lost", extra={"sent": lost.sent, "silent": lost.silent})
                    raise DatabaseUnavailable(answer_lost=lost.sent and not lost.silent) from None
            except StatementFailed as failed:
                if failed.sqlstate in (_READ_ONLY, TOO_LATE):
                    self._discard_idle()  # of what was the primary before, or of its clock before
                if last or failed.sqlstate not in (*_SERIALIZATION, TOO_LATE):
                    raise _translated(failed) from None
            last = True

    def _introduction(self, identity: Identity, *, reads: bool) -> Statement:
        return introduction(identity, reads=reads, milliseconds=round(self._statement_timeout * 1000))

    async def _run(self, statements: Sequence[Statement], parameters: Mapping[str, Any]) -> list[Row]:
        connection = await self._acquire()
        try:
            if self.keeps_plans:
                try:
                    return await self._send_plans(connection, statements, parameters)
                except StatementFailed as failed:  # and nothing of it happened
                    if failed.sqlstate not in _NOT_KEPT:
                        raise
                    log.warning("database.plans_not_kept", extra={"sqlstate": failed.sqlstate})
                    self.keeps_plans = False
            sql = "; ".join(statement.sql for statement in statements)
            return await self._send(connection, sql, parameters)
        finally:
            self._release(connection)

    async def _send_plans(
        self, connection: Connection, statements: Sequence[Statement], parameters: Mapping[str, Any]
    ) -> list[Row]:
        kept = connection.kept or set()
        texts = [] if connection.kept is not None else ["DEALLOCATE ALL"]
        texts += [statement.on(kept) for statement in statements]
        if new := {each.plan.name for each in statements if each.plan is not None} - kept:
            connection.kept = None  # until the answer is there
        rows = await self._send(connection, "; ".join(texts), parameters)
        connection.kept = kept | new
        return rows

    async def _begin(self, identity: Identity) -> Connection:
        """A connection in a transaction that sees one state and changes nothing."""
        connection = await self._acquire()
        sql = f"BEGIN ISOLATION LEVEL REPEATABLE READ; {self._introduction(identity, reads=True).sql}"
        try:
            await self._send(connection, sql, _named(identity, {}))
        except BaseException:
            connection.close()
            self._release(connection)
            raise
        return connection

    async def _send(self, connection: Connection, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        told = {**parameters, "not_after": connection.server_time() + self._statement_timeout}
        # Postgres' own time-out comes first; this one is for a server that does not answer at all.
        return await connection.run(sql, told, seconds=self._statement_timeout + 0.5)

    async def _acquire(self) -> Connection:
        oldest = asyncio.get_running_loop().time() - self._idle_seconds
        while True:
            while self._idle:
                connection = self._idle.pop()
                if connection.idle_since > oldest and connection.is_alive():
                    return connection
                self._discard(connection)
            if self._open < self._pool_size:
                return await self._connect()
            handed = await self._wait()
            if handed is not None:
                if handed.is_alive():  # uvloop may have told of its end before, and tells only once
                    return handed
                self._discard(handed)

    async def _connect(self) -> Connection:
        self._open += 1
        try:
            return await connect(self._arguments, seconds=self._statement_timeout)
        except BaseException:
            self._open -= 1
            self._hand_on(None)
            raise

    async def _wait(self) -> Connection | None:
        """Waits for a connection that another request gives back, or for room to open one (None)."""
        if self._pool_size == 0:
            raise DatabaseUnavailable
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(place)
        # A timer of its own, as in Connection.run.
        patience = loop.call_later(self._pool_timeout, _give_up, place)
        try:
            return await place
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self._pass_back(place.result())
            if isinstance(error, TimeoutError):
                log.warning("database.busy", extra=self.connections)
                raise DatabaseBusy from None
            raise
        finally:
            patience.cancel()

    def _pass_back(self, connection: Connection | None) -> None:
        """What was handed to a request that had just given up goes to the next one."""
        if connection is None:
            self._hand_on(None)
        else:
            self._release(connection)

    def _release(self, connection: Connection) -> None:
        if connection.closed or self._open > self._pool_size:
            self._discard(connection)
        elif not self._hand_on(connection):
            self._idle.append(connection)

    def _discard_idle(self) -> None:
        while self._idle:
            self._discard(self._idle.pop())

    def _discard(self, connection: Connection) -> None:
        connection.close()
        self._open -= 1
        self._hand_on(None)

    def _hand_on(self, connection: Connection | None) -> bool:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(connection)
                return True
        return False


def _give_up(place: asyncio.Future[Connection | None]) -> None:
    if not place.done():
        place.set_exception(TimeoutError())


def _span(statement: Statement) -> AbstractContextManager[object]:
    if not is_traced():
        return nullcontext()
    return span(statement.name, {"db.system.name": "postgresql", "db.query.text": statement.sql})


def _named(identity: Identity, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a statement, with who asks."""
    return {**parameters, **identity._asdict()}


def _translated(failed: StatementFailed) -> Exception:
    """What a refusal of Postgres means to us; anything unforeseen stays what it is, and is a bug."""
    if failed.constraint is not None and failed.sqlstate.startswith("23"):
        return ConstraintViolated(failed.constraint)
    if failed.sqlstate == ENDED:
        return NotAuthenticated()
    if failed.sqlstate in _SERIALIZATION or failed.sqlstate.startswith(_OUT_OF_ORDER):
        log.error("database.refused", extra={"sqlstate": failed.sqlstate})
        return DatabaseUnavailable()
    return failed
