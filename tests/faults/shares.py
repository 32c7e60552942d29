"""A line of the board in several processes at once, each with a share of it and a service of its own."""

import gc
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from app.server import YOUNG_OBJECTS
from discretion import Watch
from faults.ground import Ground

Result = TypeVar("Result")

AT_ONCE = 2
"""A test and its service wait for each other and for Postgres: one of them leaves most of two cores idle."""

WATCH = Watch()
"""Reads what a process of a share logs: nobody else does."""


def collect_rarely() -> None:
    """As in a process that serves: what is there by now stays, and is not scanned for garbage each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def shared(work: Callable[[Ground, int, int], Result], ground: Ground, times: int) -> list[Result]:
    """What `work(ground, number, share)` returns for each share of so many times, which may be one more.

    If one fails, or logs what tells of somebody, or this process is told to stop, the others end at once, and
    their databases are dropped.
    """
    share = -(-times // AT_ONCE)
    try:
        with ProcessPoolExecutor(AT_ONCE, get_context("spawn"), _begin) as pool:
            try:
                watched = partial(_watched, work)
                return list(pool.map(watched, repeat(ground), range(AT_ONCE), repeat(share)))
            except BaseException:
                for process in active_children():
                    process.terminate()
                raise
    except BaseException:
        ground.clear()
        raise


def _watched(work: Callable[[Ground, int, int], Result], ground: Ground, number: int, times: int) -> Result:
    """What it returns, if its service logged something, and nothing of it tells of anybody."""
    result = work(ground, number, times)
    assert WATCH.lines > 0, "nobody reads what the service logs"
    WATCH.check()
    return result


def _begin() -> None:
    WATCH.begin()
    collect_rarely()
    # The keyboard's stop reaches all processes at once: it is the board's to end these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_board, daemon=True).start()


def _end_with_the_board() -> None:
    board = parent_process()
    assert board is not None
    board.join()  # one that is killed tells nobody
    os._exit(1)
