"""Runs migrations: on one direct connection, one process at a time, and never behind somebody's lock.

A caller gives the address as `config.attributes["url"]`; from the shell it comes from the settings.
"""

import time
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.exc import OperationalError

from app.db.migrations import direct_url
from app.models.database import User  # whose metadata has all tables
from app.settings import read_settings

LOCK = 7_203_811_914_026_581
"""Any number, the same in all processes: whoever holds this advisory lock migrates, the others wait."""

DEADLOCK = "40P01"


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Writes column types in SQLAlchemy's words: old migrations must not depend on what SQLModel becomes."""
    if kind == "type" and type(item).__module__.startswith("sqlmodel"):
        return f"sa.{type(item).__mro__[1].__name__}()"
    return False


def migrate(connection: Connection) -> None:
    """Runs what the command asked for, each migration in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=User.metadata,
        transaction_per_migration=True,
        render_item=render_item,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    """Takes the lock, sets the limits, migrates."""
    url = context.config.attributes.get("url") or direct_url(read_settings())
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True)
    with engine.connect() as connection:
        # Whoever waits inside a statement holds up the one who makes an index without locking the table.
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            connection.commit()
            time.sleep(0.1)
        # A migration that waits for a lock makes everybody behind it wait too: better that it fails.
        connection.execute(text("SELECT set_config('lock_timeout', '5s', false)"))
        connection.commit()
        for last in (False, False, True):
            try:
                migrate(connection)
                break
            except OperationalError as error:
                # Who works meanwhile may take the same tables in another order: Postgres ends one of both.
                if last or getattr(error.orig, "pgcode", None) != DEADLOCK:
                    raise
                connection.rollback()


def offline() -> None:
    """Prints the SQL instead, for review and for the linter."""
    context.configure(
        url="postgresql+psycopg2://",
        target_metadata=User.metadata,
        transaction_per_migration=True,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
