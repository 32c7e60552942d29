"""Server processes that are forked from one that has imported all they need: to start again costs little.

To the kernel each is a process like any other: it has a number, an environment, connections and an event loop
of its own, SIGKILL hits it in the middle of whatever it does, and nothing of it is left. It shares with those
before and after it what was imported, with the seed of Python's hashes and whatever a module drew by chance.
One that runs beside it is forked from another process, and shares nothing with it.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fork:
    """A server process."""

    pid: int
    _end: asyncio.Task[int]

    @property
    def alive(self) -> bool:
        """Whether its end is not known yet."""
        return not self._end.done()

    def send(self, which: signal.Signals) -> None:
        """Signals it, at once. Raises ProcessLookupError if its end is known: its number may be another's."""
        if not self.alive:
            raise ProcessLookupError
        with suppress(ProcessLookupError):  # it has ended just now
            os.kill(self.pid, which)

    async def ended(self) -> int:
        """Its exit code, once it has one."""
        return await asyncio.shield(self._end)


class Forks:
    """Starts `python -m faults.serve FOLDER`, and has it forked. All of it ends when this process does."""

    def __init__(self, folder: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.serve", str(folder)],
                env=environment,
                cwd=folder,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    async def fork(self, environment: Mapping[str, str]) -> Fork:
        """A process with this environment, once it listens. Raises RuntimeError if it does not."""
        ours, theirs = socket.socketpair()
        with theirs, suppress(ConnectionError):
            socket.send_fds(self._control, [json.dumps(environment).encode()], [theirs.fileno()])
        reader, writer = await asyncio.open_connection(sock=ours)
        with ExitStack() as failing:
            failing.callback(writer.close)
            pid, listening = await reader.readline(), await reader.readline()
            if listening != b"listening\n":
                raise RuntimeError(f"it did not start:\n{self._log.read_text()[-3000:]}")
            failing.pop_all()
        return Fork(int(pid), asyncio.create_task(_exit_code(reader, writer)))

    async def close(self) -> None:
        """Ends what still runs."""
        self._control.close()
        await asyncio.to_thread(self._process.wait)


async def _exit_code(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """It comes last, after whatever the process itself has printed."""
    with closing(writer):
        said = (await reader.read()).split()
    if not said:
        raise RuntimeError("what it was forked from has ended before it")
    return int(said[-1])
