"""The suite of the product through PgBouncer."""

import os
import re
import subprocess
import sys

from faults.board import Outcome
from faults.ground import Ground, Unavailable
from faults.lab import TESTS
from pooler import PROGRAM, pooled, transactions_of

SMALL = ("api/test_chat.py", "api/test_messages.py", "api/test_todos.py")
WHOLE = ("api", "turns", "isolation/test_enumeration.py", "openapi/test_examples.py", "input/test_query.py")
"""What talks to a service: the other tests talk to Postgres itself, or to a wire in front of it."""


def suite_through_a_pooler(ground: Ground, times: int) -> Outcome:
    """Once: a part of it, with a pool of 1. Twice: all of it, with pools of 1 and 3."""
    if PROGRAM is None:
        raise Unavailable("PgBouncer is not installed")
    runs = [(1, SMALL)] if times == 1 else [(1, WHOLE), (3, WHOLE)]
    passed, transactions, said = 0, 0, []
    for size, suite in runs:
        with ground.database() as database, pooled(database.url, size) as pooler:
            run = subprocess.run(
                [sys.executable, "-m", "pytest", "-n0", "-q", "-x", "-p", "no:cacheprovider", *suite],
                cwd=TESTS,
                env={
                    **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
                    "TEST_DATABASE_URL": database.text,
                    "TEST_POOLER": f"{pooler.host}:{pooler.port}",
                },
                capture_output=True,
                text=True,
                check=False,
            )
            transactions += transactions_of(pooler)
        last = run.stdout.strip().splitlines()[-1]
        assert run.returncode == 0, run.stdout[-6_000:]
        found = re.search(r"(\d+) passed", last)
        assert found is not None
        passed += int(found[1])
        said.append(f"pool of {size}: {last}")
    return Outcome(passed, transactions, "; ".join(said))
