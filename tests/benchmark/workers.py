"""One process of the service, and two behind one port: `python -m benchmark.workers` where the tests are."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import httpx

from benchmark.contestants import GENEROUS, OPERATIONS, Contestant, service_ask
from benchmark.database import seeded
from benchmark.measure import measured, postmaster
from benchmark.processes import environment
from benchmark.report import table
from benchmark.targets import SECRET, targets

ROUNDS, SECONDS = 5, 3


@contextmanager
def workers(url: str, number: int) -> Iterator[Contestant]:
    """So many processes of uvicorn, each with the service in it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *("-m", "uvicorn", "app.asgi:app", "--workers", str(number), "--port", str(port))],
        env=environment(DATABASE_URL=url, SECRET_KEY=SECRET, LOG_LEVEL="ERROR", **GENEROUS),
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            with suppress(httpx.TransportError):
                httpx.get(f"{address}/readyz", verify=False).raise_for_status()
                break
            time.sleep(0.1)
        yield Contestant(str(number), process.pid, address, service_ask)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    with seeded("full", print) as url, workers(url, 1) as one, workers(url, 2) as two:
        chosen, server, rows = targets(url), postmaster(url), []
        for operation in OPERATIONS:
            found = measured([one, two], operation, chosen, server, rounds=ROUNDS, seconds=SECONDS)
            rates = [found[each.name]["requests_per_second"] for each in (one, two)]
            rows.append((operation, *(f"{rate:.0f}" for rate in rates), f"{rates[1] / rates[0]:.2f}"))
    print(f"\n{table(('', 'one, req/s', 'two, req/s', 'x'), rows)}\n")


if __name__ == "__main__":
    main()
