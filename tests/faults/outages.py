"""The database sleeps, says nothing, or has no connection left: what clients see, and for how long."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx

from app.main import create_app
from database_for_tests import locked, waiting_for_locks
from faults.board import Outcome
from faults.certificate import certificate
from faults.ground import Ground
from proxy import Proxy, proxied
from support import Postgres, Service, User, served, settings, until

PATIENCE = 20
"""Seconds after which an answer has not come: three times what it may take, for a busy machine."""

TWICE = 9
"""Seconds. Nobody waits for a silent database for longer than 5.5; who waits twice takes 10."""

SOON = 0.5
"""Seconds at most between a connection that wakes the database and its first word."""

LONG_SLEEP = 11
"""One suspension in so many is a long one. It is no multiple of what else takes turns from round to round."""

LONGEST_SLEEP = 3
"""Seconds for which connections are refused then, at most; at least one."""


@dataclass(frozen=True)
class Stage:
    """A service whose way to the database can be broken, and a user with a conversation."""

    service: Service
    proxy: Proxy
    user: User
    conversation: int

    def requests(self) -> list[httpx.Request]:
        """One of each kind: reads, writes, a turn."""
        path = f"/api/conversations/{self.conversation}"
        build = self.user.client.build_request
        return [
            build("GET", "/api/conversations"),
            build("GET", f"{path}/messages"),
            build("POST", f"{path}/messages", json={"content": "note"}),
            build("PATCH", path, json={"pinned": True}),
            build("POST", f"/api/chat/{self.conversation}/message", json={"message": "list"}),
            build("GET", "/api/auth/me"),
        ]


@contextmanager
def staged(postgres: Postgres, query: str = "", **changes: object) -> Iterator[Stage]:
    with ExitStack() as stack:
        proxy = stack.enter_context(proxied(postgres))
        url = proxy.url.update_query_string(query) if query else proxy.url
        # The patience of the product, which is on trial here, and not that of the other tests.
        patience = {"database_timeout": 5, "database_pool_timeout": 5, **changes}
        given = settings(postgres, database_url=url.render_as_string(hide_password=False), **patience)
        service = stack.enter_context(served(create_app(given), postgres))
        user = service.user("alice@example.com")
        user.client.timeout = httpx.Timeout(PATIENCE)
        yield Stage(service, proxy, user, user.conversation())


def suspensions(ground: Ground, times: int) -> Outcome:
    """A serverless Postgres goes to sleep, and a request wakes it."""
    with ground.own_server() as server:
        return _suspended(server.postgres, "sslmode=disable", times)


def encrypted_suspensions(ground: Ground, times: int) -> Outcome:
    """The same, over TLS with a certificate that is checked: a cut is then another error to libpq."""
    with ground.own_server(encrypts=True) as server, ground.room() as folder:
        authority = _encrypted(server.postgres, server.cluster, folder)
        return _suspended(server.postgres, f"sslmode=verify-full&sslrootcert={authority}", times)


def _suspended(postgres: Postgres, query: str, rounds: int) -> Outcome:
    chance, cut = random.Random(1), 0
    asleep: list[float] = []
    refused: list[float] = []
    first: list[float] = []
    with staged(postgres, query) as stage:
        for number in range(rounds):
            with ThreadPoolExecutor(4) as pool:  # several connections are open, and idle
                answers = list(pool.map(stage.user.client.send, stage.requests()[:2] * 3))
            assert {answer.status_code for answer in answers} == {200}
            cut += stage.proxy.cut("reset" if number % 2 else "closed")
            stage.proxy.refuse()
            if number % LONG_SLEEP == 0:
                asleep.append(chance.uniform(1, LONGEST_SLEEP))
                refused += _refused(stage, number, asleep[-1])
            elif number % 3 == 0:  # somebody asks too early
                refused += _refused(stage, number, 0)
            first.append(_woken(stage, number, chance.uniform(0, SOON)))
    return Outcome(
        rounds,
        cut,
        f"0 failed after {cut} cut connections, at most {max(first):.2f} s of which the database took up to "
        f"{SOON} s; {len(refused)} x 503 in {max(refused):.2f} s at most while connections were refused, "
        f"{len(asleep)} times for {min(asleep):.1f} to {max(asleep):.1f} s",
    )


def _refused(stage: Stage, number: int, seconds: float) -> list[float]:
    """Asks for so long, once at the least, and is told to come later. How many seconds each answer took."""
    asked: list[float] = []
    requests, over = stage.requests(), time.monotonic() + seconds
    while not asked or time.monotonic() < over:
        answer, took = _timed(stage.user.client, requests[(number + len(asked)) % len(requests)])
        expect_503(answer)
        asked.append(took)
        time.sleep(0.05)  # whoever is told to come later does not come at once
    return asked


def _woken(stage: Stage, number: int, seconds: float) -> float:
    """Connections are taken again, and the first waits for so long. How many seconds its request took."""
    stage.proxy.forget()
    stage.proxy.freeze()
    stage.proxy.accept()
    over = threading.Event()
    waking = threading.Thread(target=_wake, args=(stage.proxy, seconds, over))
    waking.start()
    try:
        answer, took = _timed(stage.user.client, stage.requests()[number % 6])
    finally:
        over.set()
        waking.join()
    assert answer.is_success, f"round {number}: {answer.text}"
    return took


def _wake(proxy: Proxy, seconds: float, over: threading.Event) -> None:
    """A first connection wakes the database, which takes its time; else nobody waits for it."""
    until(lambda: proxy.accepted > 0 or over.is_set())
    time.sleep(seconds)  # this is the fault, and nobody waits for it to be over
    proxy.thaw()


def _encrypted(postgres: Postgres, cluster: Path, folder: Path) -> Path:
    """Gives the server a certificate of its own. Returns the file that clients need to trust it."""
    authority = certificate(cluster, folder)
    for name in ("ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'", "ssl = on"):
        postgres.rows(f"ALTER SYSTEM SET {name}")
    postgres.rows("SELECT pg_reload_conf()")
    until(lambda: postgres.value("SHOW ssl") == "on")
    return authority


def black_holes(ground: Ground, times: int) -> Outcome:
    """Postgres takes everything and answers nothing, with connections open and without."""
    seconds: list[float] = []
    health: list[float] = []
    with ground.database() as database, staged(database) as stage:
        for number in range(times):
            for request in stage.requests()[:2] * (number % 2):
                assert stage.user.client.send(request).status_code == 200
            stage.proxy.freeze()
            with ThreadPoolExecutor(12) as pool:
                asked = [pool.submit(_timed, stage.user.client, request) for request in stage.requests() * 2]
                while not all(answer.done() for answer in asked):
                    answer, took = _timed(
                        stage.user.client, stage.user.client.build_request("GET", "/healthz")
                    )
                    assert answer.status_code == 200
                    health.append(took)
            for answer, took in (one.result() for one in asked):
                expect_503(answer)
                seconds.append(took)
            assert max(seconds) < TWICE, "somebody waited twice"
            stage.proxy.cut()
            stage.proxy.thaw()
            assert stage.user.get("/api/auth/me").status_code == 200, "it does not come back"
    return Outcome(
        len(seconds),
        times,
        f"all 503 with Retry-After, median {median(seconds):.2f} s, at most {max(seconds):.2f} s; meanwhile "
        f"{len(health)} x /healthz 200, p99 {_p99(health) * 1000:.0f} ms; first request afterwards 200",
    )


def full_pools(ground: Ground, times: int) -> Outcome:
    """All connections are in use for longer than a request waits for one."""
    refused, seconds = 0, []
    with (
        ground.database() as database,
        staged(database, database_pool_size=2, database_pool_timeout=0.3) as stage,
    ):
        for _ in range(times):
            with ThreadPoolExecutor(8) as pool:
                with locked(database, "conversation"):
                    held = [pool.submit(stage.user.get, "/api/conversations") for _ in range(2)]
                    _expect(lambda: waiting_for_locks(database) == 2, "not every connection can be used")
                    for answer in pool.map(lambda _: stage.user.get("/api/auth/me"), range(4)):
                        expect_503(answer)
                        refused += 1
                began = time.monotonic()
                _expect(lambda: _is_answered(stage.user), "the connections are not given back")
                seconds.append(time.monotonic() - began)
                assert [answer.result().status_code for answer in held] == [200, 200]
    return Outcome(
        times, refused, f"{refused} answers 503 with Retry-After; 200 after {max(seconds):.2f} s at most"
    )


def _is_answered(user: User) -> bool:
    """Whether there is a connection; at first the two that waited have not given theirs back yet."""
    answer = user.get("/api/conversations")
    if answer.status_code == 503:
        expect_503(answer)
        return False
    assert answer.status_code == 200
    return True


def _expect(condition: Callable[[], bool], fault: str) -> None:
    """Waits for it, and fails the line with the fault if it never comes."""
    over = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < over, f"{fault}, after {PATIENCE} s"
        time.sleep(0.005)


def sleeping_calls(ground: Ground, times: int) -> Outcome:
    """Forty requests wait for the database; whoever does not need it notices nothing."""
    health: list[float] = []
    waiting = 0
    with ground.database() as database, staged(database) as stage, ThreadPoolExecutor(40) as pool:
        healthz = stage.user.client.build_request("GET", "/healthz")
        for _ in range(times):
            with locked(database, "conversation"):
                held = [pool.submit(stage.user.get, "/api/conversations") for _ in range(40)]
                until(lambda: waiting_for_locks(database) > 0)
                for number in range(100):
                    answer, took = _timed(stage.user.client, healthz)
                    assert answer.status_code == 200
                    health.append(took)
                    if number % 20 == 0:
                        waiting = max(waiting, waiting_for_locks(database))
            assert {answer.result().status_code for answer in held} <= {200, 503}
    return Outcome(
        len(health), waiting, f"/healthz 200, p99 {_p99(health) * 1000:.0f} ms, {waiting} statements waiting"
    )


def expect_503(answer: httpx.Response) -> None:
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert int(answer.headers["retry-after"]) > 0


def _timed(client: httpx.Client, request: httpx.Request) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    return client.send(request), time.monotonic() - began


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[-1]
