"""Databases in which an id says of which table it is."""

from collections.abc import Callable

import pytest

from app.db.migrations import migrate
from support import Postgres

from .estate import spread_ids


@pytest.fixture(scope="session")
def walled(make_database: Callable[[], Postgres]) -> Postgres:
    """A database as it should be."""
    database = make_database()
    migrate(database.url)
    spread_ids(database)
    return database


@pytest.fixture(scope="session")
def unwalled(make_database: Callable[[], Postgres]) -> Postgres:
    """Another one, whose row-level security tests may take away."""
    database = make_database()
    migrate(database.url)
    spread_ids(database)
    return database
