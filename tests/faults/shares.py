"""A line of the board in several processes at once, each with a share of it and a service of its own."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from typing import TypeVar

from faults.ground import Ground

Result = TypeVar("Result")

AT_ONCE = 2
"""A test and its service wait for each other and for Postgres: one of them leaves most of two cores idle."""


def shared(work: Callable[[Ground, int, int], Result], ground: Ground, times: int) -> list[Result]:
    """What `work(ground, number, share)` returns for each share of so many times, which may be one more."""
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        share = -(-times // AT_ONCE)
        return list(pool.map(work, repeat(ground), range(AT_ONCE), repeat(share)))
