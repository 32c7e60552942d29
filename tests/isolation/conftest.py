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
    """The same without row-level security: only the application's own predicates are left."""
    database = make_database()
    migrate(database.url)
    spread_ids(database)
    for (table,) in database.rows("SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity"):
        database.rows(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
    return database
