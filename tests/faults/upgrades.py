"""Migrations at once, migrations of much under load, and the code of before on the schema of now."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg2

from app import tokens
from app.db import schema, url as urls
from app.db.migrations import current, migrate
from command_line import serving
from faults.board import Outcome, Timed
from faults.ground import Ground, Unavailable, discreet
from faults.lab import PATIENCE, TESTS, THIS_BUILD
from support import GENEROUS, SECRET, Postgres, as_environment, until

CHECKOUT = THIS_BUILD.parent
HISTORY = TESTS.parent
PREVIOUS = "226a098"
"""The last commit that knows the first schema only: all that was migrated since lies between it and now."""

PYTHON = ".venv/bin/python"
PREVIOUS_SCHEMA = "2026_11_21_first"
SUITE = (
    *("tests/api", "tests/assistants", "tests/input", "tests/isolation", "tests/openapi", "tests/turns"),
    *("tests/db/test_database.py", "tests/db/test_plans.py", "tests/db/test_round_trips.py"),
    "tests/test_cli.py",
)
"""What of the suite of before speaks to a service, or to its database by its repositories."""

LEFT_OUT = (
    "tests/isolation/test_catalogue.py",  # lists the tables and rights of the schema of before
    "tests/isolation/test_plain_login.py",  # the same, of a login without roles, and it migrates on its own
    "tests/isolation/test_mutants.py",  # takes checks out of the code of before, and needs minutes for that
    "tests/isolation/test_predicates.py",  # the same
    "tests/openapi/test_docs_page.py",  # needs a browser
    "tests/openapi/test_typescript.py",  # needs packages of npm
    "tests/test_cli.py::test_migrate_and_doctor",  # migrates, to the schema of before
)
"""Not on the schema of now, or not on every machine. `ai_sdk` needs packages of npm as well; the rest of `db`
is about migrations and connections, and `faults` about the code of before; the others need no database."""

_MUCH = """
    INSERT INTO "user" (email, password_hash) VALUES ('alice@example.com', 'none');
    INSERT INTO conversation (user_id, next_seq)
        SELECT id, 1001 FROM "user", generate_series(1, {rows} / 1000);
    INSERT INTO message (user_id, conversation_id, seq, role, content, status)
        SELECT user_id, id, seq, 'user', 'message ' || seq || repeat(' and more', 20), 'complete'
        FROM conversation, generate_series(1, 1000) AS seq;
    ANALYZE;
"""


def _environment(code: Path, database: Postgres) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    url, plaintext = (
        {"DATABASE_URL": database.text, "SECRET_KEY": SECRET},
        {"ALLOW_PLAINTEXT_DATABASE": "true"},
    )
    return {**kept, **url, **plaintext, **as_environment(GENEROUS), "PYTHONPATH": str(code)}


def _migrating(database: Postgres) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "migrate"],
        env=_environment(THIS_BUILD, database),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _all_wait(three: list[subprocess.Popen[str]], holder: psycopg2.extensions.cursor) -> None:
    """Until all have asked for the lock that `holder` has. None may go on without it."""
    asking = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND query LIKE '%pg_try_advisory_lock%'"
    )
    come: set[int] = set()

    def waits() -> bool:
        holder.execute(asking)
        come.update(pid for (pid,) in holder)
        return len(come) == len(three) or any(one.poll() is not None for one in three)

    until(waits)
    assert len(come) == len(three), "one did not wait for the lock"


def simultaneous_migrations(ground: Ground, times: int) -> Outcome:
    """Three that have all begun when the first may go on; in one round of two, on an empty database."""
    lock = re.search(r"^LOCK = ([\d_]+)$", (CHECKOUT / "alembic" / "env.py").read_text(), re.MULTILINE)
    assert lock is not None
    for number in range(times):
        with ground.database("base" if number % 2 else PREVIOUS_SCHEMA) as database:
            with closing(psycopg2.connect(**urls.arguments(database.url))) as connection:
                connection.autocommit = True  # within a transaction, it would see who was there at first
                holder = connection.cursor()
                holder.execute(f"SELECT pg_advisory_lock({int(lock[1])})")
                three = [_migrating(database) for _ in range(3)]
                _all_wait(three, holder)
            said = [one.communicate(timeout=2 * PATIENCE)[0] for one in three]
            assert [one.returncode for one in three] == [0, 0, 0], said
            assert current(database.url) == schema.NEEDED
    return Outcome(3 * times, times, f"{3 * times} exits 0 in {times} rounds of three")


@contextmanager
def _previous(folder: Path) -> Iterator[Path]:
    """A checkout of the code of before, with what it needs in `.venv`. Raises Unavailable without either."""
    archive = subprocess.run(["git", "-C", HISTORY, "archive", PREVIOUS], capture_output=True, check=False)
    if archive.returncode != 0:
        raise Unavailable(f"commit {PREVIOUS} is not here: the history is needed (git fetch --unshallow)")
    before = folder / "before"
    before.mkdir()
    subprocess.run(["tar", "-x", "-C", before], input=archive.stdout, check=True)
    installed = subprocess.run(
        ["python3", "backend/run.py", "python", "-V"], cwd=before, capture_output=True, text=True, check=False
    )
    if installed.returncode != 0:
        raise Unavailable(f"what {PREVIOUS} needs could not be installed: {installed.stderr[-300:]}")
    yield before


def _without_ours() -> dict[str, str]:
    """The environment, but for the paths that lead to this build."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _stub(revision: Path, folder: Path) -> None:
    """Lets the Alembic of before know the name of a later revision, and nothing else of it."""
    names = re.findall(r"^(?:down_)?revision\b.*$", revision.read_text(), re.MULTILINE)
    steps = "def upgrade(): pass\ndef downgrade(): pass\n"
    (folder / revision.name).write_text("\n".join(["from __future__ import annotations", *names, steps]))


def _empty_all(support: Path) -> None:
    """Lets the tests of before empty a table that they do not know, with the ones that it belongs to."""
    support.write_text(re.sub(r"(TRUNCATE .*\bmessage\b)", r"\1, message_words", support.read_text()))


def previous_suite(ground: Ground, times: int) -> Outcome:
    """The tests and the code of before; every database that they make has the schema of now already."""
    with (
        ground.room() as folder,
        _previous(folder) as before,
        ground.room() as home,
        discreet(home, durable=False) as url,
    ):
        cluster = Postgres(urls.parse(url))
        migrate(cluster.url.set(database="template1"))
        versions = before / "alembic" / "versions"
        for revision in (CHECKOUT / "alembic" / "versions").glob("*.py"):
            if not (versions / revision.name).exists():
                _stub(revision, versions)
        _empty_all(before / "tests" / "support.py")
        run = subprocess.run(
            [
                *(before / PYTHON, "-m", "pytest", "-n0", "-q", "-x", "-p", "no:cacheprovider"),
                *(f"--deselect={test}" for test in LEFT_OUT),
                *SUITE,
            ],
            cwd=before,
            env={**_without_ours(), "TEST_DATABASE_URL": cluster.text},
            capture_output=True,
            text=True,
            check=False,
        )
    last = run.stdout.strip().splitlines()[-1]
    assert run.returncode == 0, run.stdout[-3_000:]
    passed = re.search(r"(\d+) passed", last)
    assert passed is not None
    return Outcome(
        int(passed[1]),
        times,
        f"{len(SUITE)} folders and files of {PREVIOUS} on {schema.NEEDED}: {last}",
    )


class _Load:
    """Clients of a service, who note how long each of their requests took, and what failed."""

    def __init__(self, url: str, token: str, conversations: list[int]) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )
        self._conversations = conversations
        self.over = threading.Event()
        self.seconds: list[float] = []
        self.failed: list[str] = []

    def run(self, number: int) -> None:
        while not self.over.is_set():
            number += 1
            path = f"/api/conversations/{self._conversations[number % len(self._conversations)]}/messages"
            began = time.monotonic()
            match number % 3:
                case 0:
                    answer = self._client.post(path, json={"content": "under load"})
                case 1:
                    answer = self._client.get(path)
                case _:
                    answer = self._client.get("/api/conversations")
            self.seconds.append(time.monotonic() - began)
            if not answer.is_success:
                self.failed.append(f"{answer.status_code} {answer.text}")


def migrations_under_load(ground: Ground, times: int) -> Outcome:
    """`times` rows, from the schema before to this one, while the code of before serves."""
    with (
        ground.room() as folder,
        _previous(folder) as before,
        ground.database(PREVIOUS_SCHEMA) as database,
    ):
        database.rows(_MUCH.format(rows=times))
        conversations = [row[0] for row in database.rows("SELECT id FROM conversation LIMIT 100")]
        user = int(database.value('SELECT id FROM "user"'))
        environment = _environment(before / "backend", database)
        with serving(environment, str(before / PYTHON)) as (url, _), ThreadPoolExecutor(4) as pool:
            load = _Load(url, tokens.issue(user, SECRET, 36_000, time.time()), conversations)
            clients = [pool.submit(load.run, number) for number in range(4)]
            until(lambda: len(load.seconds) >= 40)
            first, began = len(load.seconds), time.monotonic()
            migrating = _migrating(database)
            said = migrating.communicate()[0]
            took, during = time.monotonic() - began, load.seconds[first:]
            load.over.set()
            for client in clients:
                client.result()
        assert migrating.returncode == 0, said
        assert current(database.url) == schema.NEEDED
        assert load.failed == []
    return Outcome(
        times,
        len(during),
        f"{len(during)} requests in the {took:.0f} s that the migration took, 0 failed, "
        f"the longest {max(during):.2f} s (before it {max(load.seconds[:first]):.2f} s)",
        (Timed("a request", max(during), 1),),
    )
