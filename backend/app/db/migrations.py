"""Reads which schema version a database has, and migrates it to another one.

Imports Alembic only when it is used: the command line starts faster without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, Row
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from ..errors import SetupError
from ..settings import Settings
from . import schema, url as urls, walls
from .engine import direct_engine
from .identity import ROLE

if TYPE_CHECKING:
    from alembic.config import Config

_PACKAGED = Path(__file__).parent.parent / "migrations"
_CHECKOUT = Path(__file__).parents[3] / "alembic"
_REVISION = re.compile(r"[-+][1-9][0-9]*|\w+", re.ASCII)


def direct_url(settings: Settings) -> URL:
    """The URL for migrations: DATABASE_URL_UNPOOLED, or DATABASE_URL around its pooler. Raises SetupError."""
    if settings.database_url_unpooled is not None:
        address = settings.database_url_unpooled.get_secret_value()
        return urls.permitted("DATABASE_URL_UNPOOLED", address, settings)
    return urls.direct(urls.configured(settings))


def migrate(url: URL, revision: str = "head", agree: Callable[[], None] | None = None) -> None:
    """Migrates the schema to `revision`, up or down. Concurrent processes take turns.

    `agree` is called before a downgrade, which drops stored data, and may raise to prevent it. Raises
    SetupError, with what the administrator has to do if this login may not create the application's role.
    """
    from alembic import command
    from alembic.util import CommandError

    if not _REVISION.fullmatch(revision):
        raise SetupError("That names no revision: write `head`, `base`, `-1`, `+1`, or the name of one.")
    configuration = _configuration(url)
    with explained(url):
        try:
            version = current(url)
            if _is_behind(configuration, revision, version):
                if agree is not None and version is not None:
                    agree()
                command.downgrade(configuration, revision)
            else:
                command.upgrade(configuration, revision)
        except CommandError as error:
            raise SetupError(f"Alembic cannot migrate: {error}") from None


def current(url: URL) -> str | None:
    """Returns the revision of a database; None if it was never migrated.

    Raises SetupError if the database does not answer.
    """
    with explained(url), direct_engine(url).connect() as connection:
        return _version(connection)


def require(settings: Settings, *, serving: bool = False) -> None:
    """Raises SetupError unless the database answers, and has a schema that this version can use.

    `serving` also requires that its row-level security holds.
    """
    url = direct_url(settings)
    with explained(url), direct_engine(url).connect() as connection:
        version = _version(connection)
        if not schema.is_enough(version):
            raise SetupError(
                f"The schema of the database is {version or 'not there'}, and this version needs "
                f"{schema.NEEDED}: run `chat-history migrate`."
            )
        if serving:
            walls.require_at(connection)


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turns an error of the database at `url` into a SetupError."""
    try:
        yield
    except DBAPIError as error:
        raise SetupError(_reason(error, url)) from None
    except PendingRollbackError:  # Alembic went on after the connection was lost
        raise SetupError("The database ended the connection. Finished steps stay; try again.") from None


def _version(connection: Connection) -> str | None:
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _is_behind(configuration: Config, revision: str, version: str | None) -> bool:
    """Whether migrating from `version` to `revision` is a downgrade."""
    from alembic.script import ScriptDirectory

    if revision == "base" or revision[0] in "+-":
        return revision[0] != "+"
    if version is None:
        return False
    scripts = ScriptDirectory.from_config(configuration)
    target = scripts.get_revision(revision)
    return target in list(scripts.walk_revisions("base", version))[1:]


def _configuration(url: URL) -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option(
        "script_location", str(_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT).replace("%", "%%")
    )
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["url"] = url
    return configuration


_RIGHTS = text(
    """
    SELECT quote_ident(current_user) AS login,
        (SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class
            WHERE oid = to_regclass('alembic_version') AND NOT pg_has_role(current_user, relowner, 'USAGE')
        ) AS owner,
        EXISTS (SELECT FROM pg_roles WHERE rolname = :role) AS role_exists,
        (SELECT pg_has_role(current_user, oid,
            CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
        ) FROM pg_roles WHERE rolname = :role) AS takes_role,
        has_schema_privilege(current_user, 'public', 'CREATE') AS creates
    """
)


def _reason(error: DBAPIError, url: URL) -> str:
    sqlstate = getattr(error.orig, "pgcode", None)
    said = str(error.orig).strip().partition("\n")[0]
    if sqlstate == "42501":
        with explained(url), direct_engine(url).connect() as connection:
            return _refusal(said, connection.execute(_RIGHTS, {"role": ROLE}).one())
    if sqlstate == "55P03":
        return "Another session holds a lock that the migration needs. Nothing is lost; try again."
    return f"The database refuses: {said}"


def _refusal(said: str, rights: Row[Any]) -> str:
    """The message for a login without the necessary privileges, with what an administrator has to do."""
    sentence = f"The login {rights.login} may not do that: {said}"
    if rights.owner is not None:
        return f"{sentence}\nThe tables belong to {rights.owner}: use that login."
    statements = []
    if not rights.role_exists:
        statements.append(f"CREATE ROLE {ROLE} NOLOGIN;")
    if not rights.takes_role:
        statements.append(f"GRANT {ROLE} TO {rights.login};")
    if not rights.creates:
        statements.append(f"GRANT CREATE ON SCHEMA public TO {rights.login};")
    if statements:
        sentence += "\nAn administrator can run once, and then `chat-history migrate` works:"
    return "\n  ".join([sentence, *statements])
