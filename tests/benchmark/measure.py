"""Rounds: the contestants take turns, so that whatever else the machine does meets all of them alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmark.contestants import Contestant
from benchmark.load import Ask, load
from benchmark.processes import family_seconds, resident_kib
from benchmark.targets import Target, rows

CLIENTS = 32


@dataclass
class Figures:
    """The medians of a contestant's rounds. Times of a request: ms for who waits, µs of CPU."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    postgres_cpus: list[float] = field(default_factory=list)
    client_cpus: list[float] = field(default_factory=list)
    kilobytes: float = 0
    failures: int = 0
    resident_mib: float = 0

    def medians(self) -> dict[str, float]:
        return {
            "requests_per_second": median(self.rates),
            "p50_ms": median(self.p50s),
            "p99_ms": median(self.p99s),
            "cpu_us": median(self.cpus),
            "postgres_cpu_us": median(self.postgres_cpus),
            "client_cpu_us": median(self.client_cpus),
            "kilobytes": self.kilobytes,
            "failures": self.failures,
            "resident_mib": self.resident_mib,
        }


def postmaster(url: str) -> int:
    """The process of the database server."""
    [(folder,)] = rows(url, "SHOW data_directory")
    return int(Path(str(folder), "postmaster.pid").read_text().split()[0])


def measured(
    contestants: list[Contestant],
    operation: str,
    targets: list[Target],
    server: int,
    *,
    rounds: int,
    seconds: float,
    clients: int = CLIENTS,
    progress: Callable[[str], object] = print,
) -> dict[str, dict[str, float]]:
    """Each contestant's medians over so many rounds of so many seconds. `server` is Postgres."""
    asks = {each.name: [each.ask(operation, target) for target in targets] for each in contestants}
    figures = {each.name: Figures() for each in contestants}
    for each in contestants:
        load(each.address, asks[each.name], clients=clients, seconds=0.7)  # what is first is never typical
    for number in range(rounds):
        for each in contestants[number % len(contestants) :] + contestants[: number % len(contestants)]:
            _one_round(each, asks[each.name], server, seconds, clients, figures[each.name])
        progress(f"{operation}: round {number + 1} of {rounds}")
    for name, found in figures.items():
        if found.failures:
            progress(f"{operation}: {found.failures} answers of {name} were refusals")
    return {name: found.medians() for name, found in figures.items()}


def _one_round(
    contestant: Contestant, asks: list[Ask], server: int, seconds: float, clients: int, into: Figures
) -> None:
    spent, postgres = family_seconds(contestant.pid), family_seconds(server)
    found = load(contestant.address, asks, clients=clients, seconds=seconds)
    into.cpus.append((family_seconds(contestant.pid) - spent) / found.requests * 1e6)
    into.postgres_cpus.append((family_seconds(server) - postgres) / found.requests * 1e6)
    into.client_cpus.append(found.client_cpu * 1000)
    into.rates.append(found.rate)
    into.p50s.append(found.p50)
    into.p99s.append(found.p99)
    into.kilobytes = found.kilobytes
    into.failures += sum(found.failures.values())
    into.resident_mib = resident_kib(contestant.pid) / 1024
