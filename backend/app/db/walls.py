"""Checks once, before the first request, that row-level security holds for the role of requests.

`isolation` finds everything else that is wrong.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from ..errors import SetupError
from .database import Database
from .identity import NOBODY, ROLE
from .isolation import POLICIES
from .statement import Statement

# A member of the owner, as the owner itself and a superuser are, could drop the policies. FORCE applies them
# to the login, which owns the tables.
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
    """Raises SetupError if the role could see or change rows of any user, and DatabaseUnavailable."""
    _require_none([str(row[0]) for row in await database.run(NOBODY, _OPEN, _ABOUT)])


def require_at(connection: Connection) -> None:
    """Does the same over a connection of any login."""
    _require_none(list(connection.exec_driver_sql(_OPEN.sql, _ABOUT).scalars()))


def _require_none(tables: Sequence[str]) -> None:
    if tables:
        raise SetupError(
            f"Row-level security does not keep users apart in {', '.join(tables)}: "
            "`chat-history doctor` prints the statements that mend it."
        )
