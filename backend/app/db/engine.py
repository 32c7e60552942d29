"""SQLAlchemy's engine, for migrations and for commands of an administrator over all accounts."""

from sqlalchemy import Engine, create_engine, pool
from sqlalchemy.engine import URL

CONNECT_SECONDS = 10


def direct_engine(url: URL) -> Engine:
    """An engine that keeps no connection open. Its errors never quote parameters."""
    return create_engine(
        url,
        poolclass=pool.NullPool,
        hide_parameters=True,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
