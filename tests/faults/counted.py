"""What a check says, and how often it met what it is about."""

from typing import Self


class Counted(str):
    """What is printed of a check that found no fault, with a count that is evidence of its own."""

    __slots__ = ("hit",)

    hit: int
    """How often the fault was made, or the race run, that the check is about."""

    def __new__(cls, said: str, hit: int) -> Self:
        counted = super().__new__(cls, said)
        counted.hit = hit
        return counted
