"""A log that nobody reads: it stops no request, and what was dropped is counted."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from support import SECRET, Postgres

ROOM = 4096
"""Bytes in the smallest pipe."""

NOISE = """
import logging, sys
from app import logs
logs.configure("INFO")
log = logging.getLogger("app.noise")
for number in range(int(sys.argv[1])):
    log.info("line", extra={"number": number})
print("said", flush=True)
sys.stdin.read()
log.info("wrong %d", "form")
log.info("last")
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end that is read, and the one that is written, with little room between them."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, ROOM)
    yield read, write
    os.close(read)


def test_requests_are_answered_while_nobody_reads_the_log(pipe: tuple[int, int], postgres: Postgres) -> None:
    read, write = pipe
    environment = {
        **os.environ,
        "DATABASE_URL": postgres.text,
        "SECRET_KEY": SECRET,
        "ALLOW_PLAINTEXT_DATABASE": "true",
    }
    words = [sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    with subprocess.Popen(words, env=environment, stderr=write, cwd="/") as server:
        os.close(write)
        try:
            said = b""
            while b"Serving " not in said or not said.endswith(b"\n"):
                said += os.read(read, ROOM)
            address = said.partition(b"Serving ")[2].split()[0].decode()
            with httpx.Client(base_url=address, timeout=60) as client:
                for _ in range(ROOM // 50):
                    client.get("/api/todos", headers={"Authorization": "Bearer wrong"})
                assert client.get("/readyz").status_code == 200
        finally:
            server.terminate()
        assert server.wait() == 0


def spoken(lines: int, pipe: tuple[int, int], until: bytes) -> list[dict[str, object]]:
    """What a process logs: so many lines before anybody reads one, and two more after `until` was read."""
    read, write = pipe
    with subprocess.Popen(
        [sys.executable, "-c", NOISE, str(lines)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=write,
    ) as noise:
        os.close(write)
        assert noise.stdout is not None
        assert noise.stdin is not None
        assert noise.stdout.readline() == b"said\n"
        output = b""
        while until not in output:
            output += os.read(read, ROOM)
        noise.stdin.close()
        while more := os.read(read, ROOM):
            output += more
        assert noise.wait() == 0
    return [json.loads(line) for line in output.splitlines()]


def test_lines_without_room_are_dropped_and_counted(pipe: tuple[int, int]) -> None:
    lines = spoken(12_000, pipe, b'"number": 9999')
    said = [line["number"] for line in lines if line["event"] == "line"]
    [dropped] = [line["lines"] for line in lines if line["event"] == "logs.dropped"]
    assert said == list(range(len(said)))
    assert len(said) >= 10_000
    assert len(said) + int(str(dropped)) == 12_000
    assert lines[-1]["event"] == "last"


def test_what_cannot_be_logged_is_told_by_its_place(pipe: tuple[int, int]) -> None:
    *_, wrong, last = spoken(1, pipe, b'"number": 0')
    assert (wrong["event"], wrong["where"]) == ("logs.unreadable", "<string>:10")
    assert last["event"] == "last"


def test_lines_with_room_are_all_there(pipe: tuple[int, int]) -> None:
    lines = spoken(9_000, pipe, b'"number": 8999')
    assert [line["number"] for line in lines if line["event"] == "line"] == list(range(9_000))
    assert lines[-1]["event"] == "last"
