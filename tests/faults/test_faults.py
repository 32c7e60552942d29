"""The turn engine keeps its promises under faults. Every check prints how often it was tried."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from faults import ends, readers, retries, tabs
from faults.kill_loop import KillLoop
from faults.lab import Lab
from support import Postgres

Check = Callable[[Lab], Coroutine[None, None, str]]

CHECKS: tuple[Check, ...] = (
    retries.bursts,
    retries.lost_openings,
    retries.lost_openings_of_a_lost_database,
    retries.late_openings,
    retries.lost_appends,
    retries.lost_flushes,
    retries.lost_ends,
    readers.disconnects,
    readers.slow_readers,
    readers.resumes,
    tabs.races,
    readers.limits,
    readers.many_streams,
    ends.stops,
    ends.deletes,
    ends.database_away,
    ends.database_away_at_the_end,
    ends.dead_process,
    ends.paused_process,
    ends.sigterm,
    ends.sigterm_without_database,
    ends.sigterm_while_opening,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_holds_under_faults(
    check: Check, postgres: Postgres, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    lab = Lab(postgres, tmp_path)
    record_property("fault", f"{check.__name__:>24}: {asyncio.run(check(lab))}")
    assert lab.complaints() == []


@pytest.mark.timeout(1_800)
def test_nothing_is_lost_when_processes_are_killed(
    postgres: Postgres, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    deep = os.environ.get("FAULTS") == "deep"
    kills, acknowledged = (200, 20_000) if deep else (20, 800)
    loop = KillLoop(Lab(postgres, tmp_path), kills, acknowledged, seed=1)
    findings = asyncio.run(loop.run())
    record_property("fault", loop.report())
    assert findings.faults == {}
    assert sum(loop.killed.values()) == kills
    assert findings.recovered + findings.interrupted > 0, "no kill hit an interesting moment"
