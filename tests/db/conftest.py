"""A database to break and the proxy that breaks it, and folders for embedded servers."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.db.embedded import running
from app.db.migrations import migrate
from database_for_tests import PROBE, terminate
from embedded_for_tests import no_process_of_the_server_lives, open_folder
from proxy import Proxy, proxied
from support import Postgres


@pytest.fixture(scope="session")
def probed(make_database: Callable[[], Postgres]) -> Postgres:
    postgres = make_database()
    migrate(postgres.url)
    postgres.rows(PROBE)
    return postgres


@pytest.fixture
def probe(probed: Postgres) -> Postgres:
    """A database with an empty table `probe` and a function `fail`, and no session of an earlier test."""
    while terminate(probed):  # those that were cut off may still sleep, and would be counted
        time.sleep(0.005)
    probed.rows("TRUNCATE probe; ALTER SEQUENCE tries RESTART")
    return probed


@pytest.fixture(params=["asyncio", "uvloop"])
def proxy(
    probe: Postgres, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """The way to it, from an event loop of either kind: the service runs on uvloop where there is one."""
    with proxied(probe) as proxy:  # whose own loop is there before
        if request.param == "uvloop":
            factory = pytest.importorskip("uvloop").new_event_loop
            monkeypatch.setattr("asyncio.events.new_event_loop", factory)
        yield proxy


@pytest.fixture
def empty() -> Iterator[Path]:
    """Where a data directory may be made. Afterwards no process of a server may be left in it."""
    with open_folder() as folder:
        directory = folder / "data"
        yield directory
        if (directory / "postgres").exists():
            with running(directory, durable=False):  # whom a killed one left behind is stopped now
                pass
            assert no_process_of_the_server_lives(directory)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data directory after its first start, to be copied."""
    with open_folder() as folder:
        with running(folder / "data", durable=False):
            pass
        yield folder / "data"


@pytest.fixture
def directory(empty: Path, template: Path) -> Path:
    """A data directory whose server is stopped."""
    subprocess.run(["cp", "-a", template, empty], check=True)
    return empty
