"""The client, in a process of its own: `python -m benchmark.load` is told on standard input what to ask.

Sockets of asyncio on uvloop, kept alive: each asks again as soon as it was answered. It understands only what
it must, the status and Content-Length, so that it costs a small part of what it measures.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import cast

import uvloop

from benchmark.processes import environment


@dataclass(frozen=True)
class Ask:
    """A request."""

    path: str
    token: str
    body: str | None = None

    def text(self, host: str) -> bytes:
        body = (self.body or "").encode()
        head = (
            f"{'GET' if self.body is None else 'POST'} {self.path} HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {self.token}\r\n"
        )
        if self.body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body


@dataclass(frozen=True)
class Load:
    """What came of asking for a while. Times are in ms but for `seconds`; CPU is the client's own."""

    requests: int
    failures: dict[str, int]
    """How many were refused, by status; `lost` is a connection that ended."""
    seconds: float
    p50: float
    p99: float
    kilobytes: float
    client_cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def load(address: str, asks: list[Ask], *, clients: int, seconds: float) -> Load:
    """Asks at random what is in `asks`, by so many clients, for so long."""
    told = json.dumps(
        {
            "address": address.removeprefix("http://"),
            "asks": [asdict(ask) for ask in asks],
            "clients": clients,
            "seconds": seconds,
        }
    )
    command = [sys.executable, "-m", "benchmark.load"]
    ran = subprocess.run(
        command,
        input=told,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return Load(**json.loads(ran.stdout))


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, asks: list[bytes], until: float) -> None:
        self.waits: list[float] = []
        self.failures: Counter[str] = Counter()
        self.bytes = 0
        self.over = asyncio.get_running_loop().create_future()
        self._length = 0  # of the whole answer, once its head is there
        self._read = b""
        self._asks = asks
        self._until = until

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's inherits from nothing
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self._length:
            head, found, _ = self._read.partition(b"\r\n\r\n")
            if not found:
                return
            self._status = head[9:12].decode()
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._length = len(head) + 4 + int(length)
        if len(self._read) >= self._length:
            self.waits.append(time.perf_counter() - self._asked)
            self.bytes += len(self._read)
            if not self._status.startswith("2"):
                self.failures[self._status] += 1
            self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.over.done():
            self.failures["lost"] += 1
            self.over.set_result(None)

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked > self._until:
            self.over.set_result(None)
            self._transport.close()
            return
        self._read = b""
        self._length = 0
        self._transport.write(random.choice(self._asks))


async def _asked(told: dict[str, object]) -> Load:
    host, port = str(told["address"]).split(":")
    asks = [Ask(**ask).text(host) for ask in told["asks"]]  # type: ignore[attr-defined]
    loop, began, spent = asyncio.get_running_loop(), time.perf_counter(), time.process_time()
    until = began + float(str(told["seconds"]))
    clients = [
        (await loop.create_connection(lambda: _Client(asks, until), host, int(port)))[1]
        for _ in range(int(str(told["clients"])))
    ]
    await asyncio.gather(*(client.over for client in clients))
    took = time.perf_counter() - began
    waits = sorted(wait for client in clients for wait in client.waits) or [0.0]
    return Load(
        len(waits),
        dict(sum((client.failures for client in clients), Counter())),
        took,
        waits[len(waits) // 2] * 1000,
        waits[len(waits) * 99 // 100] * 1000,
        sum(client.bytes for client in clients) / len(waits) / 1000,
        (time.process_time() - spent) / len(waits) * 1000,
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_asked(json.load(sys.stdin))))))
