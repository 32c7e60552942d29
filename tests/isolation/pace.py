"""How long refusals take: for what is another user's, and for what does not exist."""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from .answer import Answer

ENOUGH = 500
"""So many refusals on either side, and their medians say something."""

ALIKE = (0.8, 1.25)
"""Between these is the ratio of the two medians when the time tells nothing. The sides take turns, so that
what else the machine does slows both."""


@dataclass
class Pace:
    """Seconds that one operation took to refuse."""

    foreign: list[float] = field(default_factory=list)
    missing: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return median(self.foreign) / median(self.missing)


class Paces:
    """Those of all operations."""

    def __init__(self) -> None:
        self._by_operation: dict[str, Pace] = defaultdict(Pace)

    def note(self, operation: str, foreign: Answer, missing: Answer) -> None:
        """Takes notice of two refusals; what is made or shown instead takes its own time."""
        if foreign.status == missing.status == 404:
            pace = self._by_operation[operation]
            pace.foreign.append(foreign.seconds)
            pace.missing.append(missing.seconds)

    def add(self, others: "Paces") -> None:
        """Takes over what another one has noticed."""
        for operation, pace in others._by_operation.items():
            self._by_operation[operation].foreign += pace.foreign
            self._by_operation[operation].missing += pace.missing

    def said(self) -> str:
        """The least and the most of the ratios, of operations that have refused often enough; or nothing.

        Raises AssertionError if one tells by its time what exists.
        """
        ratios = {
            name: pace.ratio for name, pace in self._by_operation.items() if len(pace.foreign) >= ENOUGH
        }
        if not ratios:
            return ""
        telling = [
            f"{name} {ratio:.2f}" for name, ratio in ratios.items() if not ALIKE[0] <= ratio <= ALIKE[1]
        ]
        assert telling == [], f"the time of a refusal tells what exists: {', '.join(telling)}"
        least, most = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
        return (
            f"median time of a refusal, another user's to a missing one's, in {len(ratios)} operations: "
            f"{ratios[least]:.2f} ({least}) to {ratios[most]:.2f} ({most})"
        )
