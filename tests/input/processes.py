"""The service as a process of its own, seen from outside: its memory, and every byte that it writes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app import settings
from discretion import told
from reserved import port_of, reserved
from support import GENEROUS, SECRET, Postgres, as_environment

from .answers import check

TESTS = Path(__file__).parents[1]
CODE = Path(settings.__file__).parents[1]
"""Where `app` comes from in this process: the other one runs the same."""


@dataclass(frozen=True)
class Process:
    """A running server. `output` is the file that gets what it writes to both of its outputs."""

    pid: int
    port: int
    output: Path

    @property
    def memory(self) -> int:
        """Its resident memory in bytes."""
        return self._status("VmRSS")

    @property
    def peak(self) -> int:
        """The most that its resident memory was since `forget_peak`, or ever."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """From now on, the peak counts anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
        return int(kilobytes) * 1024

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        address = f"http://127.0.0.1:{self.port}"
        client = httpx.Client(base_url=address, headers=headers, timeout=60, verify=False)
        client.event_hooks = {"response": [check]}
        return client


@contextmanager
def running(command: list[str], postgres: Postgres, output: Path, **variables: str) -> Iterator[Process]:
    """Runs `python -m` with a command that ends with the port, until the block ends."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(TESTS), str(CODE))),
        "DATABASE_URL": postgres.pooled,
        "ALLOW_PLAINTEXT_DATABASE": "true",
        "SECRET_KEY": SECRET,
        **as_environment(GENEROUS),
        **variables,
    }
    with reserved() as holder, output.open("wb") as file:
        port = port_of(holder)
        words = [sys.executable, "-m", *command, str(port)]
        # In a folder without a `.env`: nothing of this machine is read.
        process = subprocess.Popen(words, env=environment, cwd=output.parent, stdout=file, stderr=file)
        try:
            _wait(process, port, output)
            yield Process(process.pid, port, output)
        finally:
            process.terminate()
            process.wait()
    said = output.read_text(errors="replace")
    assert process.returncode in (0, -15), said
    assert told(said) == []


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(output.read_text(errors="replace"))
