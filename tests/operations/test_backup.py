"""Backup and restore, with the commands of the page."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.db import embedded, url as urls
from app.db.identity import ROLE
from app.db.installation import Installation, installations
from app.db.migrations import current, migrate
from app.db.schema import NEEDED
from app.main import create_app
from command_line import serving
from privacy.test_coverage import columns, settled
from support import MEASURED, SECRET, Postgres, served, settings

PAGE = (Path(__file__).parents[2] / "backend" / "docs" / "operations.md").read_text()
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
BLOCKS: dict[str, str] = dict(re.findall(r"(?s)```sh\n# ((?:backup|restore|copy)[^\n]*)\n(.*?)```", PAGE))


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


@pytest.fixture
def newest(open_folder: Path) -> Iterator[Postgres]:
    """Another server, of the version that `serve` takes for a new folder."""
    with embedded.running(open_folder / "newest", durable=False) as url:
        yield Postgres(urls.parse(url))


def run(
    block: str, folder: Path, database: Postgres, restored: Postgres, **more: str
) -> subprocess.CompletedProcess[str]:
    programs = [str(_installation(database).programs), str(Path(sys.executable).parent)]
    environment = {
        "PATH": os.pathsep.join([*programs, os.environ["PATH"]]),
        "DATABASE_URL_UNPOOLED": plain(database),
        "RESTORED": plain(restored),
        "SECRET_KEY": SECRET,
        "ALLOW_PLAINTEXT_DATABASE": "true",
        **MEASURED,
        **more,
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
    (tmp_path / ".env").write_text(f"DATABASE_URL_UNPOOLED={NOWHERE}\n")  # of the service that was lost
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

    migrate(elsewhere.url, "-1")
    newer = run(BLOCKS["restore with newer code"], tmp_path, full, elsewhere)
    assert (newer.returncode, current(elsewhere.url)) == (0, NEEDED), newer.stderr


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ("backup", "DATABASE_URL_UNPOOLED"),
        ("restore", "RESTORED"),
        ("restore with newer code", "RESTORED"),
    ],
)
def test_an_address_that_was_forgotten_is_not_that_of_another_database(
    postgres: Postgres, tmp_path: Path, block: str, name: str
) -> None:
    forgotten = run(BLOCKS[block], tmp_path, postgres, postgres, **{name: ""})
    assert (forgotten.returncode, forgotten.stdout) == (1, "")
    assert f"{name}: parameter null or not set" in forgotten.stderr
    assert list(tmp_path.iterdir()) == []


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


def test_the_embedded_server_is_backed_up_while_it_runs_and_copied_while_it_does_not(
    environment: dict[str, str], data: Path, newest: Postgres, tmp_path: Path
) -> None:
    folders = {"DATA_DIR": str(data), "COPY": str(data.parent / "copy"), "DATABASE_URL_UNPOOLED": ""}
    alice = {"email": "alice@example.com", "password": "correct horse battery"}
    with serving({**environment, **folders}) as (address, _):
        made = httpx.post(f"{address}/api/auth/register", json=alice, timeout=60).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {made['access_token']}"}
        milk = httpx.post(f"{address}/api/todos", json={"title": "milk"}, headers=bearer, timeout=60)
        assert milk.status_code == 201
        dumped = run(BLOCKS["backup while it runs"], tmp_path, newest, newest, **folders)
        assert dumped.returncode == 0, dumped.stderr
        early = run(BLOCKS["copy while nothing runs"], tmp_path, newest, newest, **folders)
        assert (early.returncode, Path(folders["COPY"]).exists()) == (1, False)

    restored = run(BLOCKS["restore"], tmp_path, newest, newest)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert newest.rows("SELECT title FROM todo") == [("milk",)]

    copied = run(BLOCKS["copy while nothing runs"], tmp_path, newest, newest, **folders)
    assert (copied.returncode, "!!" in copied.stdout) == (0, False), copied.stdout + copied.stderr
    data.rename(data.parent / "lost")
    with serving({**environment, "DATA_DIR": folders["COPY"]}) as (address, _):
        kept = httpx.get(f"{address}/api/todos", headers=bearer, timeout=60).raise_for_status().json()
        assert [one["title"] for one in kept["items"]] == ["milk"]
