"""The board: what is tried, how often, what hit, what came of it, and what must come of it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from faults.ground import Ground, Unavailable


@dataclass(frozen=True)
class Outcome:
    """What a check that found no fault of the service says."""

    tried: int
    hit: int
    """How many of the tries met what the figure is about: a fault, a refusal, a race. 0 proves nothing."""
    said: str


@dataclass(frozen=True)
class Figure:
    """A line of the board. `check` is given how often to try, and fails if the target is missed."""

    id: str
    what: str
    target: str
    check: Callable[[Ground, int], Outcome]
    gate: int
    """How often it is tried for every change; 0: only by hand."""
    deep: int

    @property
    def is_timed(self) -> bool:
        """Whether its target has seconds, which are those of an idle machine."""
        return "idle:" in self.target


@dataclass(frozen=True)
class Line:
    """A figure that was tried."""

    figure: Figure
    verdict: str
    """`holds`, `FAILS`, `invalid` if nothing was hit, or `absent` if this machine lacks what it needs."""
    outcome: Outcome
    seconds: float

    def __str__(self) -> str:
        figure, outcome = self.figure, self.outcome
        return (
            f"{figure.id:<8} {self.verdict:<7} {outcome.tried:>7} {outcome.hit:>7} {self.seconds:>5.0f} s  "
            f"{figure.what}: {outcome.said} [{figure.target}]"
        )


HEAD = f"{'id':<8} {'verdict':<7} {'tried':>7} {'hit':>7} {'took':>7}  what: result [target]"


def tried(figure: Figure, ground: Ground, times: int) -> Line:
    """Tries it, and lets a miss of the target through as the exception that it is."""
    began = time.monotonic()
    try:
        outcome = figure.check(ground, times)
    except Unavailable as lack:
        return Line(figure, "absent", Outcome(0, 0, str(lack)), time.monotonic() - began)
    verdict = "holds" if outcome.hit else "invalid"
    return Line(figure, verdict, outcome, time.monotonic() - began)


def table(lines: Iterable[Line]) -> str:
    """All of it."""
    return "\n".join([HEAD, *map(str, lines)])
