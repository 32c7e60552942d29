"""`chat-history` as its user meets it: a process, its exit code and what it says."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from discretion import told


def run(
    environment: dict[str, str], *words: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """A command, to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


@contextmanager
def serving(
    environment: dict[str, str], python: str = sys.executable
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`chat-history serve` on a free port: its address and its process."""
    with talking(environment, python) as (address, server, _):
        yield address, server


@contextmanager
def talking(
    environment: dict[str, str], python: str = sys.executable
) -> Iterator[tuple[str, subprocess.Popen[str], list[str]]]:
    """The same, with the lines that it has said so far."""
    server = subprocess.Popen(
        [python, "-m", "app.cli", "serve", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    assert server.stderr is not None
    said: list[str] = []
    listener = threading.Thread(target=said.extend, args=(server.stderr,))
    try:
        for line in server.stderr:
            said.append(line)
            if line.startswith("Serving "):
                break
        else:
            pytest.fail(f"the server ended: {''.join(said)}")
        address = line.split()[1]
        listener.start()
        httpx.get(f"{address}/healthz", timeout=60).raise_for_status()
        yield address, server, said
    finally:
        server.terminate()
        server.wait()
        if listener.ident is not None:
            listener.join()
        server.stderr.close()
    assert told("".join(said)) == []
