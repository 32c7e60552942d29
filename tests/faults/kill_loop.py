"""Two processes under load from several clients; one is killed again and again; then everything is counted.

cd tests && python -m faults.kill_loop --kills 200 --acknowledged 20000
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import uvloop

from app.db import url as urls
from faults.chat import Chat
from faults.ground import Ground, discreet
from faults.history import Findings
from faults.lab import Lab, Process, two
from faults.load import Client, Load, tries
from faults.wire import Statement, Trap, When
from support import Postgres

CLIENTS = 10
POINTS: tuple[tuple[Statement, When] | None, ...] = (
    ("opening", "before"),
    ("opening", "after"),
    None,  # at any moment
    ("flush", "before"),
    ("flush", "after"),
    ("append", "after"),
    ("end", "before"),
    ("end", "after"),
    ("append", "before"),
    None,
)
"""Where a process is killed: before a statement reaches Postgres, or between its commit and its answer."""


class KillLoop:
    """A run: so many kills, so many acknowledgements."""

    SETTINGS: ClassVar[dict[str, object]] = {"DATABASE_POOL_SIZE": 8}

    def __init__(self, lab: Lab, kills: int, acknowledged: int, seed: int) -> None:
        self._lab = lab
        self._kills = kills
        self._acknowledged = acknowledged
        self.load = Load(seed)
        self.killed: Counter[str] = Counter()

    async def run(self) -> Findings:
        """Kills, waits for the end of all replies, reads everything, and counts."""
        load = self.load
        async with two(self._lab, **self.SETTINGS) as processes:
            users = [self._lab.user()[1] for _ in range(CLIENTS)]
            chats = [[Chat(process, token) for process in processes] for token in users]
            async with asyncio.TaskGroup() as tasks:
                for number, own in enumerate(chats):
                    tasks.create_task(Client(f"c{number}", load, own).run())
                tasks.create_task(self._disturb(processes))
            await self._settled()
            stored = {one: await owner[0].messages(one) for one, owner in load.conversations.items()}
            for own in chats:
                for chat in own:
                    await chat.client.aclose()
        for sent in load.forgotten:
            # Refused: it must not be there. If it is, it is unexpected.
            if not sent.promised:
                load.history.sent.pop(sent.key, None)
        return load.history.check(stored, self._lab.calls())

    def report(self) -> str:
        """What was done, and the findings."""
        load = self.load
        kills = "\n".join(f"{count:>14}  killed {name}" for name, count in sorted(self.killed.items()))
        return (
            f"{kills}\n{self.killed.total():>14}  kills in all (seed {load.seed})\n"
            f"{load.read_back:>14}  reads begun after an acknowledgement\n"
            f"{load.busy:>14}  answers 409, {load.unavailable} answers 503\n"
            f"{load.broken.total():>14}  answers broken, {load.unanswered} lines closed before one, "
            f"{load.unreached} times nobody listened\n"
            f"{load.history.findings.table()}"
        )

    async def _disturb(self, processes: tuple[Process, Process]) -> None:
        choice = random.Random(self.load.seed)
        for number in range(self._kills):
            await asyncio.sleep(choice.uniform(0.2, 0.8))
            await self._until(self._acknowledged * number / self._kills)
            self.killed[await self._harm(processes, number)] += 1
        await self._until(self._acknowledged)
        self.load.enough = True

    async def _harm(self, processes: tuple[Process, Process], number: int) -> str:
        """Kills a process and starts it again. Returns when that was."""
        victim, point = processes[number % 2], POINTS[number % len(POINTS)]
        name = "at random" if point is None else " ".join(reversed(point))
        if point is not None and not await self._trapped(victim, *point):
            name = f"at random, missed {name}"
        await victim.kill()
        await victim.start()
        return name

    async def _until(self, acknowledged: float) -> None:
        while self.load.history.acknowledged < acknowledged:  # noqa: ASYNC110  # the clients only count
            await asyncio.sleep(0.1)

    async def _trapped(self, victim: Process, statement: Statement, when: When) -> bool:
        """Kills the process when the next of these statements goes by. False if none does for long."""
        sprung, missed = asyncio.Event(), asyncio.Event()

        async def spring() -> bool:
            if not missed.is_set():  # else it would strike the process that was started meanwhile
                victim.strike()
                sprung.set()
            return False

        victim.wire.set(Trap(statement, when, spring))
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await sprung.wait()
        missed.set()
        victim.wire.clear()
        return sprung.is_set()

    async def _settled(self) -> None:
        """All replies have ended, or their lease is over; what has not for very long is stuck."""
        running = "SELECT count(*) FROM message WHERE status = 'streaming' AND lease_until >= now()"
        async for _ in tries():
            if await asyncio.to_thread(self._lab.postgres.value, running) == 0:
                return


def main() -> None:
    """Runs the loop on a Postgres of its own that is durable, prints the table; exit code 1 on a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--acknowledged", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chat-history-kills-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with discreet(folder / "cluster") as url, Ground(Postgres(urls.parse(url)), folder).lab() as lab:
            loop = KillLoop(lab, options.kills, options.acknowledged, options.seed)
            began = time.monotonic()
            findings = uvloop.run(loop.run())
            print(f"{loop.report()}\n{time.monotonic() - began:>14.0f}  seconds")
    sys.exit(f"faults: {findings.faults}" if findings.faults else 0)


if __name__ == "__main__":
    main()
