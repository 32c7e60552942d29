"""The pool, and what it does when the line to Postgres breaks, in every place where lines break."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from typing import Any, Literal, get_args

import pytest

from app.db.connection import Connection, Row
from app.db.database import Database
from app.db.identity import NOBODY
from app.db.statement import Statement
from app.errors import DatabaseBusy, DatabaseUnavailable
from database_for_tests import (
    FAIL,
    echo,
    insert,
    locked,
    run,
    sessions,
    sleep,
    terminate,
    until,
    waiting_for_locks,
)
from line import Ending, Place
from proxy import Proxy, proxied
from support import Postgres, Service, until as wait_until

Serve = Callable[..., AbstractContextManager[Service]]


def test_the_pool_is_never_larger_than_its_size(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        numbers = await asyncio.gather(*(sleep(database, number, 0.002) for number in range(100)))
        assert numbers == list(range(100))
        await until(lambda: sessions(probe) == 3)  # those of an earlier test may be leaving
        assert database.connections == {"open": 3, "idle": 3, "waiting": 0}

    run(proxy, work, pool_size=3)
    print(f"100 requests at once: {proxy.peak} connections at most, {proxy.accepted} in all")
    assert (proxy.peak, proxy.accepted) == (3, 3)


def test_who_waits_too_long_is_told_so_and_nobody_else_notices(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        with locked(probe, "probe"):
            holders = [asyncio.create_task(insert(database, number)) for number in range(2)]
            await until(lambda: sessions(probe, "active") == 2)
            late = await asyncio.gather(*(echo(database, 1) for _ in range(10)), return_exceptions=True)
            assert [type(answer) for answer in late] == [DatabaseBusy] * 10
            assert database.connections == {"open": 2, "idle": 0, "waiting": 0}
        assert await asyncio.gather(*holders) == [0, 1]
        for number in range(10):  # as many at once as there are connections: nobody waits for one
            assert await asyncio.gather(*(echo(database, number) for _ in range(2))) == [number] * 2
        assert database.connections == {"open": 2, "idle": 2, "waiting": 0}

    run(proxy, work, pool_size=2, pool_timeout=0.1)


def test_a_busy_database_is_503_with_retry_after(serve_with: Serve, postgres: Postgres) -> None:
    with (
        serve_with(database_pool_size=1, database_pool_timeout=0.2) as service,
        service.user("alice@example.com").client as client,
        ThreadPoolExecutor(1) as executor,
    ):
        with locked(postgres, "conversation"):
            waiting = executor.submit(client.get, "/api/conversations")
            while waiting_for_locks(postgres) == 0:
                time.sleep(0.005)
            refused = client.get("/api/todos")
        assert (refused.status_code, refused.json()["code"]) == (503, "database_busy")
        assert refused.headers["Retry-After"] == "1"
        assert waiting.result().status_code == 200
        assert client.get("/api/todos").status_code == 200


def test_an_absent_database_is_503_with_retry_after(serve_with: Serve, postgres: Postgres) -> None:
    with (
        proxied(postgres) as proxy,
        serve_with(database_url=proxy.text) as service,
        service.user("alice@example.com").client as client,
    ):
        for _ in range(3):
            proxy.refuse()
            for answer in (client.get("/api/conversations"), client.post("/api/chat/start")):
                assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
                assert answer.headers["Retry-After"] == "1"
            assert client.get("/healthz").status_code == 200
            proxy.accept()
            assert client.post("/api/chat/start").status_code == 201
        assert len(client.get("/api/conversations").json()["items"]) == 3


def test_a_server_that_only_reads_now_is_left_for_the_one_that_writes(
    serve_with: Serve, postgres: Postgres
) -> None:
    """As after a fail-over: sessions of before stay where they were, new ones find the new primary."""
    elsewhere, name = Postgres(postgres.url.set(database="postgres")), postgres.url.database
    with serve_with() as service, service.user("alice@example.com").client as client:
        elsewhere.rows(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            terminate(postgres)
            assert client.get("/api/todos").status_code == 200  # its session only reads, for good
        finally:
            elsewhere.rows(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        refused = client.post("/api/todos", json={"title": "milk"})
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert refused.headers["Retry-After"] == "1"
        assert client.post("/api/todos", json={"title": "milk"}).status_code == 201
        assert len(client.get("/api/todos").json()["items"]) == 1


@pytest.mark.parametrize("ending", ["terminated", *get_args(Ending)])
def test_connections_that_ended_while_idle_cost_no_request(
    ending: Ending | Literal["terminated"], proxy: Proxy, probe: Postgres
) -> None:
    rounds = 10

    async def end() -> None:
        if ending == "terminated":
            terminate(probe)
            await until(lambda: proxy.connections == 0)
        else:
            proxy.cut(ending)

    async def work(database: Database) -> None:
        for start in range(0, rounds * 10, 10):
            numbers = range(start, start + 4)
            assert await asyncio.gather(*(sleep(database, number, 0.01) for number in numbers)) == [*numbers]
            await end()
            assert await asyncio.gather(*(insert(database, number) for number in numbers)) == [*numbers]
            await end()
        assert await echo(database, 1) == 1

    run(proxy, work, pool_size=4)
    assert probe.value("SELECT count(*) FROM probe") == rounds * 4
    assert proxy.accepted > rounds * 4
    print(f"{ending}: 0 failures of {rounds * 8} requests after {rounds * 2} cuts")


@pytest.mark.parametrize("place", get_args(Place))
def test_a_read_that_loses_its_connection_is_sent_again(place: Place, proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        assert await echo(database, 1) == 1
        for number in range(70_000, 70_010):
            proxy.trap(str(number).encode(), place)
            assert await echo(database, number) == number
            assert proxy.said.count(str(number).encode()) == 2
        assert proxy.accepted == 11

    run(proxy, work)


def test_a_read_that_postgres_ends_is_sent_again(proxy: Proxy, probe: Postgres) -> None:
    count = Statement("SELECT count(*) FROM probe", reads=True)

    async def work(database: Database) -> None:
        with locked(probe, "probe"):  # until it was ended, and is sent again
            asked = asyncio.create_task(database.run(NOBODY, count, {}))
            await until(lambda: waiting_for_locks(probe) == 1)
            assert terminate(probe) == 1
        assert await asked == [(0,)]

    run(proxy, work)
    assert proxy.said.count(b"FROM probe") == 2


def test_a_read_whose_session_ends_with_its_transaction_is_sent_again(proxy: Proxy, probe: Postgres) -> None:
    """Whatever class its code is of: `transaction_timeout` has that of a transaction's state."""
    if probe.value("SHOW server_version_num") < "170000":
        pytest.skip("only PostgreSQL 17 and later have transaction_timeout")
    name = probe.url.database

    async def work(database: Database) -> None:
        probe.rows(f"ALTER DATABASE {name} SET transaction_timeout = 300")
        try:
            assert await echo(database, 1) == 1
        finally:
            probe.rows(f"ALTER DATABASE {name} RESET transaction_timeout")
        assert await sleep(database, 70_000, 0.5) == 70_000

    run(proxy, work)
    assert proxy.accepted == 2


def test_many_reads_that_lose_their_connections_at_once_all_succeed(proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        for start in range(0, 200, 10):
            numbers = range(start, start + 10)
            asked = asyncio.gather(*(sleep(database, number, 0.02) for number in numbers))
            await until(lambda: proxy.connections >= 4)
            proxy.cut("closed" if start % 20 else "reset")
            assert await asked == [*numbers]
        assert database.connections["waiting"] == 0

    run(proxy, work, pool_size=8)
    print(f"0 failures of 200 reads after 20 cuts of all connections, {proxy.accepted} connections made")
    assert proxy.accepted > 80


@pytest.mark.parametrize("ending", get_args(Ending))
@pytest.mark.parametrize("after", [0, 1, 300, 5_000, 20_000, 50_000])
def test_a_line_cut_in_the_middle_of_an_answer_is_seen_at_once(
    after: int, ending: Ending, proxy: Proxy
) -> None:
    """Also where both are there before anybody looks, and uvloop, which tells of a reset only once."""
    large = Statement("SELECT %(number)s, repeat('x', 60000)", reads=True)

    async def work(database: Database) -> None:
        assert await echo(database, 1) == 1
        for number in range(70_000, 70_005):
            proxy.trap(str(number).encode(), "answer", after=after, ending=ending)
            asked = asyncio.create_task(database.run(NOBODY, large, {"number": number}))
            await asyncio.sleep(0)  # the statement is sent
            assert proxy.springs(10)  # and all that comes of it is there before anybody looks
            assert await asked == [(number, "x" * 60_000)]  # of a silent line it would not be asked again

    run(proxy, work)
    assert proxy.peak <= 1 + (ending == "half-closed")  # which is there until its client has left, too


@pytest.mark.parametrize("ending", get_args(Ending))
def test_a_line_cut_in_the_middle_of_a_statement_is_seen_at_once(ending: Ending, proxy: Proxy) -> None:
    long = Statement("SELECT %(number)s, octet_length(%(text)s)", reads=True)

    async def work(database: Database) -> None:
        assert await echo(database, 1) == 1
        for number in range(70_000, 70_005):
            proxy.trap(str(number).encode(), "request", ending=ending)
            fields = {"number": number, "text": "x" * 5_000_000}
            assert await database.run(NOBODY, long, fields) == [(number, 5_000_000)]

    run(proxy, work)
    assert proxy.accepted == 6


def test_a_slow_line_carries_everything(proxy: Proxy) -> None:
    large = Statement("SELECT octet_length(%(text)s), repeat('x', 10000)", reads=True)

    async def work(database: Database) -> None:
        assert await echo(database, 1) == 1
        proxy.throttle(50_000)
        began = time.monotonic()
        assert await database.run(NOBODY, large, {"text": "x" * 10_000}) == [(10_000, "x" * 10_000)]
        assert time.monotonic() - began > 0.4

    run(proxy, work)
    assert proxy.accepted == 1


@pytest.mark.parametrize("place", get_args(Place))
def test_a_write_that_loses_its_connection_is_not_sent_again(
    place: Place, proxy: Proxy, probe: Postgres
) -> None:
    numbers = range(70_000, 70_010)

    async def work(database: Database) -> None:
        for number in numbers:
            proxy.trap(str(number).encode(), place)
            with pytest.raises(DatabaseUnavailable):
                await insert(database, number)
            assert proxy.said.count(str(number).encode()) == 1
        assert await insert(database, 1) == 1

    run(proxy, work)
    stored = [row[0] for row in probe.rows("SELECT number FROM probe ORDER BY number")]
    print(f"{len(numbers)} writes that lost their {place}: {len(stored) - 1} stored, none twice")
    assert stored == [1, *(numbers if place == "answer" else ())]


def test_a_connection_that_ended_behind_its_answer_is_handed_to_nobody(proxy: Proxy, probe: Postgres) -> None:
    numbers = range(70_000, 70_010)

    async def work(database: Database) -> None:
        await echo(database, 1)
        for number in numbers:
            proxy.delay(str(number).encode())
            both = [asyncio.create_task(insert(database, number)) for _ in range(2)]
            await asyncio.sleep(0)  # one is sent, and the other waits
            wait_until(lambda number=number: str(number).encode() in proxy.said)  # type: ignore[misc]  # bound to this one
            answered = proxy.answered
            proxy.release()
            wait_until(lambda answered=answered: proxy.answered > answered)  # type: ignore[misc]  # bound to this one
            assert proxy.cut("reset") == 1
            assert await asyncio.gather(*both) == [number, number]

    run(proxy, work, pool_size=1)
    assert probe.value("SELECT count(*) FROM probe") == 2 * len(numbers)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_a_lost_race_is_run_once_more(sqlstate: str, proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        assert await database.run(NOBODY, FAIL, {"times": 1, "sqlstate": sqlstate}) == [(2,)]
        with pytest.raises(DatabaseUnavailable):
            await database.run(NOBODY, FAIL, {"times": 99, "sqlstate": sqlstate})

    run(proxy, work)
    assert probe.value("SELECT last_value FROM tries") == 4
    assert proxy.accepted == 1


def test_another_refusal_is_not_run_again(proxy: Proxy, probe: Postgres) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            await database.run(NOBODY, FAIL, {"times": 99, "sqlstate": "55P03"})

    run(proxy, work)
    assert probe.value("SELECT last_value FROM tries") == 1


def test_a_statement_that_takes_too_long_is_ended_by_postgres(
    proxy: Proxy, probe: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Connection.run

    async def patiently(
        self: Connection, sql: str, parameters: Mapping[str, Any], *, seconds: float
    ) -> list[Row]:
        assert seconds < 60
        return await answered(self, sql, parameters, seconds=60)

    monkeypatch.setattr(Connection, "run", patiently)  # the patience that is on trial is that of Postgres

    async def work(database: Database) -> None:
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await sleep(database, 1, 60)
            assert sessions(probe, "active") == 0
        assert await echo(database, 1) == 1

    run(proxy, work, statement_timeout=1)  # which is also what connecting and the last one may take
    assert proxy.accepted == 1


def test_no_statement_is_compiled_before_it_runs(proxy: Proxy) -> None:
    """It takes seconds where a server can do it, and there is none that it would be worth it for."""
    asked = Statement("SELECT %(name)s, current_setting(%(name)s)", reads=True)

    async def work(database: Database) -> None:
        for name, value in (("plan_cache_mode", "force_generic_plan"), ("jit", "off")):
            assert [tuple(row) for row in await database.run(NOBODY, asked, {"name": name})] == [
                (name, value)
            ]

    run(proxy, work)


def test_a_silent_database_is_waited_for_once_and_used_again_when_it_speaks(proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        assert await asyncio.gather(*(sleep(database, number, 0.01) for number in range(3))) == [0, 1, 2]
        proxy.freeze()
        proxy.forget()
        for ask in (echo, insert, echo):  # the first one on an open connection
            with pytest.raises(DatabaseUnavailable):
                await ask(database, 77_777)
            assert database.connections == {"open": 0, "idle": 0, "waiting": 0}
        assert (proxy.said.count(b"77777"), proxy.accepted) == (1, 2)
        proxy.thaw()
        assert await asyncio.gather(*(echo(database, number) for number in range(20))) == list(range(20))

    run(proxy, work, pool_size=3, statement_timeout=3)


def test_who_waits_behind_others_in_front_of_a_silent_database_waits_no_longer_than_they(
    proxy: Proxy,
) -> None:
    async def work(database: Database) -> None:
        proxy.freeze()
        async with asyncio.timeout(30):
            asked = (echo(database, number) for number in range(3))
            given_up = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(error) in (DatabaseUnavailable, DatabaseBusy) for error in given_up] == [True] * 3
        assert database.connections == {"open": 0, "idle": 0, "waiting": 0}
        proxy.thaw()
        assert await asyncio.gather(*(echo(database, number) for number in range(3))) == [0, 1, 2]

    run(proxy, work, pool_size=1, pool_timeout=1, statement_timeout=60)


def test_a_database_that_refuses_connections_is_unavailable_until_it_is_back(proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        for ask in (echo, insert):
            assert await ask(database, 1) == 1
            proxy.refuse()
            for number in range(5):
                with pytest.raises(DatabaseUnavailable):
                    await ask(database, number)
            proxy.accept()
            assert await ask(database, 2) == 2
        assert database.connections == {"open": 1, "idle": 1, "waiting": 0}

    run(proxy, work)


@pytest.mark.parametrize(("idle_seconds", "connections"), [(0.01, 4), (60, 1)])
def test_a_connection_that_idled_too_long_is_replaced(
    idle_seconds: float, connections: int, proxy: Proxy
) -> None:
    async def work(database: Database) -> None:
        for number in range(4):
            assert await insert(database, number) == number
            await asyncio.sleep(0.02)

    run(proxy, work, idle_seconds=idle_seconds)
    assert proxy.accepted == connections


def test_a_cancelled_request_gives_its_answer_to_nobody(proxy: Proxy, probe: Postgres) -> None:
    chance = random.Random(20_261_121)
    counted = {"cancelled": 0, "answered": 0}

    async def some(database: Database) -> None:
        """Cancels half of the requests: while they wait for a connection, make one, or run."""
        tasks = {number: asyncio.create_task(sleep(database, number, 0.004)) for number in range(8)}
        for number in chance.sample(range(8), 4):
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003, 0.006]))
            counted["cancelled"] += tasks[number].cancel()
        for number, task in tasks.items():
            with suppress(asyncio.CancelledError):
                assert await task == number
                counted["answered"] += 1

    async def work(database: Database) -> None:
        for attempt in range(200):
            if attempt % 4 == 0:
                proxy.cut()  # so that the next ones are cancelled while they connect
            await some(database)
            assert database.connections["waiting"] == 0
            assert database.connections["open"] <= 3
        assert await asyncio.gather(*(echo(database, number) for number in range(50))) == list(range(50))
        assert database.connections == {"open": 3, "idle": 3, "waiting": 0}
        await until(lambda: sessions(probe) == 3)

    run(proxy, work, pool_size=3)
    print(f"{counted}: 0 answers of another request")
    assert counted["cancelled"] >= 200
