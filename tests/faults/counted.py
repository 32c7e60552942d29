"""What a check says, how often it met what it is about, and the seconds that it measured."""

from typing import Self

from faults.board import Timed


class Counted(str):
    """What is printed of a check that found no fault, with a count that is evidence of its own."""

    __slots__ = ("hit", "timed")

    hit: int
    """How often the fault was made, or the race run, that the check is about."""
    timed: tuple[Timed, ...]
    """What the seconds of the target are held against, if it has any."""

    def __new__(cls, said: str, hit: int, timed: tuple[Timed, ...] = ()) -> Self:
        counted = super().__new__(cls, said)
        counted.hit = hit
        counted.timed = timed
        return counted
