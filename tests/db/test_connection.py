"""One connection: what it sends, what it brings back, and what it says when it cannot."""

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app.db import url as urls
from app.db.connection import Connection, ConnectionLost, StatementFailed, _resolved, connect
from app.db.database import ConstraintViolated, Database
from app.db.identity import NOBODY, Identity
from app.db.statement import Statement
from app.errors import DatabaseUnavailable
from database_for_tests import INSERT, run, terminate, until
from proxy import Proxy
from support import Postgres

SECRET = "what a user wrote"


def connected(proxy: Proxy, work: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
    """Runs `work` with a connection through the proxy."""

    async def whole() -> None:
        arguments = {**urls.arguments(proxy.url), "application_name": "chat-history"}
        connection = await connect(arguments, seconds=60)
        try:
            await work(connection)
        finally:
            connection.close()

    asyncio.run(whole())


def test_json_is_the_bytes_that_postgres_made(proxy: Proxy) -> None:
    async def work(connection: Connection) -> None:
        sql = """SELECT '{"b" :  [1.0]}'::json, json_build_object('a', 'ü'), NULL::json, '{"b": 1}'::jsonb"""
        rows = await connection.run(sql, {}, seconds=60)
        assert rows == [(b'{"b" :  [1.0]}', '{"a" : "ü"}'.encode(), None, {"b": 1})]

    connected(proxy, work)


@pytest.mark.parametrize("size", [1_000, 1_048_576, 5_000_000])
def test_large_values_pass_in_pieces(size: int, proxy: Proxy) -> None:
    """The proxy takes 4 kB at a time, so that a large statement does not fit into the socket at once."""
    text = "ö€x" * (size // 6)

    async def work(connection: Connection) -> None:
        for _ in range(3):
            [(back, length)] = await connection.run(
                "SELECT %(text)s, octet_length(%(text)s)", {"text": text}, seconds=60
            )
            assert (back, length) == (text, len(text.encode()))
        assert await connection.run("SELECT 1", {}, seconds=60) == [(1,)]

    connected(proxy, work)
    assert proxy.accepted == 1


def test_the_rows_are_those_of_the_last_statement(proxy: Proxy) -> None:
    async def work(connection: Connection) -> None:
        assert await connection.run("SELECT 1; SELECT 2 UNION SELECT 3 ORDER BY 1", {}, seconds=60) == [
            (2,),
            (3,),
        ]
        assert await connection.run("SELECT 1; DELETE FROM probe", {}, seconds=60) == []

    connected(proxy, work)


def test_several_statements_are_one_transaction(proxy: Proxy, probe: Postgres) -> None:
    async def work(connection: Connection) -> None:
        with pytest.raises(StatementFailed) as failed:
            await connection.run("INSERT INTO probe VALUES (1); SELECT 1 / 0", {}, seconds=60)
        assert (failed.value.sqlstate, failed.value.constraint) == ("22012", None)
        assert connection.is_alive()
        await connection.run("INSERT INTO probe VALUES (2); SELECT 1", {}, seconds=60)

    connected(proxy, work)
    assert probe.rows("SELECT number FROM probe") == [(2,)]


def test_a_connection_knows_when_the_server_has_left(proxy: Proxy, probe: Postgres) -> None:
    async def work(connection: Connection) -> None:
        assert connection.is_alive()
        terminate(probe)
        await until(lambda: proxy.connections == 0)
        assert not connection.is_alive()
        with pytest.raises(ConnectionLost) as lost:
            await connection.run("SELECT 1", {}, seconds=60)
        assert (lost.value.sent, lost.value.silent) == (False, False)

    connected(proxy, work)


def test_who_gives_up_leaves_a_closed_connection(proxy: Proxy) -> None:
    async def work(connection: Connection) -> None:
        asked = asyncio.create_task(connection.run("SELECT pg_sleep(60)", {}, seconds=60))
        await until(lambda: b"pg_sleep" in proxy.said)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert connection.closed
        assert not connection.is_alive()

    connected(proxy, work)


def test_who_gives_up_while_a_connection_is_made_leaves_none(proxy: Proxy) -> None:
    kept: list[object] = []  # the frames too: what is open in them is not closed by chance

    async def whole() -> None:
        looking_up = asyncio.create_task(connect(urls.arguments(proxy.url), seconds=60))
        await asyncio.sleep(0)
        looking_up.cancel()
        proxy.freeze()
        greeting = asyncio.create_task(connect(urls.arguments(proxy.url), seconds=60))
        await until(lambda: proxy.hears(60))
        greeting.cancel()
        for task in (looking_up, greeting):
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            kept.append(cancelled)
        proxy.thaw()
        await until(lambda: proxy.connections == 0)

    asyncio.run(whole())
    assert proxy.accepted in (1, 2)  # uvloop knows the address of a number at once


def test_no_answer_in_time_is_a_lost_connection(proxy: Proxy) -> None:
    async def work(connection: Connection) -> None:
        with pytest.raises(ConnectionLost) as lost:
            await connection.run("SELECT pg_sleep(60)", {}, seconds=0.05)
        assert (lost.value.sent, lost.value.silent, connection.closed) == (True, True, True)

    connected(proxy, work)


def test_a_connection_that_cannot_be_made_is_lost_before_anything_was_sent(proxy: Proxy) -> None:
    async def attempt(seconds: float = 60, **changes: object) -> tuple[bool, bool]:
        with pytest.raises(ConnectionLost) as lost:
            await connect({**urls.arguments(proxy.url), **changes}, seconds=seconds)
        assert "secret" not in "".join(traceback.format_exception(lost.value))
        return lost.value.sent, lost.value.silent

    assert asyncio.run(attempt(password="a secret that is wrong")) == (False, False)
    assert asyncio.run(attempt(host="no-such-host.invalid")) == (False, False)
    assert asyncio.run(attempt(dbname="no_such_database")) == (False, False)
    proxy.freeze()
    assert asyncio.run(attempt(seconds=0.2)) == (False, True)
    proxy.refuse()
    assert asyncio.run(attempt()) == (False, False)


def test_a_host_name_is_looked_up_without_losing_it_for_tls() -> None:
    """libpq compares the certificate with `host`, and sends it as the server's name, and calls `hostaddr`."""

    def resolved(**arguments: object) -> dict[str, Any]:
        return asyncio.run(_resolved(arguments))

    by_name = resolved(host="localhost", port=5432, sslmode="verify-full")
    addresses = by_name["hostaddr"].split(",")
    assert "127.0.0.1" in addresses
    assert by_name["host"].split(",") == ["localhost"] * len(addresses)
    assert by_name["sslmode"] == "verify-full"
    assert resolved(host="::1", port=5432) == {"host": "::1", "port": 5432, "hostaddr": "::1"}
    for untouched in (
        {"host": "/var/run/postgresql"},
        {"host": "@abstract"},
        {"dbname": "without a host"},
        {"host": "one.example,two.example"},
        {"host": "name.example", "hostaddr": "127.0.0.1"},
    ):
        assert resolved(**untouched) == untouched


def test_a_host_of_several_addresses_is_tried_until_one_answers(proxy: Proxy) -> None:
    async def whole() -> None:
        arguments = {**urls.arguments(proxy.url), "host": "none,here", "hostaddr": "127.0.0.2,127.0.0.1"}
        connection = await connect(arguments, seconds=60)
        assert await connection.run("SELECT 1", {}, seconds=60) == [(1,)]
        connection.close()

    asyncio.run(whole())


def test_a_broken_rule_of_the_tables_is_known_by_its_name(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(ConstraintViolated) as violated:
            await database.run(NOBODY, INSERT, {"number": -1})
        assert violated.value.constraint == "ck_probe_number"
        stranger = Statement("INSERT INTO todo (user_id, title) VALUES (%(user_id)s, 'x')", reads=False)
        with pytest.raises(ConstraintViolated) as violated:
            await database.run(Identity(user_id=10**15), stranger, {})
        assert violated.value.constraint == "fk_todo_user_id_user"

    run(proxy, work)
    assert probe.value("SELECT count(*) FROM probe") == 0


REFUSED = {
    "a constraint": (ConstraintViolated, "INSERT INTO probe SELECT -1 WHERE %(text)s <> ''"),
    "a value": (StatementFailed, "SELECT %(text)s::int"),
    "a word": (StatementFailed, "SELECT %(text)s mistake here"),
    "a right": (DatabaseUnavailable, "CREATE TABLE more AS SELECT %(text)s"),
    "the time": (DatabaseUnavailable, "SELECT %(text)s, pg_sleep(60)"),
    "a raise": (StatementFailed, "SELECT fail(99, 'P0001'), %(text)s"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_no_error_repeats_what_a_user_wrote(
    reason: str, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    error, sql = REFUSED[reason]

    async def work(database: Database) -> None:
        with pytest.raises(error) as raised:
            await database.run(NOBODY, Statement(sql, reads=False), {"text": SECRET})
        told = str(raised.value) + repr(raised.value) + "".join(traceback.format_exception(raised.value))
        logged = "".join(str(vars(record)) for record in caplog.records)
        assert SECRET not in told + logged

    run(proxy, work, statement_timeout=1 if reason == "the time" else 60)
    assert SECRET.encode() in proxy.said


@pytest.mark.parametrize("sql", ["INSERT INTO probe VALUES (1) RETURNING 1", "SELECT nextval('tries')"])
def test_a_read_that_would_write_is_refused(sql: str, proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            await database.run(NOBODY, Statement(sql, reads=True), {})
        assert probe.value("SELECT (SELECT count(*) FROM probe) + is_called::int FROM tries") == 0
        assert await database.run(NOBODY, Statement(sql, reads=False), {}) == [(1,)]

    run(proxy, work)


def test_nothing_of_a_request_stays_on_its_connection(proxy: Proxy) -> None:
    """Identity, role and read-only mode end with the statement: a pooler gives the connection to others."""
    who = Statement(
        "SELECT current_user::text, nullif(current_setting('app.user_id', true), ''),"
        " current_setting('transaction_read_only')",
        reads=True,
    )

    async def work(database: Database) -> None:
        assert await database.run(Identity(user_id=7), who, {}) == [("chat_history_app", "7", "on")]
        assert await database.run(NOBODY, who, {}) == [("chat_history_app", None, "on")]
        bare = await connect(urls.arguments(proxy.url), seconds=60)
        login = proxy.url.username
        assert await bare.run(who.sql, {}, seconds=60) == [(login, None, "off")]
        told = "SELECT set_config('role', 'chat_history_app', true), set_config('app.user_id', '7', true); "
        assert await bare.run(told + who.sql, {}, seconds=60) == [("chat_history_app", "7", "off")]
        assert await bare.run(who.sql, {}, seconds=60) == [(login, None, "off")]
        bare.close()

    run(proxy, work)
