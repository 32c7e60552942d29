"""Plans that connections keep: prepared once, used again, given up where a connection is not ours alone."""

import asyncio
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from app.db import url as urls
from app.db.database import ConstraintViolated, Database
from app.db.identity import NOBODY, ROLE
from app.db.statement import Statement, statement
from app.main import create_app
from database_for_tests import run
from proxy import Proxy
from support import Postgres, Service, User, settings

ECHO = statement(["SELECT %(number)s::int"], reads=True, often=True)
TWO = statement(
    [
        "INSERT INTO probe (number) VALUES (%(number)s), (%(number)s + 1)",
        "SELECT sum(number)::int, %(text)s FROM probe",
    ],
    reads=False,
    often=True,
)
INSERT = statement(
    ["INSERT INTO probe (number) VALUES (%(number)s) RETURNING number"], reads=False, often=True
)
FORGET = Statement("DEALLOCATE ALL", reads=False)


def said(proxy: Proxy, what: bytes) -> int:
    count = bytes(proxy.said).count(what)
    proxy.forget()
    return count


async def ask(database: Database, what: Statement, **given: Any) -> Any:
    [row] = await database.run(NOBODY, what, given)
    return row[0] if len(row) == 1 else row


def test_a_connection_prepares_a_statement_once(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        for number in range(5):
            assert await ask(database, ECHO, number=number) == number
            assert await ask(database, TWO, number=number, text="it's 100%") == (probed(probe), "it's 100%")

    run(proxy, work)
    assert said(proxy, b"PREPARE chat_history_") == 2 + 1 + 2  # who asks, to read and to write; one, and two
    assert probed(probe) == 25


def probed(probe: Postgres) -> int:
    return int(probe.value("SELECT sum(number)::int FROM probe"))


def test_every_connection_prepares_its_own(proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        for _ in range(3):
            assert await asyncio.gather(*(ask(database, ECHO, number=number) for number in range(8))) == [
                *range(8)
            ]

    run(proxy, work, pool_size=4)
    assert bytes(proxy.said).count(b"SELECT $1::int") == proxy.accepted


def test_what_was_refused_when_it_was_new_is_prepared_again(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(ConstraintViolated):
            await ask(database, INSERT, number=-1)
        assert await ask(database, INSERT, number=1) == 1
        assert said(proxy, b"DEALLOCATE ALL") == 1
        with pytest.raises(ConstraintViolated):
            await ask(database, INSERT, number=-1)
        assert await ask(database, INSERT, number=2) == 2
        assert b"PREPARE" not in proxy.said
        assert said(proxy, b"DEALLOCATE") == 0

    run(proxy, work, pool_size=1)
    assert probe.rows("SELECT number FROM probe ORDER BY number") == [(1,), (2,)]


def test_a_connection_that_others_use_too_gets_texts_from_then_on(proxy: Proxy, probe: Postgres) -> None:
    """As behind a pooler: another server's connection answers, which has not what this one prepared."""

    async def work(database: Database) -> None:
        assert await ask(database, INSERT, number=1) == 1
        await database.run(NOBODY, FORGET, {})
        proxy.forget()
        assert await ask(database, INSERT, number=2) == 2
        assert said(proxy, b"EXECUTE") > 0
        assert await ask(database, INSERT, number=3) == 3
        assert said(proxy, b"EXECUTE") == 0

    run(proxy, work)
    assert probe.rows("SELECT number FROM probe ORDER BY number") == [(1,), (2,), (3,)]


def test_a_plan_that_is_there_already_is_no_obstacle(proxy: Proxy, probe: Postgres) -> None:
    """As behind a pooler: another client's connection was this one, and has prepared the same."""

    async def work(database: Database) -> None:
        assert INSERT.plan is not None
        await database.run(NOBODY, Statement(INSERT.plan.prepare, reads=False), {})
        assert await ask(database, INSERT, number=1) == 1

    run(proxy, work)
    assert probe.rows("SELECT number FROM probe") == [(1,)]


def test_a_migration_may_change_what_a_plan_answers(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        assert await ask(database, INSERT, number=1) == 1
        assert await ask(database, INSERT, number=2) == 2
        probe.rows("ALTER TABLE probe ALTER number TYPE bigint")
        assert await ask(database, INSERT, number=3) == 3

    run(proxy, work)
    assert probe.rows("SELECT number FROM probe ORDER BY number") == [(1,), (2,), (3,)]


def test_behind_neons_pooler_no_plan_is_kept(postgres: Postgres) -> None:
    def keeps(address: str) -> bool:
        app = create_app(settings(postgres, database_url=address))
        return bool(app.state.services.database.keeps_plans)

    assert not keeps("postgres://u:p@ep-cool-1-pooler.eu.neon.tech/chat?sslmode=require")
    assert keeps("postgres://u:p@ep-cool-1.eu.neon.tech/chat?sslmode=require")


def test_a_plan_shows_each_user_what_is_theirs(alice: User, bob: User, service: Service) -> None:
    """Who asks is looked at when a plan runs, not when it is made."""
    theirs = {user.id: user.conversation() for user in (alice, bob)}
    with closing(psycopg2.connect(**urls.arguments(service.postgres.url))) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SET ROLE {ROLE}; SET plan_cache_mode = force_generic_plan")
        cursor.execute("PREPARE all_of_them AS SELECT id FROM conversation")
        for user_id in [*theirs, *theirs]:
            cursor.execute("SELECT set_config('app.user_id', %s, false)", [str(user_id)])
            cursor.execute("EXECUTE all_of_them")
            assert cursor.fetchall() == [(theirs[user_id],)]
