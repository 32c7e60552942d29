"""How Postgres finds what a repository asks for: plans, with what their steps really did."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from app.db.connection import Row
from app.db.database import Database
from app.db.identity import Identity
from app.db.statement import Statement
from support import Postgres


class Explained(Database):
    """Has statements explained while they run as they always do: in their role, in their user's name, and by
    the plan that is kept for all users where one is. Its parameters are shown by their values.
    """

    plan: dict[str, Any]

    async def run(self, identity: Identity, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        *before, last = statement.on(()).split("; ")
        sql = "; ".join([*before, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {last}"])
        [(explained,)] = await super().run(identity, Statement(sql, statement.reads), parameters)
        if statement.plan is not None:
            given = {**parameters, **identity._asdict()}
            values = [given[name] for name in re.findall(r"%\((\w+)\)s", last)]
            for place in range(len(values), 0, -1):
                explained = explained.replace(
                    b"$%d" % place, json.dumps(str(values[place - 1])).encode()[1:-1]
                )
        self.plan = json.loads(explained)[0]["Plan"]
        return [(b"", b"", *[None] * 9)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def explained(postgres: Postgres, ask: Callable[[Database], Awaitable[object]]) -> dict[str, Any]:
    """The plan of what a repository asks."""

    async def whole() -> dict[str, Any]:
        database = Explained(postgres.url, statement_timeout=60)
        try:
            await ask(database)
        except (TypeError, ValueError):
            pass  # the repository wanted rows, and got none
        finally:
            await database.close()
        return database.plan

    return asyncio.run(whole())
