"""Whether row-level security holds for the role that requests run as: asked once, before the first of them.

What else is not as it should be, `isolation` finds.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from ..errors import SetupError
from .database import Database
from .identity import NOBODY, ROLE
from .isolation import POLICIES
from .statement import Statement

# Whoever belongs to the owner, as the owner and a superuser do, could take the policies away.
# FORCE is for the login, which owns the tables.
_OPEN = Statement(
    """
    SELECT relname FROM pg_class, pg_roles
    WHERE pg_class.oid = ANY (ARRAY(SELECT to_regclass(quote_ident(name)) FROM unnest(%(tables)s) AS name))
        AND rolname = %(role)s
        AND (NOT relrowsecurity OR NOT relforcerowsecurity OR rolbypassrls
            OR pg_has_role(pg_roles.oid, relowner, 'USAGE'))
    ORDER BY relname
    """,
    reads=True,
)
_ABOUT = {"tables": sorted(POLICIES), "role": ROLE}


async def require(database: Database) -> None:
    """Raises SetupError if the role could see or change anybody's rows, and DatabaseUnavailable."""
    _require_none([str(row[0]) for row in await database.run(NOBODY, _OPEN, _ABOUT)])


def require_at(connection: Connection) -> None:
    """The same over a connection of any login."""
    _require_none(list(connection.exec_driver_sql(_OPEN.sql, _ABOUT).scalars()))


def _require_none(tables: Sequence[str]) -> None:
    if tables:
        raise SetupError(
            f"Row-level security does not keep users apart in {', '.join(tables)}: "
            "`chat-history doctor` prints the statements that mend it."
        )
