"""What was deleted and not restored in time goes for good."""

from datetime import timedelta

from .db import url as urls
from .db.database import Database
from .db.migrations import direct_url
from .models.audit import OPERATOR
from .repositories.audit import AuditRepository, forget
from .repositories.deletion import DeletionRepository
from .repositories.users import every_account
from .settings import Settings

BATCH_SECONDS = 60
"""How long one batch may take: nobody waits for it."""


def purge_record(settings: Settings) -> int:
    """Removes what was noted more than AUDIT_RETENTION_DAYS ago; returns how many entries."""
    return forget(direct_url(settings), timedelta(days=settings.audit_retention_days))


async def purge_deleted(settings: Settings) -> int:
    """Removes what was deleted more than DELETED_RETENTION_DAYS ago; returns how many conversations.

    It goes from user to user: row-level security lets nobody see or delete what is another one's.
    """
    assert settings.database_url is not None
    url = urls.parse(settings.database_url.get_secret_value())
    age = timedelta(days=settings.deleted_retention_days)
    database = Database(url, statement_timeout=BATCH_SECONDS)
    try:
        accounts = every_account(direct_url(settings))
        purged = sum([await DeletionRepository(database, account.id).purge(age) for account in accounts])
        await AuditRepository(database).note("purged", None, OPERATOR)
        return purged
    finally:
        await database.close()
