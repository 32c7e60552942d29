"""How many streams a worker carries, and what a token costs it: `python -m benchmark.streams [STREAMS ...]`.

Each stream is a reply of 20 tokens a second for ten seconds, read by a client over a socket of its own.
Once the assistant lives in the server's process, once it is a model behind OpenAI's wire. What counts is
the server's own processor time (from /proc) and the gaps between two pieces of text; the clients share the
machine.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
import psycopg2
import uvloop

from app import tokens
from app.db import embedded
from app.db.migrations import migrate
from app.db.url import parse
from benchmark.contestants import GENEROUS
from benchmark.processes import processor_seconds, resident_kib, started
from benchmark.ticking import TOKEN, TOKENS

SECRET = "the secret of the benchmark, 32 bytes"
USERS = 100


@dataclass
class Figures:
    streams: int
    complete: int
    tokens: int
    gap_p50: float
    gap_p99: float
    cpu_a_token: float
    cpu_share: float
    kib_a_stream: float
    history_ms: float
    idle_ms: float
    """The same page before the first stream."""

    def row(self) -> str:
        return (
            f"{self.streams:>7} {self.complete:>8} {self.tokens:>8} {self.gap_p50:>8.0f} {self.gap_p99:>8.0f}"
            f" {self.cpu_a_token * 1e6:>10.0f} {self.cpu_share:>7.0%} {self.kib_a_stream:>10.0f}"
            f" {self.history_ms:>10.1f} {self.idle_ms:>7.1f}"
        )


HEADER = " streams complete   tokens  gap p50  gap p99  µs a token     CPU  KiB/stream  history ms idle ms"


async def one_stream(host: str, port: int, token: str, session: int, gaps: list[float]) -> int:
    """Reads one reply and returns its tokens."""
    reader, writer = await asyncio.open_connection(host, port)
    body = b'{"message":"Go"}'
    head = (
        f"POST /api/chat/{session}/message HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    read, last, told = b"", 0.0, 0
    while b"[DONE]" not in read[-64:]:
        piece = await reader.read(65_536)
        if not piece:
            break
        read += piece
        now = time.perf_counter()
        if b"text-delta" in piece:
            if last:
                gaps.append(now - last)
            last = now
            told += piece.count(TOKEN.encode())
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return told


async def measure(address: str, pid: int, users: list[int], streams: int) -> Figures:
    own = [tokens.issue(user, SECRET, 3600, time.time()) for user in users]
    async with httpx.AsyncClient(base_url=address, timeout=60, verify=False) as client:

        async def session(number: int) -> int:
            headers = {"Authorization": f"Bearer {own[number % len(own)]}"}
            return int((await client.post("/api/chat/start", headers=headers)).json()["session_id"])

        async def history(number: int) -> float:
            asked = time.perf_counter()
            headers = {"Authorization": f"Bearer {own[number % len(own)]}"}
            (await client.get(f"/api/chat/{sessions[number]}/history", headers=headers)).raise_for_status()
            return time.perf_counter() - asked

        sessions = [await session(number) for number in range(streams)]
        idle = [await history(number) for number in range(20)]
        gaps: list[float] = []
        before, memory, began = processor_seconds(pid), resident_kib(pid), time.perf_counter()
        host, port = address.removeprefix("http://").split(":")

        async def spread(number: int) -> int:
            await asyncio.sleep(number / streams)
            return await one_stream(host, int(port), own[number % len(own)], sessions[number], gaps)

        running = asyncio.gather(*(spread(number) for number in range(streams)))
        await asyncio.sleep(TOKENS * 0.05 / 2)
        peak = resident_kib(pid)
        waits = [await history(number) for number in range(20)]
        told = await running
        spent, took = processor_seconds(pid) - before, time.perf_counter() - began
    gaps.sort()
    return Figures(
        streams,
        sum(count == TOKENS for count in told),
        sum(told),
        gaps[len(gaps) // 2] * 1000,
        gaps[len(gaps) * 99 // 100] * 1000,
        spent / sum(told),
        spent / took,
        (peak - memory) / streams,
        median(waits) * 1000,
        median(idle) * 1000,
    )


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [100, 400, 800]
    with tempfile.TemporaryDirectory(prefix="chat-history-benchmark-") as name:
        Path(name).chmod(0o711)
        with (
            embedded.running(Path(name, "data")) as url,
            started(["-m", "benchmark.ticking_model"], "Ticking on ") as (_, model),
        ):
            migrate(parse(url))
            common = {
                "DATABASE_URL": url,
                "SECRET_KEY": SECRET,
                "LOG_LEVEL": "WARNING",
                **GENEROUS,
                "MAX_RUNNING_TURNS": "5000",
                "MAX_RUNNING_TURNS_PER_USER": "100",
            }
            users = _users(url)
            for what, settings in (
                ("in the server's process", {"CHAT_MODEL": "benchmark.ticking:assistant"}),
                (
                    "a model over OpenAI's wire",
                    {
                        "CHAT_MODEL": "openai:bench",
                        "OPENAI_API_KEY": "none",
                        "OPENAI_BASE_URL": f"http://127.0.0.1:{model}/v1",
                        "MODEL_TOOLS": "false",
                    },
                ),
            ):
                print(f"\nThe assistant: {what}; {TOKENS} tokens each, 20 a second\n{HEADER}", flush=True)
                for streams in counts:
                    with started(
                        ["-m", "app.cli", "serve", "--port", "0"], "Serving ", **common, **settings
                    ) as (pid, address):
                        print(uvloop.run(measure(address, pid, users, streams)).row(), flush=True)


def _users(url: str) -> list[int]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO \"user\" (email, password_hash) SELECT n || '@example.com', '' "
            "FROM generate_series(1, %s) n RETURNING id",
            (USERS,),
        )
        found = [row[0] for row in cursor.fetchall()]
    connection.close()
    return found


if __name__ == "__main__":
    main()
