"""The first wall without the third: a statement that does not say whose rows it means is found out.

Each statement of a repository loses its predicates, in turn, on a database without row-level security. The
tries that find nothing in the code as it is must notice it, through the API wherever the API leads to it.
`test_predicates.py` looks at each predicate by itself, `test_enumeration.py` at the third wall without the
first.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from app.db.connection import Row
from app.db.database import Database, Read
from app.db.identity import Identity
from app.db.statement import Statement
from support import Postgres

from .estate import OWNERS
from .insider import Insider
from .intruder import Intruder
from .statements import places, predicates, without
from .town import Town, fallen, settled

UNREACHED = {
    "word_index._NEXT": "`_ADD` stores nothing of what it finds of another user's.",
    "word_index._ADD": "`_NEXT` gives it one's own messages only.",
}
"""Statements that nothing leads to with another user's ids, and why."""

Count = Callable[[str, object], None]
Attempts = dict[str, Callable[[], Iterable[str]]]


@pytest.fixture
def town(unwalled: Postgres) -> Iterator[Town]:
    with settled(unwalled, 3) as town, fallen(unwalled):
        yield town


def test_a_statement_that_does_not_say_whose_rows_it_means_is_noticed(
    town: Town, monkeypatch: pytest.MonkeyPatch, record_property: Count
) -> None:
    _save(town.service.postgres)
    attempts = _attempts(town)
    sent = _without_mutants(attempts, monkeypatch)
    mutants = [place for place in places() if predicates(place.statement)]
    unnoticed = []
    for place in mutants:
        by_whom = [name for name, statements in sent.items() if place.statement in statements]
        assert by_whom, f"nothing leads to {place}"
        _restore(town.service.postgres)
        with monkeypatch.context() as forgetful:
            forgetful.setattr(place.module, place.attribute, without(place.statement))
            noticed = next((line for name in by_whom for line in _noticed(attempts[name])), None)
        print(f"{place}: {noticed and noticed[:100]}")
        if noticed is None:
            unnoticed.append(str(place))
    record_property("statements whose forgetting is noticed", (len(mutants) - len(unnoticed), len(mutants)))
    assert unnoticed == list(UNREACHED)


def _without_mutants(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Statement]]:
    """Which statements each attempt leads to, the fewest first; none notices anything without mutants."""
    leads_to = {}
    sent: set[Statement] = set()
    run = Database.run

    async def watched(
        self: Database, identity: Identity, statement: Statement, parameters: Mapping[str, Any]
    ) -> list[Row]:
        sent.add(statement)
        return await run(self, identity, statement, parameters)

    snapshot = Database.snapshot

    @asynccontextmanager
    async def watched_snapshot(self: Database, identity: Identity) -> AsyncIterator[Read]:
        async with snapshot(self, identity) as read:

            async def watched_read(statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
                sent.add(statement)
                return await read(statement, parameters)

            yield watched_read

    with monkeypatch.context() as watching:
        watching.setattr(Database, "run", watched)
        watching.setattr(Database, "snapshot", watched_snapshot)
        for name, attempt in attempts.items():
            sent.clear()
            assert list(attempt()) == []
            leads_to[name] = set(sent)
    return dict(sorted(leads_to.items(), key=lambda found: len(found[1])))


def _attempts(town: Town) -> Attempts:
    intruder = Intruder(town.service, town.alice, town.bob)
    insider = Insider(town)
    return {
        **{operation.name: partial(intruder.try_all, [operation]) for operation in town.operations},
        "assistant": intruder.use_assistant,
        "writer": insider.write_replies,
        "accounts": insider.mix_up_accounts,
    }


def _noticed(attempt: Callable[[], Iterable[str]]) -> Iterator[str]:
    try:
        yield from attempt()
    except (AssertionError, httpx.HTTPStatusError) as failure:
        yield f"what is one's own does not work: {failure}"


def _save(postgres: Postgres) -> None:
    postgres.rows("DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved")
    for table in OWNERS:
        postgres.rows(f'CREATE TABLE saved."{table}" AS TABLE "{table}"')


def _restore(postgres: Postgres) -> None:
    tables = ", ".join(f'"{table}"' for table in OWNERS)
    back = (f'INSERT INTO "{t}" OVERRIDING SYSTEM VALUE TABLE saved."{t}"' for t in OWNERS)
    postgres.rows("; ".join([f"TRUNCATE {tables}", *back]))
