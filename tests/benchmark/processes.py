"""Processes that are measured: how they are started, and what /proc says of them."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TESTS = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


def environment(**changes: str) -> dict[str, str]:
    """What a process of the benchmark is given."""
    return {**os.environ, "PYTHONPATH": f"{TESTS}:{os.environ.get('PYTHONPATH', '')}", **changes}


@contextmanager
def started(command: list[str], sign: str, **changes: str) -> Iterator[tuple[int, str]]:
    """A process: its id, and the word behind `sign` in the first line that has it.

    Words that begin with a dash are Python's own arguments. Raises RuntimeError, with what the process said,
    if it ends before.
    """
    process = subprocess.Popen(
        [sys.executable, *command] if command[0].startswith("-") else command,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if sign in line:
                break
        else:
            raise RuntimeError("".join(said))
        threading.Thread(target=deque(maxlen=0).extend, args=(process.stdout,), daemon=True).start()
        yield process.pid, line.partition(sign)[2].split()[0]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def processor_seconds(pid: int) -> float:
    """What a process has spent, and the children that it has waited for."""
    return sum(map(int, _fields(pid)[11:15])) / _TICKS


def own_seconds(pid: int) -> float:
    """What a process has spent by itself."""
    return sum(map(int, _fields(pid)[11:13])) / _TICKS


def family_seconds(pid: int) -> float:
    """What a process and its children, living or not, have spent."""
    spent = processor_seconds(pid)
    for child in _children(pid):
        with suppress(OSError):  # it has just ended
            spent += processor_seconds(child)
    return spent


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in found.split()]


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
