"""The schema: which version the code needs, which one a database has, and how to get from one to the other.

Imports Alembic only when it is used: the command line starts faster without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from ..errors import SetupError
from ..settings import Settings
from . import url as urls
from .database import ROLE

if TYPE_CHECKING:
    from alembic.config import Config

_PACKAGED = Path(__file__).parent.parent / "migrations"
_CHECKOUT = Path(__file__).parents[3] / "alembic"


def direct_url(settings: Settings) -> URL:
    """Where migrations go: DATABASE_URL_UNPOOLED, or DATABASE_URL around its pooler. Raises SetupError."""
    if settings.database_url_unpooled is not None:
        return urls.parse(settings.database_url_unpooled.get_secret_value())
    if settings.database_url is not None:
        return urls.direct(urls.parse(settings.database_url.get_secret_value()))
    raise SetupError("DATABASE_URL is not set: there is no database to migrate")


def migrate(url: URL, revision: str = "head") -> None:
    """Brings the schema to `revision`, up or down. Processes that do so at the same time take turns.

    Raises SetupError with what the administrator has to do if this login may not make the application's role.
    """
    from alembic import command
    from alembic.util import CommandError

    configuration = _configuration(url)
    try:
        if revision == "base" or revision.startswith("-"):
            command.downgrade(configuration, revision)
        else:
            command.upgrade(configuration, revision)
    except CommandError as error:
        raise SetupError(f"Alembic cannot migrate: {error}") from None
    except DBAPIError as error:
        raise SetupError(_reason(error, url)) from None


def current(url: URL) -> str | None:
    """The revision of a database; None if it was never migrated.

    Raises SetupError if the database does not answer.
    """
    engine = create_engine(
        url, poolclass=pool.NullPool, hide_parameters=True, connect_args={"connect_timeout": 10}
    )
    try:
        with engine.connect() as connection:
            if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                return None
            version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return version
    except DBAPIError as error:
        raise SetupError(_reason(error, url)) from None


def _configuration(url: URL | None = None) -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option(
        "script_location", str(_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT).replace("%", "%%")
    )
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["url"] = url
    return configuration


def _reason(error: DBAPIError, url: URL) -> str:
    sqlstate = getattr(error.orig, "pgcode", None)
    if sqlstate == "42501":
        return (
            f"The login {url.username} may not do that: {str(error.orig).splitlines()[0]}\n"
            "An administrator can run once, and then `chat-history migrate` works:\n"
            f"  CREATE ROLE {ROLE} NOLOGIN;\n"
            f'  GRANT {ROLE} TO "{url.username}";\n'
            f'  GRANT CREATE ON SCHEMA public TO "{url.username}";'
        )
    if sqlstate == "55P03":
        return "Another session holds a lock that the migration needs. Nothing is lost; try again."
    return f"The database refuses: {str(error.orig).strip().splitlines()[0]}"
