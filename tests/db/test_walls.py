"""No service starts where row-level security would not keep users apart."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import walls
from app.db.database import Database
from app.db.identity import ROLE
from app.db.isolation import POLICIES
from app.db.migrations import migrate, require
from app.errors import SetupError
from command_line import run, serving
from input.processes import running
from input.test_logs import SERVERS
from support import SECRET, Postgres, settings

EVERY = ", ".join(sorted(POLICIES))


@pytest.fixture(scope="module")
def alone(own_cluster: Postgres) -> Iterator[Postgres]:
    """A database in a cluster where the role is nobody else's."""
    own_cluster.rows("CREATE DATABASE walled")
    postgres = Postgres(own_cluster.url.set(database="walled"))
    migrate(postgres.url)
    yield postgres
    own_cluster.rows("DROP DATABASE walled WITH (FORCE)")
    own_cluster.rows(f"DROP ROLE {ROLE}")


def refusals(postgres: Postgres) -> list[str]:
    """What is said to whoever types `serve`, and to whoever runs the application otherwise."""
    said = []
    for look in (_as_serve, _as_application):
        try:
            look(postgres)
        except SetupError as refusal:
            said.append(str(refusal))
    return said


def _as_serve(postgres: Postgres) -> None:
    require(settings(postgres), serving=True)


def _as_application(postgres: Postgres) -> None:
    async def look() -> None:
        database = Database(postgres.url)
        try:
            await walls.require(database)
        finally:
            await database.close()

    asyncio.run(look())


@pytest.mark.parametrize(
    ("fault", "mend", "where"),
    [
        ("TABLE message DISABLE ROW LEVEL SECURITY", "TABLE message ENABLE ROW LEVEL SECURITY", "message"),
        ('TABLE "user" NO FORCE ROW LEVEL SECURITY', 'TABLE "user" FORCE ROW LEVEL SECURITY', "user"),
        (f"TABLE todo OWNER TO {ROLE}", "TABLE todo OWNER TO CURRENT_USER", "todo"),
        (f"ROLE {ROLE} BYPASSRLS", f"ROLE {ROLE} NOBYPASSRLS", EVERY),
        (f"ROLE {ROLE} SUPERUSER", f"ROLE {ROLE} NOSUPERUSER", EVERY),
        (f"GROUP {{login}} ADD USER {ROLE}", f"GROUP {{login}} DROP USER {ROLE}", EVERY),
    ],
    ids=["off", "not forced", "owner", "bypasses", "superuser", "belongs to the owner"],
)
def test_a_wall_that_does_not_stand_is_refused(alone: Postgres, fault: str, mend: str, where: str) -> None:
    assert refusals(alone) == []
    alone.rows(f"ALTER {fault.format(login=alone.url.username)}")
    try:
        said = refusals(alone)
    finally:
        alone.rows(f"ALTER {mend.format(login=alone.url.username)}")
    assert len(said) == 2
    assert all(f"keep users apart in {where}: `chat-history doctor` prints" in one for one in said), said
    assert refusals(alone) == []


def test_serve_says_so_in_a_sentence_and_starts_when_it_is_mended(
    alone: Postgres, environment: dict[str, str], tmp_path: Path
) -> None:
    here = {**environment, "DATABASE_URL": alone.text, "SECRET_KEY": SECRET}
    alone.rows("ALTER TABLE todo DISABLE ROW LEVEL SECURITY")
    try:
        refused = run(here, "serve", "--port", "0")
        doctor = run(here, "doctor")
        refuses = pytest.raises(AssertionError, match="does not keep users apart in todo")
        with refuses, running(SERVERS["uvicorn app.asgi:app"], alone, tmp_path / "output"):
            pass
    finally:
        alone.rows("ALTER TABLE todo ENABLE ROW LEVEL SECURITY")
    assert refused.returncode == 2
    assert refused.stderr.startswith("chat-history: Row-level security does not keep users apart in todo")
    assert refused.stderr.count("\n") == 1
    assert 'ALTER TABLE "todo" ENABLE ROW LEVEL SECURITY;' in doctor.stdout
    assert run(here, "user", "list").returncode == 0
    with serving(here):
        pass
