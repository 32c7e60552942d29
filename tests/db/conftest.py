"""A database to break, and the proxy in front of it that breaks it."""

from collections.abc import Callable, Iterator

import pytest

from app.db.migrations import migrate
from database_for_tests import PROBE
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
    """A database with an empty table `probe` and a function `fail`."""
    probed.rows("TRUNCATE probe; ALTER SEQUENCE tries RESTART")
    return probed


@pytest.fixture
def proxy(probe: Postgres) -> Iterator[Proxy]:
    """The way to it."""
    with proxied(probe) as proxy:
        yield proxy
