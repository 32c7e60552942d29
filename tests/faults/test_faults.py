"""The turn engine under faults that are no line of the board. Each check prints how often it was tried."""

from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
import uvloop

from faults import ends, readers, retries
from faults.lab import Lab
from support import Postgres

Check = Callable[[Lab], Coroutine[None, None, str]]

CHECKS: tuple[Check, ...] = (
    retries.lost_openings_of_a_lost_database,
    retries.late_openings,
    retries.lost_flushes,
    retries.lost_ends,
    readers.slow_readers,
    readers.limits,
    ends.stops,
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
    record_property("fault", f"{check.__name__:>24}: {uvloop.run(check(lab))}")
    assert lab.complaints() == []
