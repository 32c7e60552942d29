"""The application's role as straight SQL, in the hands of somebody who knows it well."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import extensions

from app.db import url as urls
from app.db.identity import ROLE
from support import Postgres

IDENTITIES = ("user_id", "email", "issuer", "subject")


@contextmanager
def connected(postgres: Postgres) -> Iterator[extensions.connection]:
    """A connection of the login that the service has; a superuser's, in these tests."""
    with closing(psycopg2.connect(**urls.arguments(postgres.url))) as connection:
        yield connection


@contextmanager
def transaction(connection: extensions.connection, **identity: object) -> Iterator[extensions.cursor]:
    """A transaction as the application's role, in the name of `identity`; it ends as the block ends."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        for name, value in identity.items():
            assert name in IDENTITIES
            cursor.execute("SELECT set_config(%s, %s, true)", (f"app.{name}", str(value)))
        yield cursor


@contextmanager
def acting(postgres: Postgres, **identity: object) -> Iterator[extensions.cursor]:
    """The same on a connection of its own."""
    with connected(postgres) as connection, transaction(connection, **identity) as cursor:
        yield cursor


def count(cursor: extensions.cursor, table: str, condition: str = "true") -> int:
    """How many rows the cursor's identity sees."""
    cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {condition}')
    [(number,)] = cursor.fetchall()
    return int(number)
