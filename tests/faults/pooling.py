"""The suite of the product through PgBouncer."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat

from sqlalchemy.engine import URL

from faults.board import Outcome
from faults.ground import Ground, Unavailable
from faults.lab import TESTS
from pooler import PROGRAM, pooled, transactions_of
from support import Postgres

SMALL = ("api/test_chat.py", "api/test_messages.py", "api/test_todos.py")
WHOLE = (
    "ai_sdk",
    "api",
    "input",
    "isolation/test_enumeration.py",
    "openapi",
    "privacy",
    "turns",
)
"""What talks to a service. The other tests talk to Postgres itself, as an administrator or through a wire
(`db`, most of `isolation`), bring servers of their own (`faults`, `test_cli`), or need none. `test_mutants`
tries the same requests as `test_enumeration`, for each statement anew."""

WITHOUT_DATABASE = (
    "openapi/test_problems.py::test_without_its_database_the_service_gives_the_problem_that_is_shown",
)
"""PgBouncer lets whoever comes wait for a database that is away. The service gives up by its own time-out,
which is a minute here."""

AT_LEAST_TWO = (
    "api/test_todos.py::test_a_list_has_an_end_for_those_who_add_at_once",
    "api/test_ended_tokens.py::test_of_two_changes_at_once_the_second_comes_with_a_token_that_has_ended",
    "api/test_ended_tokens.py::test_signing_out_is_refused_where_another_password_was_quicker",
    "openapi/test_problems.py::"
    "test_a_service_whose_connections_are_all_in_use_gives_the_problems_that_are_shown",
    "privacy/test_erasure.py::test_of_two_erasures_that_wait_for_each_other_the_second_finds_nobody",
    "privacy/test_export.py::test_it_is_of_one_moment_whatever_happens_while_it_is_read",
    "privacy/test_export.py::test_a_user_reads_one_export_at_a_time",
    "privacy/test_export.py::test_it_ends_with_the_tokens_of_its_reader",
    "privacy/test_export.py::test_slow_readers_hold_up_nobody_but_other_exports",
    "turns/test_shutdown.py::test_a_turn_that_is_being_opened_is_waited_for",
)
"""Here a statement is to wait in Postgres, or an export to be open, while another one runs. Through a pool of
1 nothing runs meanwhile, whoever asks."""


SIZES = (1, 3)
"""Connections that a pool has."""


def suite_through_a_pooler(ground: Ground, times: int) -> Outcome:
    """Once: a part of it, through each pool. More often: all of it. The pools are tried at the same time."""
    if PROGRAM is None:
        raise Unavailable("PgBouncer is not installed")
    tests = SMALL if times == 1 else WHOLE
    with ExitStack() as stack:
        databases = [stack.enter_context(ground.database()) for _ in SIZES]
        poolers = [
            stack.enter_context(pooled(database.url, size))
            for database, size in zip(databases, SIZES, strict=True)
        ]
        with ThreadPoolExecutor(len(SIZES)) as threads:
            said = list(threads.map(_through, SIZES, databases, poolers, repeat(tests)))
        transactions = [transactions_of(pooler) for pooler in poolers]
    passed = [int(count) for last in said for count in re.findall(r"(\d+) passed", last)]
    assert len(passed) == len(SIZES), said
    assert min(transactions) > 0, f"transactions through each pooler: {transactions}"
    return Outcome(
        sum(passed),
        sum(transactions),
        "; ".join(f"pool of {size}: {last}" for size, last in zip(SIZES, said, strict=True)),
    )


def _through(size: int, database: Postgres, pooler: URL, tests: Sequence[str]) -> str:
    """What pytest says at last of the tests through a pool. All must pass."""
    left_out = WITHOUT_DATABASE + (AT_LEAST_TWO if size == 1 else ())
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n0", "-q", "--timeout=120"),
            *("-p", "no:cacheprovider"),
            *(f"--deselect=tests/{test}" for test in left_out),
            *tests,
        ],
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
    assert run.returncode == 0, run.stdout[-6_000:]
    return run.stdout.strip().splitlines()[-1]
