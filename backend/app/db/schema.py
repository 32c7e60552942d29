"""Checks whether the database has the schema that this version of the code needs."""

import logging
import time

from sqlalchemy import column, select, table

from ..errors import DatabaseUnavailable
from .database import Database
from .identity import NOBODY
from .statement import read

log = logging.getLogger(__name__)

NEEDED = "2026_11_21_words_of_messages"
"""The newest migration that this code relies on. Ids begin with their date, so later ones sort after it."""

REMEMBERED_SECONDS = 10
"""How long a good result is reused: probes must not keep a serverless database awake."""

_VERSION = read(select(column("version_num")).select_from(table("alembic_version")))


def is_enough(version: str | None) -> bool:
    """Whether the code works with a schema: its own, or a later one, during an upgrade of the code."""
    return version is not None and version >= NEEDED


class Schema:
    """The schema of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._good_until = float("-inf")

    async def check(self) -> None:
        """Raises DatabaseUnavailable if the database does not answer, or has a schema older than NEEDED."""
        if time.monotonic() < self._good_until:
            return
        rows = await self._database.run(NOBODY, _VERSION, {})
        version = rows[0][0] if rows else None
        if not is_enough(version):
            log.error("schema.too_old", extra={"version": version, "needed": NEEDED})
            raise DatabaseUnavailable
        self._good_until = time.monotonic() + REMEMBERED_SECONDS
