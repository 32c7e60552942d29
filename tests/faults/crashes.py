"""Postgres crashes under load, again and again: nothing that was acknowledged is lost, nobody restarts us."""

import asyncio
import signal
import time
from statistics import median

import uvloop

from faults.board import Outcome, Timed
from faults.chat import Chat
from faults.ground import Ground, OwnServer
from faults.kill_loop import KillLoop
from faults.lab import PATIENCE, Lab, Process

ACKNOWLEDGED = 20
"""Messages between two crashes, at the least."""


class CrashLoop(KillLoop):
    """The load of the kill loop, while the database dies."""

    def __init__(self, lab: Lab, server: OwnServer, crashes: int, seed: int) -> None:
        super().__init__(lab, crashes, crashes * ACKNOWLEDGED, seed)
        self._server = server
        self._token = lab.user()[1]
        self.seconds: list[float] = []
        """From the moment that Postgres took connections again to our first answer."""

    async def _harm(self, processes: tuple[Process, Process], number: int) -> str:
        how = (signal.SIGQUIT, signal.SIGKILL)[number % 2]
        self._server.crash(how)
        async with asyncio.timeout(PATIENCE), Chat(processes[0], self._token) as chat:
            while await asyncio.to_thread(self._server.answers):  # noqa: ASYNC110  # Postgres says no event
                await asyncio.sleep(0)  # the last of its processes have not left
            while not await asyncio.to_thread(self._server.answers):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            began = time.monotonic()
            while (await chat.client.get("/api/conversations")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        self.seconds.append(time.monotonic() - began)
        return how.name


def crashes(ground: Ground, times: int) -> Outcome:
    """The settings of the server say that a commit is on the disk; a crash of processes proves the order."""
    with ground.own_server() as server, ground.room() as folder:
        lab = Lab(server.postgres, folder)
        loop = CrashLoop(lab, server, times, seed=1)
        findings = uvloop.run(loop.run())
        assert findings.faults == {}
        assert lab.complaints() == []
    seconds = sorted(loop.seconds)
    return Outcome(
        findings.acknowledged,
        loop.killed.total(),
        f"{findings.lost} lost, {findings.unexpected} unexpected, {findings.duplicated} duplicated, "
        f"{findings.stuck} stuck, {findings.recovered} recovered; first 200 after Postgres is back: "
        f"median {median(seconds):.2f} s, at most {seconds[-1]:.2f} s",
        (Timed("median", median(seconds), 1), Timed("at most", seconds[-1], 5)),
    )
