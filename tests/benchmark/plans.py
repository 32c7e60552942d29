"""What plans that are kept save: `python -m benchmark.plans`, in the folder of the tests.

One connection and one caller; what Postgres and this process spend on a page, a list and an append.
"""

import time
from collections.abc import Awaitable, Callable
from itertools import cycle, islice

import uvloop

from app.db import url as urls
from app.db.database import Database
from app.models.caller import Caller
from app.repositories.conversations import ConversationRepository
from app.repositories.history import HistoryRepository
from app.repositories.messages import MessageRepository
from benchmark.database import seeded
from benchmark.measure import postmaster
from benchmark.processes import family_seconds
from benchmark.report import table
from benchmark.targets import CONTENT, PAGE, Target, targets

TIMES, ROUNDS = 1_000, 5

COLUMNS = ("least of five, us", "Postgres, as text", "kept", "here, as text", "kept")

ASKED: dict[str, Callable[[Database, Caller, Target], Awaitable[object]]] = {
    "a page of history": lambda it, who, at: HistoryRepository(it, who).newest(at.conversation, PAGE),
    "a list": lambda it, who, _: ConversationRepository(it, who).page(20),
    "an append": lambda it, who, at: MessageRepository(it, who).append(at.conversation, "user", CONTENT),
}


def main() -> None:
    with seeded("full", print) as url:
        print(f"\n{uvloop.run(_measured(url))}\n")


async def _measured(url: str) -> str:
    places, server = cycle(targets(url)), postmaster(url)
    sides = {"as text": False, "kept": True}
    databases = {name: Database(urls.parse(url), keeps_plans=kept) for name, kept in sides.items()}
    rows = []
    for what, ask in ASKED.items():
        least = dict.fromkeys(databases, (float("inf"), float("inf")))
        for _ in range(ROUNDS):
            for name, database in databases.items():
                spent, own = family_seconds(server), time.process_time()
                for place in islice(places, TIMES):
                    await ask(database, Caller(place.user, 0), place)
                cost = (family_seconds(server) - spent, time.process_time() - own)
                least[name] = min(least[name], cost)
        costs = [f"{each / TIMES * 1e6:.0f}" for both in zip(*least.values(), strict=True) for each in both]
        rows.append((what, *costs))
    for database in databases.values():
        await database.close()
    return table(
        ("least of five, us a request", *(f"{of}, {name}" for of in ("Postgres", "here") for name in sides)),
        rows,
    )


if __name__ == "__main__":
    main()
