"""Lines of the board beside each other, each in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from support import Postgres

Commands = Sequence[Sequence[str]]


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
