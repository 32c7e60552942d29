"""The service beside what one would pick in its place: `python -m benchmark` in the folder of the tests."""

import argparse
import json
import signal
import sys
from pathlib import Path

from benchmark import growth, libraries, picture, raw, reach, report
from benchmark.contestants import OPERATIONS, contestants, service, service_ask
from benchmark.database import SIZES, seeded
from benchmark.measure import measured, postmaster
from benchmark.targets import rows, targets, warm

PARTS = ("comparison", "raw", "reach", "stores")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whatever was started is ended, too
    options = _options()
    with seeded(options.size, say) as url:
        [(version,)] = rows(url, "SHOW server_version")
        results: dict[str, object] = {"size": options.size, "machine": report.machine(str(version))}
        say(f"{results['machine']}")
        if "comparison" in options.parts:
            results["comparison"] = _compare(url, options)
        if "raw" in options.parts:
            results["raw"] = _alone(url, options)
        if "reach" in options.parts:
            results["reach"] = _reach(url, options)
        if "stores" in options.parts:
            results["stores"] = _stores(url)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.picture:
        options.picture.write_text(picture.drawn(results))


def _compare(url: str, options: argparse.Namespace) -> report.Results:
    server, chosen = postmaster(url), targets(url)
    warm(url, chosen)
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


def _alone(url: str, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    if raw.program() is None:
        say("Postgres alone is left out: no pgbench")
        return {}
    chosen = targets(url)[: raw.SCRIPTS]
    asks = {operation: [service_ask(operation, each) for each in chosen] for operation in OPERATIONS}
    found = raw.measured_raw(url, raw.texts(url, asks), postmaster(url), options.seconds)
    rows = [(name, f"{each['rate']:.0f}", f"{each['postgres_cpu_us']:.0f}") for name, each in found.items()]
    say(f"\nPostgres alone\n\n{report.table(('', 'per second', 'PG CPU µs'), rows)}")
    say(f"\n{report.judged(report.raw_verdicts(found))}\n")
    return found


def _reach(url: str, options: argparse.Namespace) -> dict[str, object]:
    server, chosen = postmaster(url), targets(url)
    found = {"round trips": reach.round_trips(url, chosen), "far away": reach.far_away(url, chosen, 3)}
    say("round trips and distance: done")
    with service(url) as running:
        grown = growth.measured_growth(url, running, server, options.rounds, options.seconds / 3)
        found["search"] = reach.search(running.address, url)
    say("growth and search: done")
    found["turn"] = reach.turn(url, chosen, server, options.rounds, options.seconds)
    found["start"] = reach.start()
    say(f"\n{json.dumps(found, indent=1)}\n\n{report.growth_table(grown)}\n")
    say(f"{report.judged(reach.verdicts(found, grown))}\n")
    return {**found, "growth": grown}


def _stores(url: str) -> libraries.Calls:
    found, skipped = libraries.measured_libraries(url, say)
    for name, reason in skipped.items():
        say(f"{name} is left out: {reason}")
    say(f"\n{report.stores_table(found)}\n")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmark", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"what to measure, of {', '.join(PARTS)}; else all")
    parser.add_argument("--size", choices=SIZES, default="full", help="of the database")
    parser.add_argument("--rounds", type=int, default=5, help="of each contestant and operation")
    parser.add_argument("--seconds", type=float, default=3, help="of a round")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--picture", type=Path, help="a file for the SVG of what grows")
    options = parser.parse_args()
    options.parts = options.parts or PARTS
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    return options


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
