"""Tries the board and prints it: `cd tests && python -m faults`, or some lines: `python -m faults D-03 P-01`.

Exit code 1 if a figure misses its target, 2 if one proves nothing because no fault hit.
"""

import argparse
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db import embedded, url as urls
from faults.board import HEAD, Line, Outcome, tried
from faults.figures import BOARD
from faults.ground import Ground
from support import Postgres


@contextmanager
def ground() -> Iterator[Ground]:
    """On the Postgres of TEST_DATABASE_URL, or an embedded one."""
    with tempfile.TemporaryDirectory(prefix="chat-history-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        if given := os.environ.get("TEST_DATABASE_URL"):
            yield Ground(Postgres(urls.parse(given)), folder)
            return
        with embedded.running(folder / "cluster", durable=False) as url:
            yield Ground(Postgres(urls.parse(url)), folder)


def main() -> None:
    """Tries one figure after the other. Told to stop, it leaves no server and no mounted disk behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.getLogger().addHandler(logging.NullHandler())  # what services log of their faults is no line
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these lines of the board")
    parser.add_argument(
        "--gate", action="store_true", help="as often as for every change, not as before a release"
    )
    parser.add_argument("--times", type=int, help="so often instead")
    options = parser.parse_args()
    board = [figure for figure in BOARD if not options.ids or figure.id in options.ids]
    if unknown := set(options.ids) - {figure.id for figure in board}:
        parser.error(f"not on the board: {', '.join(sorted(unknown))}")
    lines: list[Line] = []
    print(HEAD, flush=True)
    with ground() as place:
        for figure in board:
            times = options.times or (figure.gate if options.gate else figure.deep)
            if times == 0:
                continue
            try:
                lines.append(tried(figure, place, times))
            except Exception as miss:  # noqa: BLE001  # whatever it is, the other figures are tried too
                traceback.print_exc()
                said = (str(miss).splitlines() or [""])[0] or type(miss).__name__
                lines.append(Line(figure, "FAILS", Outcome(times, 0, said[:200]), 0))
            print(lines[-1], flush=True)
    verdicts = {line.verdict for line in lines}
    sys.exit(1 if "FAILS" in verdicts else 2 if "invalid" in verdicts or verdicts <= {"absent"} else 0)


if __name__ == "__main__":
    main()
