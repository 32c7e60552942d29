"""Lines of the board beside each other, each in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from faults.board import Figure
from support import Postgres

Commands = Sequence[Sequence[str]]

LONGEST = (
    *("H-st", "P-05", "D-01", "O-02", "M-04", "A-01..08", "O-01", "H-fz", "O-03/04", "S-04", "H-all", "J-01"),
    *("M-01", "S-10..14", "G-02", "D-02", "I-01", "I-04", "N-01", "S-09", "O-07", "A-11", "S-01", "B-01-408"),
    "P-07",
)
"""The lines that take minutes, the longest first."""


def longest_first(lines: Iterable[tuple[Figure, int]]) -> list[tuple[Figure, int]]:
    """So that at the end no job has much to do while the others have nothing. Short ones stay in order."""
    return sorted(lines, key=lambda line: (*LONGEST, line[0].id).index(line[0].id))


def said(commands: Commands, cluster: Postgres, jobs: int) -> Generator[str]:
    """What `python -m faults` says with each of these arguments, so many at a time, whichever is ready first.

    They share the cluster. Whoever stops listening ends those that still run.
    """
    environment = {**os.environ, "TEST_DATABASE_URL": cluster.text}
    running: list[subprocess.Popen[str]] = []

    def run(command: Sequence[str]) -> str:
        with subprocess.Popen(
            [sys.executable, "-m", "faults", *command], env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            running.append(process)
            return process.communicate()[0]

    with ThreadPoolExecutor(jobs) as pool:
        asked = [pool.submit(run, command) for command in commands]
        try:
            for answer in as_completed(asked):
                yield answer.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
