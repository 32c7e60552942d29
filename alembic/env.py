"""Runs migrations on one direct connection, in one process at a time, with a limit on waits for locks.

A caller passes the URL as `config.attributes["url"]`; from the shell it comes from the settings.
"""

import time
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from app.db.engine import direct_engine
from app.db.migrations import direct_url
from app.models.database import User  # whose metadata has all tables
from app.settings import read_settings
from app.terminal import say

LOCK = 7_203_811_914_026_581
"""An arbitrary number, the same in all processes: the holder of this advisory lock migrates, others wait."""

LOCK_PATIENCE = "800ms"
"""How long a migration waits for a lock. Meanwhile, all later requests for the table wait behind it."""

TRIES = 10
PAUSE_SECONDS = 0.5
"""The pause between two tries, in which the requests that waited behind the migration continue."""

LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Renders column types as SQLAlchemy's: old migrations must not depend on later versions of SQLModel."""
    if kind == "type" and type(item).__module__.startswith("sqlmodel"):
        return f"sa.{type(item).__mro__[1].__name__}()"
    return False


def migrate(connection: Connection) -> None:
    """Runs the requested command, each migration in its own transaction."""
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
    """Acquires the advisory lock and migrates, with a limit on each wait for other locks.

    Says once if another process holds the advisory lock: its migration may take long.
    """
    url = context.config.attributes.get("url") or direct_url(read_settings())
    with direct_engine(url).connect() as connection:
        # Polls: a process that waits inside a statement would hold up another's CREATE INDEX CONCURRENTLY.
        waiting = False
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            connection.commit()
            if not waiting:
                say("Waiting for another migration to end ...")
            waiting = True
            time.sleep(0.1)
        for left in reversed(range(TRIES)):
            connection.execute(
                text("SELECT set_config('lock_timeout', :patience, false)"), {"patience": LOCK_PATIENCE}
            )
            connection.commit()
            try:
                migrate(connection)
                break
            except OperationalError as error:
                # Another transaction held a table for longer, or locked the same tables in another order.
                ended_by = getattr(error.orig, "pgcode", None)
                if not left or ended_by not in (LOCK_NOT_AVAILABLE, DEADLOCK):
                    raise
                connection.rollback()
                time.sleep(PAUSE_SECONDS)


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
