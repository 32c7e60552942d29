"""Bodies that are far too large, and bodies that come byte by byte: what they cost the service and others."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from statistics import quantiles

import httpx

from app.api.strict import BODY_SECONDS
from app.settings import Settings
from faults.board import Outcome
from faults.ground import Ground
from input.processes import Process, running
from input.test_logs import SERVERS

LIMIT: int = Settings.model_fields["max_body_bytes"].default
LARGE = 100_000_000
SLOW = 50
OTHERS = 300
"""How many requests are timed, before and beside the slow ones."""

PATIENCE = 45
PIECE = b"x" * 65_536
CREEPING = b'{"title":"slow"}' + b" " * 100_000
"""What comes byte by byte. It would take longer than it may."""

PAUSE = 0.1
"""Seconds from one byte to the next."""

AT_ONCE = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""The C library keeps what was freed for later; told not to, it lets us see what is really held."""


def bodies(ground: Ground, times: int) -> Outcome:
    """Each round sends four bodies that are too large, and then fifty slow ones at once beside others.

    The slow ones are let through at the end. If there are several rounds, those of the last one are not: the
    service ends them itself.
    """
    grown, before, beside = [], [], []
    with (
        ground.database() as database,
        ground.room() as folder,
        running(SERVERS["serve"], database, folder / "output", **AT_ONCE) as process,
        process.client() as client,
    ):
        account = {"email": "alice@example.com", "password": "correct horse battery"}
        token = client.post("/api/auth/register", json=account).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for number in range(times):
            grown.append(_large(process, token))
            before.append(_p99(client))
            is_last = 0 < number == times - 1
            with _opened(process, token) as slow:
                with _creeping(slow):
                    beside.append(_p99(client))
                    if is_last:
                        _expect(slow, 408, b'"body_too_slow"', BODY_SECONDS + PATIENCE)
                if not is_last:
                    _expect(slow, 201, b'"title":"slow"', PATIENCE)
    ended = SLOW if times > 1 else 0
    return Outcome(
        times * (4 + SLOW),
        times * (4 + SLOW),
        f"{4 * times} of 100 MB refused, {max(grown) / 1e6:.1f} MB more at most, of a limit of "
        f"{LIMIT / 1e6:.1f}; {SLOW * times - ended} slow ones stored, {ended} ended after {BODY_SECONDS} s; "
        f"{OTHERS * times} others answered beside them, p99 {max(beside) * 1000:.0f} ms at most, "
        f"before them {max(before) * 1000:.0f} ms",
    )


def _large(process: Process, token: str) -> int:
    """Sends one announced and one in chunks, with a token and without. Returns by how much memory grew."""
    process.forget_peak()
    held = process.memory
    for path, bearer in (("/api/conversations", token), ("/api/auth/register", "none")):
        for chunked in (False, True):
            answer = _sent_whole(process, _head(path, bearer, None if chunked else LARGE), chunked=chunked)
            assert answer.startswith(b"HTTP/1.1 413 "), answer[:300]
            assert b'"body_too_large"' in answer
    grown = process.peak - held
    assert grown < 2 * LIMIT, f"{grown / 1e6:.1f} MB more for bodies of at most {LIMIT / 1e6:.1f}"
    return grown


def _sent_whole(process: Process, head: bytes, *, chunked: bool) -> bytes:
    """Sends all of it, whatever is answered meanwhile, unless the other side hangs up. Returns the answer."""
    whole, rest = divmod(LARGE - len(b'{"title":""}'), len(PIECE))
    answer = b""
    with _connected(process) as connection, suppress(ConnectionError):
        connection.sendall(head)
        for piece in (b'{"title":"', *[PIECE] * whole, PIECE[:rest], b'"}', b""):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if not answer and select.select([connection], [], [], 0)[0]:
                answer = _answer(connection)
        answer = answer or _answer(connection)
    return answer


@contextmanager
def _opened(process: Process, token: str) -> Iterator[list[socket.socket]]:
    """Requests at once whose bodies are still to come."""
    with ExitStack() as stack:
        slow = [stack.enter_context(_connected(process)) for _ in range(SLOW)]
        for one in slow:
            one.sendall(_head("/api/conversations", token, len(CREEPING)))
        yield slow


@contextmanager
def _creeping(slow: list[socket.socket]) -> Iterator[None]:
    """Their bodies come byte by byte for as long as the block takes, and then the rest of them at once."""
    over = threading.Event()

    def creep() -> int:
        for place in range(len(CREEPING)):
            _send(slow, CREEPING[place : place + 1])
            if over.wait(PAUSE):
                return place + 1
        return len(CREEPING)

    with ThreadPoolExecutor(1) as pool:
        creeping = pool.submit(creep)
        try:
            yield
        finally:
            over.set()
            _send(slow, CREEPING[creeping.result() :])


def _send(slow: list[socket.socket], piece: bytes) -> None:
    for one in slow:
        with suppress(ConnectionError):  # it was told that it is too slow
            one.sendall(piece)


def _expect(slow: list[socket.socket], status: int, said: bytes, seconds: float) -> None:
    for one in slow:
        one.settimeout(seconds)
        answer = _answer(one)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
        assert said in answer


def _p99(client: httpx.Client) -> float:
    """Of requests one after the other, a third of which write: each has to be answered as usual."""
    conversation = client.post("/api/conversations", json={}).json()["id"]
    messages, build = f"/api/conversations/{conversation}/messages", client.build_request
    requests = (
        build("GET", "/api/conversations"),
        build("GET", messages),
        build("POST", messages, json={"content": "note"}),
    )
    seconds = []
    for number in range(OTHERS):
        began = time.perf_counter()
        answer = client.send(requests[number % 3])
        seconds.append(time.perf_counter() - began)
        assert answer.is_success, answer.text
    return quantiles(seconds, n=100)[-1]


@contextmanager
def _connected(process: Process) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE)) as connection:
        yield connection


def _head(path: str, token: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (f"POST {path} HTTP/1.1", "Host: here", f"Authorization: Bearer {token}", size)
    return "\r\n".join((*lines, "Content-Type: application/json", "", "")).encode()


def _answer(connection: socket.socket) -> bytes:
    """All of an answer that ends with a JSON object; what has come of it, if the other side hangs up."""
    answer = b""
    while not answer.endswith(b"}") and (piece := connection.recv(65_536)):
        answer += piece
    return answer
