"""The database says nothing, refuses, or has no connection left: what clients see, and for how long."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from database_for_tests import locked, waiting_for_locks
from faults.board import Outcome, Timed, p99
from faults.ground import Ground
from faults.stages import PATIENCE, Stage, expect_503, on_stages, staged
from support import User, until

TWICE = 9
"""Seconds. Nobody waits for a silent database for longer than 5.5; who waits twice takes 10."""

STAGES = 5
"""Services that wait for a silent database beside each other."""

LOOK = 0.01
"""Seconds from one /healthz to the next."""


@dataclass(frozen=True)
class BlackHole:
    """The seconds of all answers while the database was silent, of /healthz, and while it refused."""

    silent: list[float]
    health: list[float]
    refused: list[float]


def black_holes(ground: Ground, times: int) -> Outcome:
    """Postgres takes everything and answers nothing, with connections open and without; then it refuses."""
    with ground.database() as database:
        holes = on_stages(database, STAGES, times, _black_hole)
    silent = [took for hole in holes for took in hole.silent]
    refused = [took for hole in holes for took in hole.refused]
    health = [took for hole in holes for took in hole.health]
    return Outcome(
        len(silent) + len(refused),
        times,
        f"all 503 with Retry-After; silent: median {median(silent):.2f} s, at most {max(silent):.2f} s; "
        f"refused: median {median(refused):.3f} s, at most {max(refused):.3f} s; meanwhile {len(health)} x "
        f"/healthz 200, p99 {p99(health) * 1000:.0f} ms; first request afterwards 200",
        (
            Timed("503 while it is silent", max(silent), 6),
            Timed("503 while it refuses", max(refused), 0.2),
            Timed("p99 of /healthz", p99(health), 0.1),
        ),
    )


def _black_hole(stage: Stage, number: int) -> BlackHole:
    for request in stage.requests()[:2] * (number % 2):
        assert stage.user.client.send(request).status_code == 200
    stage.proxy.freeze()
    health: list[float] = []
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(stage.refused, request) for request in stage.requests() * 2]
        while not all(answer.done() for answer in asked):
            answer, took = stage.timed(stage.health())
            assert answer.status_code == 200
            health.append(took)
            time.sleep(LOOK)
    silent = [one.result() for one in asked]
    assert max(silent) < TWICE, "somebody waited twice"
    stage.proxy.refuse()
    stage.proxy.thaw()
    refused = [stage.refused(request) for request in stage.requests()]
    stage.proxy.accept()
    assert stage.user.get("/api/auth/me").status_code == 200, "it does not come back"
    return BlackHole(silent, health, refused)


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
        times + refused,
        refused,
        f"{refused} answers 503 with Retry-After; 200 after {max(seconds):.2f} s at most",
        (Timed("200", max(seconds), 1),),
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
        for _ in range(times):
            with locked(database, "conversation"):
                held = [pool.submit(stage.user.get, "/api/conversations") for _ in range(40)]
                until(lambda: waiting_for_locks(database) > 0)
                for number in range(100):
                    answer, took = stage.timed(stage.health())
                    assert answer.status_code == 200
                    health.append(took)
                    if number % 20 == 0:
                        waiting = max(waiting, waiting_for_locks(database))
            assert {answer.result().status_code for answer in held} <= {200, 503}
    return Outcome(
        len(health),
        waiting,
        f"/healthz 200, p99 {p99(health) * 1000:.0f} ms, {waiting} statements waiting",
        (Timed("p99 of /healthz", p99(health), 0.1),),
    )
