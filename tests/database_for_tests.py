"""A database whose statements can be counted, delayed and made to fail, and statements to ask it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

from app.db import url as urls
from app.db.database import Database
from app.db.identity import NOBODY, ROLE
from app.db.statement import Statement
from proxy import Proxy
from support import Postgres

ECHO = Statement("SELECT %(number)s::int", reads=True)
SLEEP = Statement("SELECT %(number)s::int FROM pg_sleep(%(seconds)s)", reads=True)
INSERT = Statement("INSERT INTO probe (number) VALUES (%(number)s) RETURNING number", reads=False)
FAIL = Statement("SELECT fail(%(times)s, %(sqlstate)s)", reads=False)

PROBE = f"""
CREATE TABLE probe (number int NOT NULL, CONSTRAINT ck_probe_number CHECK (number >= 0));
CREATE SEQUENCE tries;
CREATE FUNCTION fail(times int, code text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE tried bigint := nextval('tries');  -- what a sequence gave is not undone
BEGIN
    IF tried <= times THEN RAISE EXCEPTION 'on purpose' USING ERRCODE = code; END IF;
    RETURN tried;
END $$;
GRANT ALL ON probe, tries TO {ROLE};
"""
"""A table whose rows are counted, and a function that fails a number of times before it succeeds."""


def run(proxy: Proxy, work: Callable[[Database], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Runs `work` with a database behind the proxy, which has patience unless `options` say otherwise."""

    async def whole() -> None:
        database = Database(proxy.url, **{"pool_timeout": 60, "statement_timeout": 60, **options})
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(whole())


async def echo(database: Database, number: int) -> int:
    """Reads the number."""
    return int((await database.run(NOBODY, ECHO, {"number": number}))[0][0])


async def sleep(database: Database, number: int, seconds: float) -> int:
    """Reads the number, which takes so long."""
    return int((await database.run(NOBODY, SLEEP, {"number": number, "seconds": seconds}))[0][0])


async def insert(database: Database, number: int) -> int:
    """Stores the number."""
    return int((await database.run(NOBODY, INSERT, {"number": number}))[0][0])


@contextmanager
def locked(postgres: Postgres, table: str) -> Iterator[None]:
    """Lets everybody else who touches the table wait."""
    with closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection:
        connection.cursor().execute(f'LOCK TABLE "{table}"')
        yield


@contextmanager
def held(postgres: Postgres, user_id: int) -> Iterator[None]:
    """Lets everybody else who changes the account wait, and nobody who reads it."""
    with closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection:
        connection.cursor().execute('SELECT FROM "user" WHERE id = %s FOR UPDATE', [user_id])
        yield


@contextmanager
def pausing(postgres: Postgres) -> Iterator[None]:
    """Lets each statement wait that has just found the account in whose name it runs."""
    whole = str(postgres.value("SELECT pg_get_functiondef('require_account'::regproc)"))
    with closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection:
        connection.cursor().execute("SELECT pg_advisory_lock(1)")
        postgres.rows(whole.replace("END IF;", "END IF; PERFORM pg_advisory_xact_lock_shared(1);"))
        try:
            yield
        finally:
            postgres.rows(whole)


@contextmanager
def refusing(
    postgres: Postgres, what: str, sqlstate: str, constraint: str = "", *, times: int = 1_000
) -> Iterator[Callable[[], int]]:
    """Lets Postgres refuse `what`, as in `INSERT ON message`, so many times; yields how often it tried."""
    table = what.rpartition(" ")[2]
    postgres.rows(
        f"""
        CREATE SEQUENCE tried;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            IF nextval('tried') <= {times} THEN
                RAISE EXCEPTION USING ERRCODE = '{sqlstate}', CONSTRAINT = '{constraint}';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE {what} FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    try:
        yield lambda: int(postgres.value("SELECT last_value FROM tried"))
    finally:
        postgres.rows(f"DROP TRIGGER refuse ON {table}; DROP FUNCTION refuse; DROP SEQUENCE tried")


def sessions(postgres: Postgres, state: str = "%") -> int:
    """How many sessions of the product Postgres has, in a state such as `active`."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'chat-history' AND state LIKE %s"
    )
    return int(postgres.value(sql, state))


def waiting_for_locks(postgres: Postgres) -> int:
    """How many sessions wait for one that another holds."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(postgres.value(sql))


def terminate(postgres: Postgres) -> int:
    """Lets Postgres end all sessions of the product, and returns how many there were."""
    sql = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'chat-history'"
    )
    return int(postgres.value(sql))


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what Postgres or the proxy is about to do."""
    done = await asyncio.to_thread(condition)
    while not done:
        await asyncio.sleep(0.005)
        done = await asyncio.to_thread(condition)
