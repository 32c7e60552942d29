"""Hundreds of streams in one process: they hold no connection, and nobody else notices them."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from faults.board import Timed, p99
from faults.chat import Chat, Seen
from faults.counted import Counted
from faults.lab import PATIENCE, Lab
from faults.retries import fresh
from faults.script import Script

GROUP = 50
"""Streams that are opened at once: more than a slow machine can take would get a 503."""

LOOKS = 100
"""At the connections in use while the streams run, each after a history was read."""

OTHERS = 400
"""Requests that are timed, without the streams and beside them."""

PIECES, GATE = 8, 3
"""Of each reply, and how many of them come before it is quiet."""


@dataclass
class Streams:
    """Replies of ten users. Each is quiet after its first pieces, until all gates are opened."""

    lab: Lab
    chats: list[Chat]
    scripts: list[Script]
    seen: list["asyncio.Task[Seen]"] = field(default_factory=list)
    quiet: set[str] = field(default_factory=set)

    async def open(self, tasks: asyncio.TaskGroup) -> None:
        """Returns when all are quiet, and every reader has what there is."""
        for first in range(0, len(self.scripts), GROUP):
            group = self.scripts[first : first + GROUP]
            self.seen += [
                tasks.create_task(self._read(self.chats[number % len(self.chats)], script))
                for number, script in enumerate(group)
            ]
            await self.lab.asked(*(script.key for script in group))
        async with asyncio.timeout(PATIENCE):
            while len(self.quiet) < len(self.scripts):  # noqa: ASYNC110  # the readers only count
                await asyncio.sleep(0.05)

    def go_on(self) -> None:
        """Opens all gates."""
        for script in self.scripts:
            self.lab.open_gate(script.key)

    async def _read(self, chat: Chat, script: Script) -> Seen:
        head = "".join(map(script.piece, range(GATE)))

        def look(seen: Seen) -> bool:
            if seen.text == head:
                self.quiet.add(script.key)
            return False

        return await chat.stream(await chat.start(), script, look)


async def many_streams(lab: Lab, count: int = 500) -> Counted:
    """So many streams in one process hold no connection. Other requests are answered as without them."""
    async with lab, AsyncExitStack() as closing:
        process = await lab.process(MAX_RUNNING_TURNS_PER_USER=count)
        chats = [await closing.enter_async_context(Chat(process, lab.user()[1])) for _ in range(11)]
        reader = chats.pop()
        talked = await reader.start()
        assert (await reader.ask(talked, fresh())).status_code == 200
        streams = Streams(lab, chats, [fresh(pieces=PIECES, pause=0.5, gate=GATE) for _ in range(count)])
        await _others(reader, talked, lambda number: number == OTHERS)  # what is slow for the first time
        base = await _others(reader, talked, lambda number: number == OTHERS)
        async with asyncio.TaskGroup() as tasks:
            await streams.open(tasks)
            looks = await _looks(reader, talked)
            held = int(await reader.gauge("chat_turns_running"))
            megabytes = process.megabytes()
            quiet = await _others(reader, talked, lambda number: number == OTHERS)
            streams.go_on()
            busy = await _others(reader, talked, lambda _: all(one.done() for one in streams.seen))
    seen = [task.result() for task in streams.seen]
    assert held == count
    unused = looks[-LOOKS:].count(0)
    assert 2 * unused > LOOKS, f"connections are in use at {LOOKS - unused} of {LOOKS} moments"
    assert [(one.text, one.ending) for one in seen] == [(one.text, "finish") for one in streams.scripts]
    return Counted(
        f"{held} streams at once, {len(looks)} histories read meanwhile, {len(seen)} complete, no connection "
        f"in use at {unused} of {LOOKS} moments, {max(looks)} at most, {megabytes:.0f} MB; p99 of others "
        f"{p99(base) * 1000:.1f} ms before, {p99(quiet) * 1000:.1f} ms beside quiet streams, "
        f"{p99(busy) * 1000:.1f} ms while all of them are written",
        held,
        (Timed("p99 of others", p99(quiet), 2 * p99(base)),),
    )


async def _others(reader: Chat, conversation: int, enough: Callable[[int], bool]) -> list[float]:
    """The seconds of requests one after the other, a third of which write, until there are enough."""
    noted = await reader.start()
    seconds: list[float] = []
    while not enough(len(seconds)):
        began = time.monotonic()
        match len(seconds) % 3:
            case 0:
                answer = await reader.client.get("/api/conversations")
            case 1:
                answer = await reader.client.get(f"/api/conversations/{conversation}/messages")
            case _:
                answer = await reader.append(noted, "note", f"note-{len(seconds)}")
        seconds.append(time.monotonic() - began)
        assert answer.is_success, answer.text
    return seconds


async def _looks(reader: Chat, conversation: int) -> list[int]:
    """How many connections are in use, moment for moment, until there was none at most of the last ones.

    A slow machine has leases to renew most of the time, but not all of it.
    """
    looks: list[int] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while len(looks) < LOOKS or 2 * looks[-LOOKS:].count(0) <= LOOKS:
                assert len(await reader.messages(conversation)) == 2
                said = (await reader.client.get("/metrics")).text
                counts = dict(re.findall(r'\ndatabase_connections\{state="(open|idle)"\} (\d+)', said))
                looks.append(int(counts["open"]) - int(counts["idle"]))
    return looks
