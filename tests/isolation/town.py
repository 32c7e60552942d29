"""A service with users who have made all that users can have."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.main import create_app
from support import Postgres, Service, empty, served, settings

from .estate import Estate, settle, settle_others
from .operations import Operation, operations


@dataclass(frozen=True)
class Town:
    """A service, and what lives in its database."""

    service: Service
    operations: list[Operation]
    alice: Estate
    bob: Estate
    carol: Estate


@contextmanager
def settled(postgres: Postgres, size: int) -> Iterator[Town]:
    """Serves a database in which users have made what they can have."""
    empty(postgres)
    with served(create_app(settings(postgres)), postgres) as service:
        every = operations(service.client().get("/openapi.json").json())
        alice, bob = (settle(service, every, name, size) for name in ("alice", "robert"))
        yield Town(service, every, alice, bob, settle_others(service))


@contextmanager
def fallen(postgres: Postgres) -> Iterator[None]:
    """Takes row-level security away, from under a service: none starts without it.

    Only the application's own predicates are left.
    """
    tables = postgres.rows("SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity")
    for (table,) in tables:
        postgres.rows(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
    try:
        yield
    finally:
        for (table,) in tables:
            postgres.rows(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
