"""Every line of the board meets its target. The table of them is printed at the end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.board import Figure, tried
from faults.figures import BOARD
from faults.ground import Ground
from faults.jobs import LONGEST
from support import Postgres


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("figure", [figure for figure in BOARD if figure.gate], ids=lambda figure: figure.id)
def test_a_figure_meets_its_target(
    figure: Figure, cluster: Postgres, open_folder: Path, record_property: Callable[[str, object], None]
) -> None:
    line = tried(figure, Ground(cluster, open_folder), figure.gate)
    record_property("figure", str(line))
    if line.verdict == "absent":
        pytest.skip(line.outcome.said)
    assert line.verdict == "holds", str(line)


def test_the_lines_that_take_longest_are_on_the_board() -> None:
    assert {*LONGEST} <= {figure.id for figure in BOARD}
