"""The board: what is tried, how often, what hit, what came of it, and what must come of it."""

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from statistics import quantiles

from faults.ground import Ground, Unavailable


def p99(seconds: Sequence[float]) -> float:
    """What one answer of a hundred takes longer than."""
    return quantiles(seconds, n=100, method="inclusive")[-1]


@dataclass(frozen=True)
class Timed:
    """Seconds that were measured, and how many of them the target allows on an idle machine."""

    what: str
    seconds: float
    allowed: float

    @property
    def is_late(self) -> bool:
        """Whether it took longer."""
        return self.seconds > self.allowed

    def __str__(self) -> str:
        return f"{self.what} {self.seconds:.3f} s instead of {self.allowed:.3f} s"


@dataclass(frozen=True)
class Outcome:
    """What a check that found no fault of the service says."""

    tried: int
    hit: int
    """How many of the tries met what the figure is about: a fault, a refusal, a race. 0 proves nothing."""
    said: str
    timed: tuple[Timed, ...] = ()
    """What the seconds of the target are held against, if it has any."""

    @property
    def late(self) -> str:
        """What took longer than an idle machine may, and how long; empty if nothing did."""
        return ", ".join(str(one) for one in self.timed if one.is_late)


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
    """`holds`, or `late` if all of it held but the seconds; `FAILS`; `invalid` if it hit nothing, or tried
    less than it was told to; `absent` if this machine lacks what it needs."""
    outcome: Outcome
    seconds: float

    def __str__(self) -> str:
        figure, outcome = self.figure, self.outcome
        late = outcome.late and f"; LATE: {outcome.late}"
        return (
            f"{figure.id:<8} {self.verdict:<7} {outcome.tried:>7} {outcome.hit:>7} {self.seconds:>5.0f} s  "
            f"{figure.what}: {outcome.said}{late} [{figure.target}]"
        )


HEAD = f"{'id':<8} {'verdict':<7} {'tried':>7} {'hit':>7} {'took':>7}  what: result [target]"


def tried(figure: Figure, ground: Ground, times: int) -> Line:
    """Tries it, and lets a miss of the target through as the exception that it is."""
    began = time.monotonic()
    try:
        outcome = figure.check(ground, times)
    except Unavailable as lack:
        return Line(figure, "absent", Outcome(0, 0, str(lack)), time.monotonic() - began)
    assert figure.is_timed == bool(outcome.timed), "a target with seconds is held against seconds"
    return Line(figure, _verdict(outcome, times), outcome, time.monotonic() - began)


def _verdict(outcome: Outcome, times: int) -> str:
    if outcome.hit == 0 or outcome.tried < times:
        return "invalid"
    return "late" if outcome.late else "holds"


def exit_code(verdicts: Set[str], *, idle: bool) -> int:
    """What a run ends with: 1 if a line misses its target, 2 if one proves nothing or all are absent, else 0.

    Seconds count on an idle machine only.
    """
    good = {"holds"} if idle else {"holds", "late"}
    if verdicts - good - {"absent", "invalid"}:
        return 1
    return 2 if "invalid" in verdicts or not verdicts & good else 0
