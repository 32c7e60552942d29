"""Removes deleted conversations, inactive conversations and old audit entries for good."""

from dataclasses import dataclass
from datetime import timedelta

from .db import url as urls
from .db.database import Database
from .db.migrations import direct_url
from .db.schema import Schema
from .errors import DatabaseUnavailable
from .models.audit import OPERATOR
from .repositories.audit import AuditRepository, forget
from .repositories.deletion import DeletionRepository, Purged
from .repositories.users import every_account
from .settings import Settings

BATCH_SECONDS = 60
"""How long one batch may take. No request waits for it."""


@dataclass(frozen=True, slots=True)
class Purge:
    """What was removed: deleted conversations, inactive conversations, and entries of the audit log."""

    deleted: Purged
    inactive: Purged
    noted: int
    failed: tuple[int, ...] = ()
    """Accounts whose purge the database ended, because of a lock or of the time it took.

    Batches of theirs that were removed before that are gone, and may not be counted.
    """

    def told(self, gone: str) -> str:
        """Describes it for people, one line each; `gone` says whether it was removed or would be."""
        purged = (("deleted", self.deleted), ("inactive", self.inactive))
        lines = [
            f"Conversations that {gone}, {why}: {what.conversations}, with {what.messages} messages."
            for why, what in purged
        ]
        return "\n".join([*lines, f"Entries of the record that {gone}: {self.noted}."])

    def complaint(self) -> str:
        """Describes for people which accounts failed."""
        accounts = ", ".join(str(account) for account in self.failed)
        return f"The database refused or took too long to purge these accounts: {accounts}. Try again."


async def purge(settings: Settings, *, dry_run: bool = False) -> Purge:
    """Removes what is older than DELETED_RETENTION_DAYS, RETENTION_DAYS and AUDIT_RETENTION_DAYS.

    A dry run only counts. Users are purged one after the other, because row-level security hides the rows of
    all others. Each batch is a transaction of its own. If an account fails, the purge goes on with the
    others. Raises DatabaseUnavailable if the database is away.
    """
    deleted_for, inactive_for = settings.deleted_retention_days, settings.retention_days
    deleted, inactive = Purged(), Purged()
    failed: list[int] = []
    # Behind a pooler, a prepared plan would stay on a connection that another client gets.
    database = Database(urls.configured(settings), statement_timeout=BATCH_SECONDS, keeps_plans=False)
    try:
        noted = forget(direct_url(settings), timedelta(days=settings.audit_retention_days), dry_run=dry_run)
        for account in every_account(direct_url(settings)):
            user = DeletionRepository(database, account.id)
            try:
                deleted += await user.purge_deleted(timedelta(days=deleted_for), dry_run=dry_run)
                if inactive_for is not None:
                    inactive += await user.purge_inactive(timedelta(days=inactive_for), dry_run=dry_run)
            except DatabaseUnavailable:
                await Schema(database).check()  # raises if the database is away for everybody
                failed.append(account.id)
        if not dry_run:
            await AuditRepository(database).note("purged", None, OPERATOR)
    finally:
        await database.close()
    return Purge(deleted, inactive, noted, tuple(failed))
