"""The checks of the turn engine as lines of the board, as often as the board asks for."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import ClassVar, Protocol

import uvloop

from faults import ends, readers, retries, tabs
from faults.board import Outcome
from faults.counted import Counted
from faults.ground import Ground
from faults.kill_loop import KillLoop
from faults.lab import Lab, Process
from faults.streams import many_streams

MANY = 50
"""From so many kills or restarts on, it is a run in full numbers."""

ENOUGH = 100
"""From so many kills on, some hit between a commit and its answer: one of a dozen does."""


class Repeated(Protocol):
    """A check that is told how many rounds to go, each of which meets what it is about or fails."""

    def __call__(self, lab: Lab, /, rounds: int) -> Coroutine[None, None, str]: ...


class Counting(Protocol):
    """A check that is told how many rounds to go, and counts what happened in them."""

    def __call__(self, lab: Lab, /, rounds: int) -> Coroutine[None, None, Counted]: ...


def _acknowledged(times: int) -> int:
    """How many messages at the least: a hundred for each harm, or a fifth of that for every change."""
    return times * (100 if times >= MANY else 20)


def kills(ground: Ground, times: int) -> Outcome:
    """So many kills, and after each of them messages that are acknowledged."""
    with ground.lab() as lab:
        loop = KillLoop(lab, times, _acknowledged(times), seed=1)
        found = uvloop.run(loop.run())
    assert found.faults == {}, loop.report()
    hit = found.recovered if times >= ENOUGH else found.recovered + found.interrupted
    assert hit > 0, f"no kill hit between a commit and its answer: {loop.report()}"
    return Outcome(
        found.acknowledged,
        loop.killed.total(),
        f"{found.lost} lost, {found.unexpected} unexpected, {found.duplicated} duplicated, "
        f"{found.stuck} stuck, {found.gaps} gaps, {found.stale} of {loop.load.read_back} stale, "
        f"{found.recovered} recovered, {found.replies} replies of which {found.interrupted} interrupted, "
        f"at most {found.seconds_lost:.2f} s of shown text lost",
    )


class RestartLoop(KillLoop):
    """The same load, while processes are told to stop, one after the other, as by a deployment."""

    SETTINGS: ClassVar[dict[str, object]] = {**KillLoop.SETTINGS, "SHUTDOWN_GRACE": 1}

    async def _harm(self, processes: tuple[Process, Process], number: int) -> str:
        process = processes[number % 2]
        process.terminate()
        assert await process.ended() == 0, "it did not end in order"
        await process.start()
        return "SIGTERM"


def restarts(ground: Ground, times: int) -> Outcome:
    """So many restarts: what is shown is stored, and who comes too early is told so."""
    with ground.lab() as lab:
        loop = RestartLoop(lab, times, _acknowledged(times), seed=1)
        found = uvloop.run(loop.run())
    assert found.faults == {}, loop.report()
    assert found.seconds_lost == 0, f"{found.seconds_lost} s of text were shown and are not stored"
    load = loop.load
    assert load.broken == {}, f"answers that did not come to their end: {dict(load.broken)}"
    return Outcome(
        found.acknowledged,
        loop.killed.total(),
        f"{found.lost} lost, {found.unexpected} unexpected, {found.duplicated} duplicated, "
        f"{found.stuck} stuck, {found.replies} replies of which {found.interrupted} interrupted with all "
        f"of their text; {load.unavailable} x 503, 0 other refusals, 0 answers broken, "
        f"{load.unanswered} lines closed before one, {load.unreached} times nobody listened",
    )


def _rounds(check: Repeated, ground: Ground, times: int) -> Outcome:
    with ground.lab() as lab:
        return Outcome(times, times, uvloop.run(check(lab, rounds=times)))


def _counted_rounds(check: Counting, ground: Ground, times: int) -> Outcome:
    with ground.lab() as lab:
        said = uvloop.run(check(lab, rounds=times))
    return Outcome(times, said.hit, said)


def repeated(check: Repeated) -> Callable[[Ground, int], Outcome]:
    """A check of the engine as a line of the board."""
    return partial(_rounds, check)


def counted(check: Counting) -> Callable[[Ground, int], Outcome]:
    """The same, of a check that counts."""
    return partial(_counted_rounds, check)


def streams(ground: Ground, times: int) -> Outcome:
    """So many streams in one process."""
    with ground.lab() as lab:
        said = uvloop.run(many_streams(lab, times))
    return Outcome(times, said.hit, said, said.timed)


bursts = repeated(retries.bursts)
deletes = repeated(ends.deletes)
disconnects = counted(readers.disconnects)
lost_openings = counted(retries.lost_openings)
lost_appends = counted(retries.lost_appends)
races = counted(tabs.races)
resumes = counted(readers.resumes)
