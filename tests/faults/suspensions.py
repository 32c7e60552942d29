"""A serverless Postgres goes to sleep, and a request wakes it: what clients see, and for how long."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faults.board import Outcome, Timed
from faults.certificate import certificate
from faults.ground import Ground
from faults.stages import Stage, on_stages
from proxy import Proxy
from support import Postgres, until

STAGES = 3
"""Services that go through this beside each other. Over TLS it is one: handshakes take time from others."""

SOON = 0.5
"""Seconds at most between a connection that wakes the database and its first word."""

LONG_SLEEP = 11
"""One suspension in so many is a long one. It is no multiple of what else takes turns from round to round."""

LONGEST_SLEEP = 3
"""Seconds for which connections are refused then, at most; at least one."""


@dataclass(frozen=True)
class Suspension:
    """One of them, and the seconds that somebody waited."""

    cut: int
    asleep: float
    """For how long connections were refused, if somebody asked all that time."""
    refused: list[float]
    first: float
    """How long the first request waited, beyond what the database took."""


def suspensions(ground: Ground, times: int) -> Outcome:
    """A serverless Postgres goes to sleep, and a request wakes it."""
    with ground.own_server() as server:
        return _suspended(server.postgres, "sslmode=disable", times, STAGES)


def encrypted_suspensions(ground: Ground, times: int) -> Outcome:
    """The same, over TLS with a certificate that is checked: a cut is then another error to libpq."""
    with ground.own_server(encrypts=True) as server, ground.room() as folder:
        authority = _encrypted(server.postgres, server.cluster, folder)
        return _suspended(server.postgres, f"sslmode=verify-full&sslrootcert={authority}", times, 1)


def _suspended(postgres: Postgres, query: str, rounds: int, stages: int) -> Outcome:
    all_of_them = on_stages(postgres, stages, rounds, _round, query)
    cut = sum(one.cut for one in all_of_them)
    first = max(one.first for one in all_of_them)
    refused = [took for one in all_of_them for took in one.refused]
    asleep = [one.asleep for one in all_of_them if one.asleep]
    return Outcome(
        rounds,
        cut,
        f"0 failed after {cut} cut connections, at most {first:.2f} s longer than the database, which took "
        f"up to {SOON} s; {len(refused)} x 503 in {max(refused):.2f} s at most while connections were "
        f"refused, {len(asleep)} times for {min(asleep):.1f} to {max(asleep):.1f} s",
        (Timed("a first request", first, 0.2), Timed("503", max(refused), 0.2)),
    )


def _round(stage: Stage, number: int) -> Suspension:
    chance, asleep = random.Random(number), 0.0
    refused: list[float] = []
    with ThreadPoolExecutor(4) as pool:  # several connections are open, and idle
        answers = list(pool.map(stage.user.client.send, stage.requests()[:2] * 3))
    assert {answer.status_code for answer in answers} == {200}
    cut = stage.proxy.cut("reset" if number % 2 else "closed")
    stage.proxy.refuse()
    if number % LONG_SLEEP == 0:
        asleep = chance.uniform(1, LONGEST_SLEEP)
        refused = _refused(stage, number, asleep)
    elif number % 3 == 0:  # somebody asks too early
        refused = _refused(stage, number, 0)
    return Suspension(cut, asleep, refused, _woken(stage, number, chance.uniform(0, SOON)))


def _refused(stage: Stage, number: int, seconds: float) -> list[float]:
    """Asks for so long, once at the least, and is told to come later. How many seconds each answer took."""
    asked: list[float] = []
    requests, over = stage.requests(), time.monotonic() + seconds
    while not asked or time.monotonic() < over:
        asked.append(stage.refused(requests[(number + len(asked)) % len(requests)]))
        time.sleep(0.05)  # whoever is told to come later does not come at once
    return asked


def _woken(stage: Stage, number: int, seconds: float) -> float:
    """Connections are taken again, and the first waits for so long: how much longer its request took."""
    stage.proxy.forget()
    stage.proxy.freeze()
    stage.proxy.accept()
    over = threading.Event()
    waking = threading.Thread(target=_wake, args=(stage.proxy, seconds, over))
    waking.start()
    try:
        answer, took = stage.timed(stage.requests()[number % 6])
    finally:
        over.set()
        waking.join()
    assert answer.is_success, f"round {number}: {answer.text}"
    return took - seconds


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
