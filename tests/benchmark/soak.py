"""Minutes of load with the memory watched, then as many of quiet with the line to Postgres heard.

`python -m benchmark.soak [MINUTES]` in the folder of the tests; ten, if it is not said.
"""

import sys

from app.db import url as urls
from benchmark.contestants import OPERATIONS, service, service_ask
from benchmark.database import seeded
from benchmark.load import load
from benchmark.processes import resident_kib
from benchmark.reach import INSTANT
from benchmark.report import table
from benchmark.targets import targets
from proxy import proxied
from support import Postgres

CLIENTS = 4
ASKED = (*OPERATIONS, "turn")


def main() -> None:
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with seeded("full", print) as url, service(url, **INSTANT) as running:
        chosen = targets(url)
        asks = [service_ask(operation, target) for operation in ASKED for target in chosen]
        rows = []
        for minute in range(minutes):
            found = load(running.address, asks, clients=CLIENTS, seconds=60)
            memory = resident_kib(running.pid) / 1024
            rows.append((str(minute + 1), str(found.requests), _said(found.failures), f"{memory:.1f}"))
            print(f"minute {minute + 1}: {memory:.1f} MiB", flush=True)
        print(f"\n{table(('minute', 'requests', 'refused', 'MiB'), rows)}\n")
    with seeded("full", print) as url, proxied(Postgres(urls.parse(url))) as proxy:
        with service(proxy.text) as running:
            asks = [service_ask(operation, target) for operation in OPERATIONS for target in chosen]
            load(running.address, asks, clients=CLIENTS, seconds=5)
            connections = proxy.connections
            proxy.forget()
            heard = proxy.hears(minutes * 60)
        print(
            f"{len(proxy.said) if heard else 0} bytes said in {minutes} minutes on {connections} connections"
        )


def _said(failures: dict[str, int]) -> str:
    """What was refused: two clients that meet in one chat get 409, as two tabs do."""
    return ", ".join(f"{number} x {status}" for status, number in failures.items()) or "none"


if __name__ == "__main__":
    main()
