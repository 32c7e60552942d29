"""Every check of the turn engine rejects a build that breaks what it is about."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.db.migrations import migrate
from faults.canaries import CANARIES, Canary, Miss, broken
from faults.figures import BOARD
from faults.lab import TESTS, Lab
from faults.misses import MISSES
from support import Postgres

REJECTIONS = (AssertionError, TimeoutError, httpx.TransportError)


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
    lab = Lab(database, tmp_path / "lab", canary.build(tmp_path / "build" / "backend"))
    # A build that does not even start is a RuntimeError: that would prove nothing.
    with pytest.raises((*REJECTIONS, ExceptionGroup)) as rejected:
        asyncio.run(canary.check(lab))
    if isinstance(rejected.value, ExceptionGroup):
        assert rejected.value.split(REJECTIONS)[1] is None
    reason = (str(rejected.value).splitlines() or [""])[0] or rejected.type.__name__
    record_property("canary", f"{canary.check.__name__:>24} rejects: {canary.mistake}  [{reason[:60]}]")
    record_property("broken builds rejected", (1, 1))


DEEP = {figure.id for figure in BOARD if figure.gate == 0} | {"O-02"}  # whose mistake shows when two meet
"""Lines that are tried by hand; so are their canaries, with FAULTS=deep."""


CHANCES = 3
"""How often a line is tried: on a busy machine, not every run of a few rounds meets what a mistake does."""


@pytest.mark.parametrize("miss", MISSES, ids=lambda miss: f"{miss.figure}: {miss.mistake}")
def test_a_figure_fails_on_a_broken_build(
    miss: Miss, cluster: Postgres, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if miss.figure in DEEP and os.environ.get("FAULTS") != "deep":
        pytest.skip("its line takes minutes: tried before a release, with FAULTS=deep")
    build = broken(tmp_path / "build" / "backend", miss.mistake, miss.edits)
    for _ in range(CHANCES):
        run = _tried(miss, build, cluster)
        if run.returncode == 1:
            break
    [line] = [line for line in run.stdout.splitlines() if line.startswith(f"{miss.figure} ")]
    if " absent " in line:
        pytest.skip(line)
    assert run.returncode == 1, run.stdout + run.stderr
    assert " FAILS " in line
    record_property("canary", f"{miss.figure:>24} rejects: {miss.mistake}  [{_said(line)}]")
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


def _said(line: str) -> str:
    """What the line complains of."""
    return line.partition(": ")[2][:60]
