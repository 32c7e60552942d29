"""What is asked of the service beside the comparison: round trips, distance, growth, search, turns, start."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx

from app.db import embedded, url as urls
from app.db.migrations import migrate
from benchmark import growth
from benchmark.contestants import OPERATIONS, Contestant, service, service_ask
from benchmark.load import load
from benchmark.measure import measured
from benchmark.processes import environment, own_seconds, started
from benchmark.raw import overheard, send
from benchmark.report import Verdict
from benchmark.targets import Target, token_of

INSTANT = {"CHAT_MODEL": "benchmark.instant:assistant"}
DISTANCE = 20
"""Milliseconds to a database that is far away."""

WORDS = {"rare": "zanzibar", "common": "tuples", "absent": "nowhere"}
"""The common one is in each message of the long conversation."""

AT_LEAST = {"history": 26, "list": 26, "append": 26}


def round_trips(url: str, targets: list[Target]) -> dict[str, float]:
    """What a request says to Postgres, counted on the line: the mean of ten, once connections are there."""
    found = {}
    with overheard(url) as (proxy, address), httpx.Client(base_url=address, verify=False) as client:
        for operation in (*OPERATIONS, "turn"):
            asks = [service_ask(operation, target) for target in targets[:11]]
            send(client, asks[0])
            proxy.forget()
            for ask in asks[1:]:
                send(client, ask)
            found[operation] = proxy.round_trips / 10
    return found


def far_away(url: str, targets: list[Target], seconds: float) -> dict[str, float]:
    """The median of one client's waits, in ms, with the database at a distance."""
    place = urls.arguments(urls.parse(url))
    line = ["-m", "benchmark.distance", str(place["host"]), str(place["port"]), str(DISTANCE)]
    found = {}
    with started(line, "Port ") as (_, port):
        distant = urls.parse(url).set(port=int(port)).render_as_string(hide_password=False)
        with service(distant) as running:
            for operation in OPERATIONS:
                asks = [service_ask(operation, target) for target in targets]
                load(running.address, asks, clients=1, seconds=0.5)
                found[operation] = load(running.address, asks, clients=1, seconds=seconds).p50
    return found


def search(address: str, url: str) -> dict[str, float]:
    """Milliseconds for words in the messages of a user who has 100,000 in one conversation: medians of nine.

    And what comes before: the seconds that searches take until the index has all of them, and how many.
    """
    target = growth.conversation_of(url, growth.LENGTHS[-1])
    headers = {"Authorization": f"Bearer {token_of(target.user)}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60, verify=False) as client:
        rare = {"content": f"A {WORDS['rare']} word"}
        client.post(f"/api/conversations/{target.conversation}/messages", json=rare).raise_for_status()

        def look(word: str) -> float:
            began = time.perf_counter()
            client.get("/api/search", params={"q": word}).raise_for_status()
            return time.perf_counter() - began

        began, requests = time.perf_counter(), 1
        # As long as the index lacks something, messages are looked through page by page.
        while client.get("/api/search", params={"q": WORDS["absent"]}).json()["next_cursor"] is not None:
            requests += 1
        found = {"index, s": time.perf_counter() - began, "index, requests": requests}
        return found | {name: median(look(word) for _ in range(9)) * 1000 for name, word in WORDS.items()}


def turn(url: str, targets: list[Target], server: int, rounds: int, seconds: float) -> dict[str, float]:
    """CPU in µs of an append, and of a turn of an assistant that has its answer ready; one client."""
    with service(url, **INSTANT) as running:

        def side(operation: str) -> Contestant:
            return replace(running, name=operation, ask=lambda _, target: service_ask(operation, target))

        sides = [side("append"), side("turn")]
        found = measured(
            sides, "turn", targets, server, rounds=rounds, seconds=seconds, clients=1, progress=lambda _: None
        )
    return {name: growth.cost(figures) for name, figures in found.items()}


def start() -> dict[str, float]:
    """Seconds of CPU until `serve` answers on an embedded database that is there, and of the import."""
    with TemporaryDirectory(prefix="chat-history-benchmark-start-") as name:
        Path(name).chmod(0o711)
        data = Path(name, "data")
        with embedded.running(data) as url:
            migrate(urls.parse(url))
        given = {"DATA_DIR": str(data), "LOG_LEVEL": "WARNING"}
        spent = []
        for _ in range(3):
            with started(["-m", "app.cli", "serve", "--port", "0"], "Serving ", **given) as (pid, address):
                httpx.get(f"{address}/readyz", verify=False).raise_for_status()
                spent.append(own_seconds(pid))
    imported = "import time; import app.cli; print(time.process_time())"
    command = [sys.executable, "-c", imported]
    imports = [
        float(subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    return {"serve": median(spent), "import": median(imports)}


def verdicts(found: dict[str, dict[str, float]], grown: growth.Growth) -> list[Verdict]:
    """What is asked of all this."""
    trips, far, looked = found["round trips"], found["far away"], found["search"]
    cost, started_in = found["turn"], found["start"]
    long, usual = str(growth.LENGTHS[-1]), "100"
    accounts = list(grown["list"])
    return [
        *(Verdict(f"{name}: round trips", trips[name], "≤", 1, 1) for name in OPERATIONS),
        Verdict("turn: round trips", trips["turn"], "≤", 4, 2),
        *(
            Verdict(f"{name}: p50 at +{DISTANCE} ms", far[name], "≤", most, most)
            for name, most in AT_LEAST.items()
        ),
        *(
            Verdict(
                f"{name}: cost at {long} messages, x at {usual}",
                growth.cost(grown[name][long]) / growth.cost(grown[name][usual]),
                "≤",
                1.3,
                1.3,
            )
            for name in ("first page", "later page", "append")
        ),
        Verdict(
            f"list: cost at {accounts[-1]} conversations, x at {accounts[1]}",
            growth.cost(grown["list"][accounts[-1]]) / growth.cost(grown["list"][accounts[1]]),
            "≤",
            1.3,
            1.3,
        ),
        *(Verdict(f"search: a word that is {name}, ms", looked[name], "≤", 150, 150) for name in WORDS),
        Verdict("turn: cost, x append", cost["turn"] / cost["append"], "≤", 4, 4),
        Verdict("serve: seconds of CPU", started_in["serve"], "≤", 3, 3),
        Verdict("import of the command line, seconds", started_in["import"], "≤", 0.3, 0.3),
    ]
