"""The metrics of `/metrics`. Their labels are route templates, methods and states, never ids or texts."""

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The counters of one application; two applications in a process do not share them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "http_request_seconds",
            "Requests by route, method and status, and how long they took.",
            ["route", "method", "status"],
            registry=self.registry,
            buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10),
        )
        self.turns = Counter("chat_turns", "Replies by how they ended.", ["status"], registry=self.registry)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Adds a gauge whose value is read when the metrics are requested."""
        Gauge(name, description, registry=self.registry).set_function(value)

    def watch_each(
        self, name: str, description: str, label: str, values: Callable[[], Mapping[str, float]]
    ) -> None:
        """Adds a gauge with several values that differ in one label."""
        gauge = Gauge(name, description, [label], registry=self.registry)
        for key in values():
            gauge.labels(key).set_function(partial(_pick, values, key))


def _pick(values: Callable[[], Mapping[str, float]], key: str) -> float:
    return values()[key]
