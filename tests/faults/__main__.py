"""Tries the board and prints it: `cd tests && python -m faults`, or some lines: `python -m faults D-03 P-01`.

Exit code 1 if a figure misses its target, 2 if one proves nothing because no fault hit.

Run it on a machine that does nothing else: whatever is slower than its target is `late`, which is a miss too.
With `--gate` the machine may be busy: what is late is printed, and is no miss.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.db import url as urls
from discretion import Watch
from faults.board import HEAD, Figure, Line, Outcome, exit_code, tried
from faults.figures import BOARD
from faults.ground import Ground, discreet
from faults.jobs import longest_first, said
from faults.shares import collect_rarely
from support import Postgres

WATCH = Watch()


@contextmanager
def ground() -> Iterator[Ground]:
    """On the Postgres of TEST_DATABASE_URL, or an embedded one."""
    with tempfile.TemporaryDirectory(prefix="chat-history-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        if given := os.environ.get("TEST_DATABASE_URL"):
            yield Ground(Postgres(urls.parse(given)), folder)
            return
        with discreet(folder / "cluster", durable=False) as url:
            yield Ground(Postgres(urls.parse(url)), folder)


def _line(figure: Figure, place: Ground, times: int) -> Line:
    began = time.monotonic()
    try:
        line = tried(figure, place, times)
        WATCH.check()
    except Exception as miss:  # noqa: BLE001  # whatever it is, the other figures are tried too
        traceback.print_exc()
        what = (str(miss).splitlines() or [""])[0] or type(miss).__name__
        return Line(figure, "FAILS", Outcome(0, 0, what[:200]), time.monotonic() - began)
    return line


def _arguments() -> tuple[list[tuple[Figure, int]], int, bool]:
    """The figures, how often each is tried, how many at the same time, and whether the machine is idle."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these lines of the board")
    parser.add_argument(
        "--gate",
        action="store_true",
        help="as often as for every change, not as before a release, and on a machine that may be busy",
    )
    parser.add_argument("--times", type=int, help="so often instead")
    parser.add_argument(
        "--jobs", type=int, default=1, help="so many lines at a time, but for those with seconds to meet"
    )
    options = parser.parse_args()
    if unknown := set(options.ids) - {figure.id for figure in BOARD}:
        parser.error(f"not on the board: {', '.join(sorted(unknown))}")
    board = [figure for figure in BOARD if not options.ids or figure.id in options.ids]
    often = [options.times or (figure.gate if options.gate else figure.deep) for figure in board]
    lines = [(figure, times) for figure, times in zip(board, often, strict=True) if times > 0]
    return lines, options.jobs, not options.gate


def main() -> None:
    """Tries the figures and prints each when it is ready. Told to stop, it leaves no server and no disk."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    WATCH.begin()  # what services log of their faults is no line, and tells of nobody
    collect_rarely()  # else a collection holds up the services in this process for half a second
    board, jobs, idle = _arguments()
    beside = longest_first((figure, times) for figure, times in board if jobs > 1 and not figure.is_timed)
    verdicts: set[str] = set()
    began = time.monotonic()
    print(HEAD, flush=True)
    with ground() as place:
        commands = [(figure.id, "--times", str(times)) for figure, times in beside]
        with closing(said(commands, place.cluster, jobs)) as tables:
            for table in tables:
                line = table.splitlines()[-1]
                verdicts.add(line.split()[1])
                print(line, flush=True)
        for figure, times in board:
            if (figure, times) not in beside:
                alone = _line(figure, place, times)
                verdicts.add(alone.verdict)
                print(alone, flush=True)
    if len(board) > 1:
        print(f"all of it: {time.monotonic() - began:.0f} s")
    sys.exit(exit_code(verdicts, idle=idle))


if __name__ == "__main__":
    main()
