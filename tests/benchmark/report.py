"""What was measured, as tables for people and as JSON."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmark.contestants import OPERATIONS


@dataclass(frozen=True)
class Verdict:
    """A figure, and what it should be: `≥` or `≤` than at least this, and better than that."""

    what: str
    value: float
    sign: str
    least: float
    aim: float

    @property
    def reached(self) -> str:
        return "aim" if self._within(self.aim) else "yes" if self._within(self.least) else "NO"

    def _within(self, bound: float) -> bool:
        return self.value >= bound if self.sign == "≥" else self.value <= bound


Results = dict[str, dict[str, dict[str, float]]]
"""The figures of each operation of each contestant."""

SERVICE, TUTORIAL, BARE, FASTIFY = "chat-history", "tutorial", "bare route", "Fastify + postgres.js"

_COLUMNS = (
    "",
    "req/s",
    "x tutorial",
    "p50 ms",
    "p99 ms",
    "p99 x",
    "CPU µs",
    "x bare",
    "PG CPU µs",
    "kB",
    "MiB",
)


def machine(url_version: str) -> dict[str, object]:
    """What it was measured on, and how busy that was with other things."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "postgres": url_version,
        "load": [round(average, 1) for average in os.getloadavg()],
    }


def comparison(results: Results) -> str:
    """A table for each operation: the contestants side by side."""
    return "\n\n".join(f"{operation}\n\n{_table(results[operation])}" for operation in OPERATIONS)


def _table(figures: dict[str, dict[str, float]]) -> str:
    tutorial, bare = figures[TUTORIAL], figures[BARE]
    rows = [
        (
            name,
            f"{found['requests_per_second']:.0f}",
            f"{found['requests_per_second'] / tutorial['requests_per_second']:.1f}",
            f"{found['p50_ms']:.1f}",
            f"{found['p99_ms']:.0f}",
            f"{found['p99_ms'] / tutorial['p99_ms']:.2f}",
            f"{found['cpu_us']:.0f}",
            f"{found['cpu_us'] / bare['cpu_us']:.1f}",
            f"{found['postgres_cpu_us']:.0f}",
            f"{found['kilobytes']:.1f}",
            f"{found['resident_mib']:.0f}",
        )
        for name, found in figures.items()
    ]
    return table(_COLUMNS, rows)


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """As Markdown, with columns that stand straight."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [columns, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def verdicts(results: Results) -> list[Verdict]:
    """What is asked of the service, figure by figure."""
    ours = {operation: results[operation][SERVICE] for operation in OPERATIONS}
    found: list[Verdict] = []
    for operation, least, aim, tail in (
        ("history", 9.0, 12.0, 0.3),
        ("list", 9.0, 14.0, 0.3),
        ("append", 6.0, 10.0, 0.35),
    ):
        tutorial = results[operation][TUTORIAL]
        rate = ours[operation]["requests_per_second"] / tutorial["requests_per_second"]
        found.append(Verdict(f"{operation}: requests, x tutorial", rate, "≥", least, aim))
        p99 = ours[operation]["p99_ms"] / tutorial["p99_ms"]
        found.append(Verdict(f"{operation}: p99, x tutorial", p99, "≤", tail, tail))
    for operation, most, aim in (("history", 2.5, 1.5), ("list", 1.6, 1.1), ("append", 2.3, 1.6)):
        cpu = ours[operation]["cpu_us"] / results[operation][BARE]["cpu_us"]
        found.append(Verdict(f"{operation}: CPU, x bare route", cpu, "≤", most, aim))
    for operation, least, aim in (("history", 1.0, 1.2), ("list", 0.9, 1.1), ("append", 0.6, 1.0)):
        if FASTIFY in results[operation]:
            fastify = results[operation][FASTIFY]["requests_per_second"]
            rate = ours[operation]["requests_per_second"] / fastify
            found.append(Verdict(f"{operation}: requests, x Fastify", rate, "≥", least, aim))
    return found


def raw_verdicts(found: dict[str, dict[str, float]]) -> list[Verdict]:
    """What row-level security costs Postgres."""
    cost = {name: each["postgres_cpu_us"] for name, each in found.items()}
    return [
        Verdict(
            f"{name}: row-level security, x without",
            cost[name] / cost[f"{name}, no policies"],
            "≤",
            1.25,
            1.25,
        )
        for name in OPERATIONS
    ]


def growth_table(grown: dict[str, dict[str, dict[str, float]]]) -> str:
    """What each size costs, and how long it takes."""
    rows = [
        (
            operation,
            size,
            f"{found['p50_ms']:.2f}",
            f"{found['cpu_us']:.0f}",
            f"{found['postgres_cpu_us']:.0f}",
            f"{found['kilobytes']:.1f}",
        )
        for operation, sizes in grown.items()
        for size, found in sizes.items()
    ]
    return table(("", "of", "p50 ms", "CPU µs", "PG CPU µs", "kB"), rows)


def stores_table(found: dict[str, list[dict[str, float | str]]]) -> str:
    """The median of each call at each size, in ms."""
    sizes = list(dict.fromkeys(call["size"] for calls in found.values() for call in calls))
    rows = []
    for name, calls in found.items():
        for operation in dict.fromkeys(call["operation"] for call in calls):
            waits = {call["size"]: float(call["ms"]) for call in calls if call["operation"] == operation}
            cells = (f"{waits[size]:.2f}" if size in waits else "" for size in sizes)
            rows.append((name, str(operation), *cells))
    return table(("", "ms of", *(f"at {size}" for size in sizes)), rows)


def judged(found: list[Verdict]) -> str:
    """The verdicts as a table."""
    rows = [
        (
            each.what,
            f"{each.value:.2f}",
            f"{each.sign} {each.least:g}",
            f"{each.sign} {each.aim:g}",
            each.reached,
        )
        for each in found
    ]
    return table(("what", "measured", "at least", "aim", "reached"), rows)
