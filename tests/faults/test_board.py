"""Every line of the board meets its target, but for its seconds. The table of them is printed at the end."""

import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from faults import __main__ as command
from faults.board import Figure, Outcome, Timed, exit_code, tried
from faults.figures import BOARD
from faults.ground import Ground
from faults.jobs import LONGEST
from support import Postgres

IN_TIME, LATE = Timed("an answer", 0.2, 0.2), Timed("an answer", 0.3, 0.2)

AT_LEAST = {
    "D-01": (20, 200),
    "D-02": (200, 2_000),
    "D-03": (5, 40),
    "I-01": (1_000, 6_667),
    "I-02": (50, 500),
    "I-03": (50, 1_000),
    "I-04": (50, 500),
    "I-05/06": (6, 60),
    "O-01": (200, 5_000),
    "O-02": (500, 10_000),
    "O-03/04": (300, 5_000),
    "O-07": (50, 500),
    "S-01": (100, 2_000),
    "S-04": (5, 50),
    "S-09": (100, 1_000),
    "S-10..14": (5, 50),
    "A-01..08": (2_000, 50_000),
    "A-11": (500, 20_000),
    "J-01": (2_000, 100_000),
    "J-06": (10, 50),
    "H-all": (2_000, 40_000),
    "H-fz": (500, 10_000),
    "H-st": (3_000, 100_000),
    "B-01": (1, 1),
    "P-01": (30, 150),
    "P-01-TLS": (30, 150),
    "P-03": (100, 500),
    "P-03b": (5, 50),
    "P-04": (5, 30),
    "P-06": (1, 5),
    "P-09": (1, 3),
    "M-01": (3, 30),
    "M-02": (0, 1_000_000),
    "G-02": (20, 200),
}
"""For every change, and before a release: fewer prove too little.

I-01 sends each request again three times on average, and 20,000 times in all. P-01 sleeps 300 times, half of
them over TLS. I-02 cuts off two answers in each round, and I-05/06 uses ten keys in each.
"""


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("figure", [figure for figure in BOARD if figure.gate], ids=lambda figure: figure.id)
def test_a_figure_meets_its_target(
    figure: Figure, cluster: Postgres, open_folder: Path, record_property: Callable[[str, object], None]
) -> None:
    line = tried(figure, Ground(cluster, open_folder), figure.gate)
    record_property("figure", str(line))
    if line.verdict == "absent":
        pytest.skip(line.outcome.said)
    # This machine may be busy: seconds are printed here, and count where it is idle.
    assert line.verdict in ("holds", "late"), str(line)


def test_the_lines_that_take_longest_are_on_the_board() -> None:
    assert {*LONGEST} <= {figure.id for figure in BOARD}


def test_the_numbers_are_no_smaller_than_they_must_be() -> None:
    numbers = {figure.id: (figure.gate, figure.deep) for figure in BOARD}
    assert AT_LEAST.keys() <= numbers.keys()
    assert [
        name for name, (gate, deep) in AT_LEAST.items() if numbers[name][0] < gate or numbers[name][1] < deep
    ] == []


@pytest.fixture
def place(tmp_path: Path) -> Ground:
    """For figures that need no database."""
    return Ground(Postgres(make_url("postgresql://nowhere.invalid/none")), tmp_path)


def figure(outcome: Outcome, target: str = "all; idle: in 0.2 s") -> Figure:
    return Figure("T-01", "answers", target, lambda _ground, _times: outcome, gate=1, deep=2)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome(2, 1, "", (IN_TIME,)), "holds"),
        (Outcome(2, 1, "", (IN_TIME, LATE)), "late"),
        (Outcome(2, 0, "", (LATE,)), "invalid"),
        (Outcome(1, 1, "", (IN_TIME,)), "invalid"),
    ],
    ids=["in time", "one is late", "nothing hit", "fewer than asked for"],
)
def test_a_line_has_a_verdict(outcome: Outcome, verdict: str, place: Ground) -> None:
    line = tried(figure(outcome), place, 2)
    assert line.verdict == verdict
    assert ("LATE: an answer 0.300 s instead of 0.200 s" in str(line)) == (LATE in outcome.timed)


@pytest.mark.parametrize(("target", "timed"), [("all", (IN_TIME,)), ("all; idle: in 0.2 s", ())])
def test_a_target_has_seconds_if_and_only_if_they_are_measured(
    target: str, timed: tuple[Timed, ...], place: Ground
) -> None:
    with pytest.raises(AssertionError, match="held against seconds"):
        tried(figure(Outcome(2, 1, "", timed), target), place, 2)


@pytest.mark.parametrize(
    ("verdicts", "idle", "busy"),
    [
        ({"holds", "absent"}, 0, 0),
        ({"holds", "late"}, 1, 0),
        ({"late"}, 1, 0),
        ({"holds", "FAILS", "invalid"}, 1, 1),
        ({"holds", "invalid"}, 2, 2),
        ({"absent"}, 2, 2),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_an_exit_code_is_that_of_the_worst_line(verdicts: set[str], idle: int, busy: int) -> None:
    assert (exit_code(verdicts, idle=True), exit_code(verdicts, idle=False)) == (idle, busy)


@pytest.mark.parametrize(("options", "code"), [((), 1), (("--times", "1"), 1), (("--gate",), 0)])
def test_seconds_count_for_whoever_has_an_idle_machine(
    options: tuple[str, ...],
    code: int,
    place: Ground,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slow = figure(Outcome(2, 1, "", (LATE,)))
    monkeypatch.setattr(command, "BOARD", (slow, replace(slow, id="T-02")))
    monkeypatch.setattr(command, "ground", lambda: nullcontext(place))
    monkeypatch.setattr(command.WATCH, "begin", lambda: None)
    monkeypatch.setattr(command, "collect_rarely", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["faults", *options])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    assert capsys.readouterr().out.count(" late ") == 2
