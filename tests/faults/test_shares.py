"""A line in several processes ends when its board does, however that ends, and leaves nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from faults.lab import TESTS
from faults.shares import AT_ONCE
from support import Postgres, until

FOREVER = ("O-03/04", "--times", "1000000")
PATIENCE = 60


@pytest.fixture
def cluster(own_cluster: Postgres) -> Iterator[Postgres]:
    """A cluster that nothing is left in, with a Ctrl-C that boards hear though these tests may not."""
    told = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = databases(own_cluster)
    try:
        yield own_cluster
    finally:
        signal.signal(signal.SIGINT, told)
        for name in databases(own_cluster) - before:
            own_cluster.rows(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def board(cluster: Postgres) -> Iterator[subprocess.Popen[str]]:
    """A board that tries a shared line, in a group of processes of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "faults", *FOREVER],
        env={**os.environ, "TEST_DATABASE_URL": cluster.text},
        cwd=TESTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def databases(cluster: Postgres) -> set[str]:
    """Those that lines have made."""
    return {name for (name,) in cluster.rows("SELECT datname FROM pg_database WHERE datname ~ '^faults_'")}


def in_use(cluster: Postgres) -> set[str]:
    """Those that somebody is connected to."""
    return {
        name for (name,) in cluster.rows("SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL")
    }


def living(group: int) -> list[str]:
    """The processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ends meanwhile
            name, _, fields = stat.read_text().rpartition(") ")
            state, _, its_group, *_ = fields.split()
            if int(its_group) == group and state not in "ZX":
                found.append(name)
    return found


@pytest.mark.parametrize(
    ("how", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["SIGTERM", "SIGINT", "SIGKILL"],
)
def test_a_board_that_is_stopped_leaves_no_process(how: signal.Signals, code: int, cluster: Postgres) -> None:
    before = databases(cluster)
    with board(cluster) as process:
        until(lambda: len(in_use(cluster) & databases(cluster) - before) == AT_ONCE)
        assert len(living(process.pid)) > AT_ONCE
        process.send_signal(how)
        said, _ = process.communicate(timeout=PATIENCE)  # of whoever still has the board's output, too
        assert process.returncode == code, said
        until(lambda: living(process.pid) == [])
    if how is not signal.SIGKILL:  # which leaves no time to tidy up
        assert databases(cluster) == before, said
