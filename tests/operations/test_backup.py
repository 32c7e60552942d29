"""Backup and restore, with the commands of the page."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import embedded, url as urls
from app.db.identity import ROLE
from app.db.installation import Installation, installations
from app.db.migrations import migrate
from app.main import create_app
from privacy.test_coverage import columns, settled
from support import MEASURED, SECRET, Postgres, served, settings

PAGE = (Path(__file__).parents[2] / "backend" / "docs" / "operations.md").read_text()
BLOCKS: dict[str, str] = dict(re.findall(r"(?s)```sh\n# (backup|restore)\n(.*?)```", PAGE))


def _installation(server: Postgres) -> Installation:
    """The programs of the server's major version."""
    major = int(server.value("SHOW server_version_num")) // 10_000
    for one in installations():
        if one.major == major and (one.programs / "pg_dump").exists():
            return one
    pytest.skip(f"pg_dump {major} is not installed beside its server")


@pytest.fixture
def elsewhere(open_folder: Path, own_cluster: Postgres) -> Iterator[Postgres]:
    """Another server, which has never heard of the service."""
    installation = _installation(own_cluster)
    with embedded.running(open_folder / "elsewhere", installation, durable=False) as url:
        yield Postgres(urls.parse(url))


def run(block: str, folder: Path, database: Postgres, restored: Postgres) -> subprocess.CompletedProcess[str]:
    programs = [str(_installation(database).programs), str(Path(sys.executable).parent)]
    environment = {
        "PATH": os.pathsep.join([*programs, os.environ["PATH"]]),
        "DATABASE_URL_UNPOOLED": plain(database),
        "RESTORED": plain(restored),
        "SECRET_KEY": SECRET,
        "ALLOW_PLAINTEXT_DATABASE": "true",
        **MEASURED,
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def plain(database: Postgres) -> str:
    """An address that libpq's own programs read."""
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def everything(database: Postgres) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    return {
        table: [row for (row,) in database.rows(f'SELECT t::text FROM "{table}" t ORDER BY 1')]
        for table in sorted(columns(database))
    }


@pytest.fixture
def full(own_cluster: Postgres) -> Iterator[Postgres]:
    """A database that two users have used."""
    own_cluster.rows("CREATE DATABASE full_one")
    database = Postgres(own_cluster.url.set(database="full_one"))
    migrate(database.url)
    with served(create_app(settings(database)), database) as service:
        for name in ("alice", "bob"):
            settled(service, f"{name}@example.com")
    yield database
    own_cluster.rows("DROP DATABASE full_one WITH (FORCE)")
    own_cluster.rows(f"DROP ROLE {ROLE}")


def test_what_is_restored_elsewhere_is_the_same_behind_the_same_walls(
    full: Postgres, elsewhere: Postgres, tmp_path: Path
) -> None:
    before = everything(full)
    assert all(before.values())
    made = run(BLOCKS["backup"], tmp_path, full, elsewhere)
    assert made.returncode == 0, made.stderr
    restored = run(BLOCKS["restore"], tmp_path, full, elsewhere)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    found = [line for line in restored.stdout.splitlines() if line.startswith(("ok", "!!"))]
    assert len(found) > 8
    assert [line for line in found if not line.startswith("ok")] == []
    assert everything(elsewhere) == before

    with served(create_app(settings(elsewhere)), elsewhere) as service:
        form = {"username": "alice@example.com", "password": "correct horse battery"}
        token = service.client().post("/api/auth/token", data=form).raise_for_status().json()["access_token"]
        alice = service.client(token)
        assert len(alice.get("/api/conversations").json()["items"]) == 1
        assert alice.post("/api/todos", json={"title": "new"}).status_code == 201

    elsewhere.rows("CREATE DATABASE careless")
    careless = Postgres(elsewhere.url.set(database="careless"))
    without = BLOCKS["restore"].replace("--no-owner", "--no-owner --no-privileges")
    noticed = run(without, tmp_path, full, careless)
    assert noticed.returncode == 1
    assert "may do less than it should" in noticed.stdout


def test_a_login_that_row_level_security_holds_for_makes_no_backup(
    own_cluster: Postgres, full: Postgres, tmp_path: Path
) -> None:
    own_cluster.rows("CREATE ROLE owner_of_tables LOGIN CREATEROLE PASSWORD 'plain'")
    own_cluster.rows("CREATE DATABASE owned_one OWNER owner_of_tables")
    owned = Postgres(own_cluster.url.set(database="owned_one", username="owner_of_tables", password="plain"))
    own_cluster.rows(f"GRANT {ROLE} TO owner_of_tables")
    migrate(owned.url)
    refused = run(BLOCKS["backup"], tmp_path, owned, owned)
    assert refused.returncode != 0
    assert "query would be affected by row-level security policy" in refused.stderr
    own_cluster.rows("DROP DATABASE owned_one WITH (FORCE)")
    own_cluster.rows("DROP ROLE owner_of_tables")
