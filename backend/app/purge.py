"""What nobody wants or uses any more goes for good."""

from dataclasses import dataclass
from datetime import timedelta

from .db import url as urls
from .db.database import Database
from .db.migrations import direct_url
from .models.audit import OPERATOR
from .repositories.audit import AuditRepository, forget
from .repositories.deletion import DeletionRepository, Purged
from .repositories.users import every_account
from .settings import Settings

BATCH_SECONDS = 60
"""How long one batch may take: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Purge:
    """What is gone: conversations that were deleted, those that were inactive, and entries of the record."""

    deleted: Purged
    inactive: Purged
    noted: int

    def told(self, gone: str) -> str:
        """For people, a line each; `gone` says whether it is."""
        purged = (("deleted", self.deleted), ("inactive", self.inactive))
        lines = [
            f"Conversations that {gone}, {why}: {what.conversations}, with {what.messages} messages."
            for why, what in purged
        ]
        return "\n".join([*lines, f"Entries of the record that {gone}: {self.noted}."])


async def purge(settings: Settings, *, dry_run: bool = False) -> Purge:
    """Removes what was deleted more than DELETED_RETENTION_DAYS ago, and what the other retentions say.

    A dry run only counts. It goes from user to user: row-level security lets nobody see or delete what is
    another one's. Each batch is a transaction of its own.
    """
    deleted_for, inactive_for = settings.deleted_retention_days, settings.retention_days
    deleted, inactive = Purged(), Purged()
    # A plan would stay, behind a pooler, on a connection that somebody else gets.
    database = Database(urls.configured(settings), statement_timeout=BATCH_SECONDS, keeps_plans=False)
    try:
        noted = forget(direct_url(settings), timedelta(days=settings.audit_retention_days), dry_run=dry_run)
        for account in every_account(direct_url(settings)):
            user = DeletionRepository(database, account.id)
            deleted += await user.purge_deleted(timedelta(days=deleted_for), dry_run=dry_run)
            if inactive_for is not None:
                inactive += await user.purge_inactive(timedelta(days=inactive_for), dry_run=dry_run)
        if not dry_run:
            await AuditRepository(database).note("purged", None, OPERATOR)
    finally:
        await database.close()
    return Purge(deleted, inactive, noted)
