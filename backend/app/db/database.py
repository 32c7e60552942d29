"""The database: a bounded pool of connections that runs statements in somebody's name.

One statement is one transaction and one round trip. Who asks travels with it: before each statement, in the
same message, Postgres is told to become the application's role and whose rows it may touch, until the
transaction ends. Row-level security does the rest, behind any pooler, with a single connection string.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import URL

from ..errors import DatabaseBusy, DatabaseUnavailable
from . import url as urls
from .connection import Connection, ConnectionLost, Row, StatementFailed, connect
from .statement import Statement

log = logging.getLogger(__name__)

ROLE = "chat_history_app"
"""Owns nothing and bypasses nothing. The first migration makes it."""

_SERIALIZATION = ("40001", "40P01")
_OUT_OF_ORDER = ("22023", "25006", "42501", "42P01", "53", "55P03", "57014", "58")
"""No role, read-only, no right, no table, no resources, a lock or a time-out, no disk: nobody's bug here."""


@dataclass(frozen=True, slots=True)
class Identity:
    """In whose name a statement runs: at most one of a user, an e-mail address, an issuer's subject."""

    user_id: int | None = None
    email: str | None = None
    issuer: str | None = None
    subject: str | None = None


NOBODY = Identity()


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
        pool_size: int = 16,
        pool_timeout: float = 5,
        statement_timeout: float = 5,
        idle_seconds: float = 240,
    ) -> None:
        """`pool_timeout`, `statement_timeout` and `idle_seconds` are seconds."""
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
        # Every statement finds few rows in the order of an index. The planner takes conversation and user for
        # independent, expects one row, and would as soon read all of a conversation, or of the table, first.
        self._preamble = (
            f"SELECT set_config('role', '{ROLE}', true), set_config('TimeZone', 'UTC', true), "
            f"set_config('statement_timeout', '{round(statement_timeout * 1000)}', true), "
            "set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true)"
        )

    @property
    def connections(self) -> dict[str, int]:
        """How many connections are open and idle, and how many requests wait for one."""
        return {"open": self._open, "idle": len(self._idle), "waiting": len(self._waiting)}

    async def run(self, identity: Identity, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        """Runs `statement` in the name of `identity`, whose fields it may use as parameters, and commits.

        Raises ConstraintViolated, DatabaseBusy and DatabaseUnavailable. What cannot have run, or only reads,
        is sent a second time on a fresh connection before that, unless the server is silent: then nobody
        waits twice, and no idle connection is trusted any more.
        """
        sql = self._introduction(identity, statement) + statement.sql
        parameters = {
            **parameters,
            "user_id": identity.user_id,
            "email": identity.email,
            "issuer": identity.issuer,
            "subject": identity.subject,
        }
        for last in (False, True):
            try:
                return await self._run(sql, parameters)
            except ConnectionLost as lost:
                if lost.silent:
                    self._discard_idle()
                if last or lost.silent or (lost.sent and not statement.reads):
                    log.error("database.lost", extra={"sent": lost.sent})
                    raise DatabaseUnavailable(answer_lost=lost.sent and not lost.silent) from None
            except StatementFailed as failed:
                if last or failed.sqlstate not in _SERIALIZATION:
                    raise _translated(failed) from None
        raise AssertionError  # pragma: no cover: the second try returns or raises

    async def close(self) -> None:
        """Closes what is idle; what is in use closes itself when it comes back."""
        self._pool_size = 0
        self._discard_idle()

    def _introduction(self, identity: Identity, statement: Statement) -> str:
        said = [self._preamble]
        if identity.user_id is not None:
            said.append("set_config('app.user_id', %(user_id)s::text, true)")
        if identity.email is not None:
            said.append("set_config('app.email', %(email)s, true)")
        if identity.subject is not None:
            said.append(
                "set_config('app.issuer', %(issuer)s, true), set_config('app.subject', %(subject)s, true)"
            )
        if statement.reads:
            said.append("set_config('transaction_read_only', 'on', true)")
        return ", ".join(said) + "; "

    async def _run(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        connection = await self._acquire()
        try:
            # Postgres' own time-out comes first; this one is for a server that does not answer at all.
            return await connection.run(sql, parameters, seconds=self._statement_timeout + 1)
        finally:
            self._release(connection)

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
                return handed

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
        place: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._pool_timeout):
                return await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._pass_back(place.result())
            elif place in self._waiting:
                self._waiting.remove(place)
            if isinstance(error, TimeoutError):
                log.warning("database.busy", extra=self.connections)
                raise DatabaseBusy from None
            raise

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


def _translated(failed: StatementFailed) -> Exception:
    """What a refusal of Postgres means to us; anything unforeseen stays what it is, and is a bug."""
    if failed.constraint is not None and failed.sqlstate.startswith("23"):
        return ConstraintViolated(failed.constraint)
    if failed.sqlstate in _SERIALIZATION or failed.sqlstate.startswith(_OUT_OF_ORDER):
        log.error("database.refused", extra={"sqlstate": failed.sqlstate})
        return DatabaseUnavailable()
    return failed
