"""Rounds of a check beside each other: what waits in one of them does not keep the others."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

Result = TypeVar("Result")


async def beside(
    rounds: int, at_once: int, play: Callable[[int], Coroutine[None, None, Result]]
) -> list[Result]:
    """Plays the rounds 0 to `rounds - 1`, so many at a time, and returns what they returned, in any order.

    The first that fails ends all others, and what it raised is raised.
    """
    numbers = iter(range(rounds))

    async def lane() -> list[Result]:
        return [await play(number) for number in numbers]

    try:
        async with asyncio.TaskGroup() as tasks:
            lanes = [tasks.create_task(lane()) for _ in range(at_once)]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [result for lane in lanes for result in lane.result()]
