"""Runs statements on a bounded pool of connections, each in the name of an identity.

One statement is one transaction and one round trip; the identity travels with it.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy.engine import URL

from ..errors import DatabaseUnavailable, NotAuthenticated
from ..spans import is_traced, span
from . import url as urls
from .connection import Connection, ConnectionLost, Row, StatementFailed
from .identity import ENDED, TOO_LATE, Identity, introduction
from .pool import Pool
from .statement import Statement

log = logging.getLogger(__name__)

_COMMIT = Statement("COMMIT", reads=True)
_SERIALIZATION = ("40001", "40P01")
_READ_ONLY = "25006"
_OUT_OF_ORDER = (TOO_LATE, _READ_ONLY, "42501", "42P01", "53", "55P03", "57014", "58")
"""Not bugs: no role or too late, read-only, no privilege, no table, no resources, lock, timeout, no disk."""

_NOT_KEPT = ("26000", "42P05", "0A000")
"""A plan is missing, exists, or does not match: a pooler shares connections, or the schema changed."""


Result = TypeVar("Result")
Read = Callable[[Statement, Mapping[str, Any]], Awaitable[list[Row]]]


class ConstraintViolated(Exception):
    """The statement violates a constraint and was rolled back."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Database:
    """Runs statements, each in its own transaction. Belongs to the event loop that uses it first."""

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
        """`pool_timeout`, `statement_timeout` and `idle_seconds` are in seconds.

        `keeps_plans` requires connections that no pooler shares. If they turn out to be shared, it is
        switched off.
        """
        arguments = {
            "application_name": "chat-history",
            "client_encoding": "utf8",
            **urls.arguments(url),
        }
        self._pool = Pool(
            arguments,
            size=pool_size,
            wait_seconds=pool_timeout,
            connect_seconds=statement_timeout,
            idle_seconds=idle_seconds,
        )
        self._statement_timeout = statement_timeout
        self.keeps_plans = keeps_plans

    @property
    def connections(self) -> dict[str, int]:
        """How many connections are open and idle, and how many requests wait for one."""
        return self._pool.connections

    async def run(self, identity: Identity, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        """Runs `statement` in the name of `identity`, whose fields it may use as parameters, and commits.

        Raises ConstraintViolated, NotAuthenticated, DatabaseBusy and DatabaseUnavailable. A statement that
        cannot have run, or only reads, is retried once before that, unless the server is silent: then there
        is no second wait, and all idle connections are closed.
        """
        both = (self._introduction(identity, reads=statement.reads), statement)
        named = _named(identity, parameters)
        with _span(statement):
            return await self._twice(lambda: self._run(both, named), reads=statement.reads)

    @asynccontextmanager
    async def snapshot(self, identity: Identity) -> AsyncIterator[Read]:
        """Yields a function that reads from one snapshot of the database, whatever others commit meanwhile.

        The function runs one statement that reads, in the name of `identity`, and raises as `run` does. The
        block holds a connection to its end, so it must limit how long it waits for a slow client.
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
            connection.close()  # the server ends the transaction, and we need not wait for that
            raise
        finally:
            self._pool.release(connection)

    async def close(self) -> None:
        """Closes idle connections now, and those in use when they are released."""
        self._pool.close()

    async def _twice(self, attempt: Callable[[], Awaitable[Result]], *, reads: bool) -> Result:
        """Makes an attempt, and a second one if the first failed and cannot have changed anything."""
        last = False
        while True:
            try:
                return await attempt()
            except ConnectionLost as lost:
                if lost.silent:
                    self._pool.discard_idle()
                if last or lost.silent or (lost.sent and not reads):
                    log.error("database.lost", extra={"sent": lost.sent, "silent": lost.silent})
                    raise DatabaseUnavailable(answer_lost=lost.sent and not lost.silent) from None
            except StatementFailed as failed:
                if failed.sqlstate in (_READ_ONLY, TOO_LATE):
                    self._pool.discard_idle()  # to a former primary, or with a wrong clock
                if last or failed.sqlstate not in (*_SERIALIZATION, TOO_LATE):
                    raise _translated(failed) from None
            last = True

    def _introduction(self, identity: Identity, *, reads: bool) -> Statement:
        return introduction(identity, reads=reads, milliseconds=round(self._statement_timeout * 1000))

    async def _run(self, statements: Sequence[Statement], parameters: Mapping[str, Any]) -> list[Row]:
        connection = await self._pool.acquire()
        try:
            if self.keeps_plans:
                try:
                    return await self._send_plans(connection, statements, parameters)
                except StatementFailed as failed:  # it was rolled back
                    if failed.sqlstate not in _NOT_KEPT:
                        raise
                    log.warning("database.plans_not_kept", extra={"sqlstate": failed.sqlstate})
                    self.keeps_plans = False
            sql = "; ".join(statement.sql for statement in statements)
            return await self._send(connection, sql, parameters)
        finally:
            self._pool.release(connection)

    async def _send_plans(
        self, connection: Connection, statements: Sequence[Statement], parameters: Mapping[str, Any]
    ) -> list[Row]:
        kept = connection.kept or set()
        texts = [] if connection.kept is not None else ["DEALLOCATE ALL"]
        texts += [statement.on(kept) for statement in statements]
        if new := {each.plan.name for each in statements if each.plan is not None} - kept:
            connection.kept = None  # until the answer arrives
        rows = await self._send(connection, "; ".join(texts), parameters)
        connection.kept = kept | new
        return rows

    async def _begin(self, identity: Identity) -> Connection:
        """Acquires a connection and begins a read-only transaction on one snapshot."""
        connection = await self._pool.acquire()
        sql = f"BEGIN ISOLATION LEVEL REPEATABLE READ; {self._introduction(identity, reads=True).sql}"
        try:
            await self._send(connection, sql, _named(identity, {}))
        except BaseException:
            connection.close()
            self._pool.release(connection)
            raise
        return connection

    async def _send(self, connection: Connection, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        told = {**parameters, "not_after": connection.server_time() + self._statement_timeout}
        # Postgres' own timeout comes first; this one is for a server that does not answer at all.
        return await connection.run(sql, told, seconds=self._statement_timeout + 0.5)


def _span(statement: Statement) -> AbstractContextManager[object]:
    if not is_traced():
        return nullcontext()
    return span(statement.name, {"db.system.name": "postgresql", "db.query.text": statement.sql})


def _named(identity: Identity, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a statement, with the fields of the identity."""
    return {**parameters, **identity._asdict()}


def _translated(failed: StatementFailed) -> Exception:
    """The error to raise for a failed statement; an unforeseen failure is a bug and returned as it is."""
    if failed.constraint is not None and failed.sqlstate.startswith("23"):
        return ConstraintViolated(failed.constraint)
    if failed.sqlstate == ENDED:
        return NotAuthenticated()
    if failed.sqlstate in _SERIALIZATION or failed.sqlstate.startswith(_OUT_OF_ORDER):
        log.error("database.refused", extra={"sqlstate": failed.sqlstate})
        return DatabaseUnavailable()
    return failed
