"""The record of what was done to accounts. The service appends; whoever migrated reads and removes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlmodel
from sqlalchemy import CTE, ColumnElement, Insert, bindparam, cast, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import CIDR
from sqlalchemy.engine import URL
from sqlmodel import Session, col, create_engine

from ..db.database import Database
from ..db.identity import NOBODY, Identity
from ..db.statement import write
from ..models.audit import Visit
from ..models.database import Audit, Departure


def noted(event: str, accounts: CTE) -> CTE:
    """Notes an event of each of `accounts` in the statement, and so in the transaction, of what happened.

    The statement takes the parameters of `told`.
    """
    return _append(literal(event), accounts.c.id).cte("noted")


def told(visit: Visit) -> dict[str, Any]:
    """What a statement with `noted` takes."""
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
    """Appends to the record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, event: str, user_id: int | None, visit: Visit) -> None:
        """Notes an event, named in small letters and underscores, with the account that it is about."""
        identity = NOBODY if user_id is None else Identity(user_id=user_id)
        await self._database.run(identity, _NOTE, {"event": event, **told(visit)})


def entries(url: URL, user_id: int | None) -> Iterator[Audit]:
    """The record from its beginning, or what of it is about one account, for the administrator."""
    asked = sqlmodel.select(Audit).order_by(col(Audit.id))
    if user_id is not None:
        asked = asked.where(col(Audit.user_id) == user_id)
    engine = create_engine(url, hide_parameters=True)
    with Session(engine) as session:
        yield from session.exec(asked.execution_options(yield_per=1_000))
    engine.dispose()


def forget(url: URL, age: timedelta, *, dry_run: bool) -> int:
    """Removes what is older than `age` from the record, for the administrator; returns how many entries.

    Deleted users of an issuer are forgotten likewise. A dry run only counts.
    """
    engine = create_engine(url, hide_parameters=True)
    with Session(engine) as session:
        before = func.now() - age
        session.connection().execute(delete(Departure).where(col(Departure.created_at) < before))
        removed = session.connection().execute(delete(Audit).where(col(Audit.created_at) < before)).rowcount
        if not dry_run:
            session.commit()
    engine.dispose()
    return removed
