"""What the programs of the stores share: sizes, texts, a clock. It needs no library but Python's own."""

import inspect
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

LENGTHS = (10, 100, 1_000, 10_000)
"""Messages of a conversation."""

ACCOUNTS = (10, 100, 1_000, 10_000)
"""Conversations of a user."""

PAGE = 50
TEXT = "How can I sort a list of tuples by the second value, and the same values by the first? Thanks! " * 5
LONGEST_SECONDS = 5
"""After so much of one operation its median is told with fewer calls."""


def url(driver: str = "") -> str:
    """The database, as SQLAlchemy addresses it with a driver."""
    return os.environ["DATABASE_URL"].replace("postgresql://", f"postgresql{driver}://")


async def timed(operation: str, size: int, call: Callable[[], Any], times: int = 15) -> None:
    """Prints the medians of up to so many calls: the wait and the CPU of this process, in ms."""
    waits, spent, began = [], [], time.perf_counter()
    for number in range(times + 1):
        asked, cpu = time.perf_counter(), time.process_time()
        answer = call()
        if inspect.isawaitable(answer):
            await answer
        if number:  # the first one is never typical
            waits.append(time.perf_counter() - asked)
            spent.append(time.process_time() - cpu)
        if waits and time.perf_counter() - began > LONGEST_SECONDS:
            break
    found = {
        "operation": operation,
        "size": size,
        "ms": statistics.median(waits) * 1000,
        "cpu_ms": statistics.median(spent) * 1000,
    }
    print(json.dumps(found), flush=True)
