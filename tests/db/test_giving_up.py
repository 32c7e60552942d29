"""Who gives up waiting for a connection in the very moment that one is handed over."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app.db.database import Database
from app.errors import DatabaseUnavailable
from database_for_tests import echo, run, sessions, sleep, until
from proxy import Proxy
from support import Postgres

Task = asyncio.Task[int]


def started(work: Coroutine[Any, Any, int]) -> Task:
    return asyncio.create_task(work)


async def waits(database: Database, number: int, before: int) -> Task:
    """A request that stands in the queue, behind so many."""
    waiting = started(echo(database, number))
    while database.connections["waiting"] <= before:  # noqa: ASYNC110  # the pool tells nobody
        await asyncio.sleep(0)
    return waiting


def with_the_holder(holder: Task, late: Task) -> None:
    """The holder leaves first: its room is offered to one that is gone."""
    holder.cancel()
    late.cancel()


def right_behind_the_holder(holder: Task, late: Task) -> None:
    """The one that waits has been handed the room for a connection, and does not know it yet."""
    holder.cancel()
    asyncio.get_running_loop().call_soon(late.cancel)


@pytest.mark.parametrize("cancel", [with_the_holder, right_behind_the_holder])
def test_room_that_nobody_took_goes_to_the_next(
    cancel: Callable[[Task, Task], None], proxy: Proxy, probe: Postgres
) -> None:
    async def work(database: Database) -> None:
        holder = started(sleep(database, 0, 60))
        await until(lambda: sessions(probe, "active") == 1)
        late = await waits(database, 1, before=0)
        next_one = await waits(database, 2, before=1)
        cancel(holder, late)
        assert await next_one == 2
        assert late.cancelled()
        assert database.connections == {"open": 1, "idle": 1, "waiting": 0}

    run(proxy, work, pool_size=1, pool_timeout=60)
    assert proxy.accepted == 2


def test_a_connection_that_nobody_took_goes_to_the_next(proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        async def hold() -> int:
            number = await sleep(database, 0, 0.2)
            late.cancel()  # it has been handed the connection, and does not know it yet
            return number

        holder = started(hold())
        while database.connections["open"] == 0:  # noqa: ASYNC110  # the pool tells nobody
            await asyncio.sleep(0)
        late = await waits(database, 1, before=0)
        next_one = await waits(database, 2, before=1)
        assert (await holder, await next_one) == (0, 2)
        assert late.cancelled()
        assert database.connections == {"open": 1, "idle": 1, "waiting": 0}

    run(proxy, work, pool_size=1, pool_timeout=60)
    assert proxy.accepted == 1


def test_a_closed_pool_refuses_who_waits_and_who_comes(proxy: Proxy) -> None:
    async def work(database: Database) -> None:
        holder = started(sleep(database, 0, 0.2))
        while database.connections["open"] == 0:  # noqa: ASYNC110  # the pool tells nobody
            await asyncio.sleep(0)
        late = await waits(database, 1, before=0)
        await database.close()
        assert await holder == 0
        for refused in (late, echo(database, 2)):
            with pytest.raises(DatabaseUnavailable):
                await refused
        assert database.connections == {"open": 0, "idle": 0, "waiting": 0}

    run(proxy, work, pool_size=1, pool_timeout=60)
