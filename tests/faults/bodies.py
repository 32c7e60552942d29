"""Bodies that are far too large, and bodies that come byte by byte: what they cost the service and others."""

import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx

from app.api.strict import BODY_SECONDS
from app.settings import Settings
from faults.board import Outcome, Timed, p99
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

    The slow ones are let through at the end.
    """
    grown: list[int] = []
    before: list[float] = []
    beside: list[float] = []
    with _service(ground) as (process, client):
        for _ in range(times):
            grown.append(_large(process, client))
            before += _others(client)
            with _opened(process, client, SLOW) as slow:
                with _creeping(slow):
                    beside += _others(client)
                _expect(slow, 201, b'"title":"slow"', PATIENCE)
    return Outcome(
        times * (4 + SLOW),
        times * (4 + SLOW),
        f"{4 * times} of 100 MB refused, {max(grown) / 1e6:.1f} MB more at most, of a limit of "
        f"{LIMIT / 1e6:.1f}; {SLOW * times} slow ones stored; {len(beside)} others answered beside them, "
        f"p99 {p99(beside) * 1000:.1f} ms, before them {p99(before) * 1000:.1f} ms",
        (Timed("p99 of others", p99(beside), 2 * p99(before)),),
    )


def endless_bodies(ground: Ground, times: int) -> Outcome:
    """So many slow ones at once, which nobody lets through: the service ends them itself."""
    with (
        _service(ground) as (process, client),
        _opened(process, client, times) as slow,
        _creeping(slow),
    ):
        _expect(slow, 408, b'"body_too_slow"', BODY_SECONDS + PATIENCE)
        assert client.get("/api/auth/me").status_code == 200
    return Outcome(times, times, f"{times} ended with 408 after {BODY_SECONDS} s")


@contextmanager
def _service(ground: Ground) -> Iterator[tuple[Process, httpx.Client]]:
    """A process, and a client with a token."""
    with (
        ground.database() as database,
        ground.room() as folder,
        running(SERVERS["serve"], database, folder / "output", **AT_ONCE) as process,
        process.client() as client,
    ):
        account = {"email": "alice@example.com", "password": "correct horse battery"}
        token = client.post("/api/auth/register", json=account).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield process, client


def _large(process: Process, client: httpx.Client) -> int:
    """Sends one announced and one in chunks, with a token and without. Returns by how much memory grew."""
    process.forget_peak()
    held = process.memory
    for path, credentials in (
        ("/api/conversations", client.headers["Authorization"]),
        ("/api/auth/register", "Bearer none"),
    ):
        for chunked in (False, True):
            answer = _sent_whole(
                process, _head(path, credentials, None if chunked else LARGE), chunked=chunked
            )
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
def _opened(process: Process, client: httpx.Client, count: int) -> Iterator[list[socket.socket]]:
    """So many requests at once whose bodies are still to come."""
    with ExitStack() as stack:
        slow = [stack.enter_context(_connected(process)) for _ in range(count)]
        for one in slow:
            one.sendall(_head("/api/conversations", client.headers["Authorization"], len(CREEPING)))
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


def _others(client: httpx.Client) -> list[float]:
    """The seconds of requests one after the other, a third of which write."""
    conversation = client.post("/api/conversations", json={}).json()["id"]
    messages, build = f"/api/conversations/{conversation}/messages", client.build_request
    requests = (
        build("GET", "/api/conversations"),
        build("GET", messages),
        build("POST", messages, json={"content": "note"}),
    )
    seconds = []
    for number in range(OTHERS):
        answer = client.send(requests[number % 3])
        assert answer.is_success, answer.text
        # Without what the client does with it, which would make the others look alike.
        seconds.append(answer.elapsed.total_seconds())
    return seconds


@contextmanager
def _connected(process: Process) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE)) as connection:
        yield connection


def _head(path: str, credentials: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (f"POST {path} HTTP/1.1", "Host: here", f"Authorization: {credentials}", size)
    return "\r\n".join((*lines, "Content-Type: application/json", "", "")).encode()


def _answer(connection: socket.socket) -> bytes:
    """All of an answer that ends with a JSON object; what has come of it, if the other side hangs up."""
    answer = b""
    while not answer.endswith(b"}") and (piece := connection.recv(65_536)):
        answer += piece
    return answer
