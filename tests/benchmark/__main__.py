"""The service beside what one would pick in its place: `python -m benchmark` in the folder of the tests."""

import argparse
import json
import signal
import sys
from pathlib import Path

from benchmark import report
from benchmark.contestants import OPERATIONS, contestants
from benchmark.database import SIZES, seeded
from benchmark.measure import measured, postmaster
from benchmark.targets import rows, targets


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whatever was started is ended, too
    options = _options()
    with seeded(options.size, say) as url:
        [(version,)] = rows(url, "SHOW server_version")
        results: dict[str, object] = {"size": options.size, "machine": report.machine(str(version))}
        say(f"{results['machine']}")
        if "comparison" in options.parts:
            results["comparison"] = _compare(url, options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


def _compare(url: str, options: argparse.Namespace) -> report.Results:
    server, chosen = postmaster(url), targets(url)
    with contestants(url) as (running, skipped):
        for name, reason in skipped.items():
            say(f"{name} is left out: {reason}")
        found = {
            operation: measured(
                running,
                operation,
                chosen,
                server,
                rounds=options.rounds,
                seconds=options.seconds,
                progress=say,
            )
            for operation in OPERATIONS
        }
    say(f"\n{report.comparison(found)}\n\n{report.judged(report.verdicts(found))}\n")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmark", description=__doc__)
    parser.add_argument("parts", nargs="*", default=["comparison"], help="what to measure")
    parser.add_argument("--size", choices=SIZES, default="full", help="of the database")
    parser.add_argument("--rounds", type=int, default=5, help="of each contestant and operation")
    parser.add_argument("--seconds", type=float, default=3, help="of a round")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    return parser.parse_args()


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
