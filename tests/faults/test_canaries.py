"""Every check of the turn engine rejects a build that breaks what it is about."""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import uvloop

from app.db.migrations import migrate
from faults.broken import Canary, Miss, broken, is_told
from faults.canaries import CANARIES
from faults.figures import BOARD
from faults.lab import TESTS, Lab
from faults.misses import MISSES
from support import Postgres

REJECTIONS = (AssertionError, TimeoutError, httpx.TransportError)

CHANCES = 3
"""How often a check is tried: on a busy machine, not every run of a few rounds meets what a mistake does, or
meets that first."""


def rejection(canary: Canary, lab: Lab) -> Exception | None:
    """Why the check rejects the build. One that does not start is a RuntimeError: that proves nothing."""
    try:
        uvloop.run(canary.check(lab))
    except (*REJECTIONS, ExceptionGroup) as error:
        return error
    return None


def _told(error: Exception) -> str:
    """Its messages, and the assertions that failed."""
    return "".join(traceback.format_exception(error))


# A check that is broken off leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.mistake)
def test_a_broken_build_is_rejected(
    canary: Canary,
    postgres: Postgres,
    make_database: Callable[[], Postgres],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    database = postgres
    if canary.schema:
        database = make_database()
        migrate(database.url)
        database.rows(canary.schema)
    build = broken(tmp_path / "build" / "backend", canary)
    rejected: Exception | None = None
    for chance in range(CHANCES):
        rejected = rejection(canary, Lab(database, tmp_path / f"lab{chance}", build))
        if rejected is not None and is_told(canary, _told(rejected)):
            break
    assert rejected is not None, "it was not rejected"
    if isinstance(rejected, ExceptionGroup):
        assert rejected.split(REJECTIONS)[1] is None
    assert is_told(canary, _told(rejected)), f"it was rejected for something else:\n{_told(rejected)}"
    record_property("canary", f"{canary.check.__name__:>24} rejects: {canary.mistake}  [{canary.says[:60]}]")
    record_property("broken builds rejected", (1, 1))


DEEP = {figure.id for figure in BOARD if figure.gate == 0} | {"O-02"}  # whose mistake shows when two meet
"""Lines that are tried by hand; so are their canaries, with FAULTS=deep."""


@pytest.mark.parametrize("miss", MISSES, ids=lambda miss: f"{miss.figure}: {miss.mistake}")
def test_a_figure_fails_on_a_broken_build(
    miss: Miss, cluster: Postgres, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if miss.figure in DEEP and os.environ.get("FAULTS") != "deep":
        pytest.skip("its line takes minutes: tried before a release, with FAULTS=deep")
    build = broken(tmp_path / "build" / "backend", miss)
    for _ in range(CHANCES):
        run = _tried(miss, build, cluster)
        line = next((one for one in run.stdout.splitlines() if one.startswith(f"{miss.figure} ")), "")
        if " absent " in line:
            pytest.skip(line)
        if " FAILS " in line and is_told(miss, run.stderr):
            break
    assert " FAILS " in line, run.stdout + run.stderr
    assert run.returncode == 1
    assert is_told(miss, run.stderr), f"it fails for something else:\n{line}\n{run.stderr}"
    record_property("canary", f"{miss.figure:>24} rejects: {miss.mistake}  [{miss.says[:60]}]")
    record_property("broken builds rejected", (1, 1))


def _tried(miss: Miss, build: Path, cluster: Postgres) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "faults", miss.figure, "--times", str(miss.times)],
        env={**kept, "PYTHONPATH": f"{build}:{TESTS}", "TEST_DATABASE_URL": cluster.text},
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
    )
