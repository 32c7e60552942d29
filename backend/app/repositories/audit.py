"""The audit log of accounts: the service only appends, the login that migrates reads and prunes it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlmodel
from sqlalchemy import CTE, ColumnElement, Insert, bindparam, cast, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import CIDR
from sqlalchemy.engine import URL
from sqlmodel import Session, col

from ..db.database import Database
from ..db.engine import direct_engine
from ..db.identity import NOBODY, Identity
from ..db.statement import write
from ..models.audit import Visit
from ..models.database import Audit, Departure


def noted(event: str, accounts: CTE) -> CTE:
    """Returns a CTE that records an event for each of `accounts`, in the transaction of the change itself.

    The statement needs the parameters that `told` returns.
    """
    return _append(literal(event), accounts.c.id).cte("noted")


def told(visit: Visit) -> dict[str, Any]:
    """The parameters that a statement with `noted` needs."""
    return {"actor": visit.actor, "network": visit.network}


def _append(event: ColumnElement[str], user_id: ColumnElement[Any]) -> Insert:
    columns = ("event", "actor", "user_id", "network")
    values: tuple[ColumnElement[Any], ...] = (
        event,
        bindparam("actor"),
        user_id,
        cast(bindparam("network"), CIDR),
    )
    return insert(Audit).from_select(columns, select(*values))


_NOTE = write(_append(bindparam("event"), bindparam("user_id")))


class AuditRepository:
    """Appends entries to the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, event: str, user_id: int | None, visit: Visit) -> None:
        """Records an event, named in lower-case letters and underscores, and the account it is about."""
        identity = NOBODY if user_id is None else Identity(user_id=user_id)
        await self._database.run(identity, _NOTE, {"event": event, **told(visit)})


def entries(url: URL, user_id: int | None) -> Iterator[Audit]:
    """Yields all entries, oldest first, or those about one account. For administrators."""
    asked = sqlmodel.select(Audit).order_by(col(Audit.id))
    if user_id is not None:
        asked = asked.where(col(Audit.user_id) == user_id)
    with Session(direct_engine(url)) as session:
        yield from session.exec(asked.execution_options(yield_per=1_000))


def forget(url: URL, age: timedelta, *, dry_run: bool) -> int:
    """Removes the entries older than `age` and returns how many there were. For administrators.

    Also removes the records of users of an external issuer that were deleted as long ago. A dry run only
    counts.
    """
    before = func.now() - age
    old = col(Audit.created_at) < before
    with direct_engine(url).begin() as connection:
        if dry_run:
            return connection.execute(select(func.count()).select_from(Audit).where(old)).scalar_one()
        connection.execute(delete(Departure).where(col(Departure.created_at) < before))
        return connection.execute(delete(Audit).where(old)).rowcount
