"""Accounts: this service's own, and the users of an external issuer."""

import sqlmodel
from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.engine import URL
from sqlmodel import Session, col, create_engine

from ..db.database import ConstraintViolated, Database, Identity
from ..db.statement import read, write
from ..errors import EmailTaken, NotAuthenticated
from ..models.database import User

_item = (
    select(col(User.id), col(User.email), col(User.issuer), col(User.subject), col(User.created_at))
    .where(col(User.id) == bindparam("user_id"))
    .subquery("item")
)
_GET = read(select(func.row_to_json(_item.table_valued())))
_SIGN_IN = read(select(col(User.id), col(User.password_hash)).where(col(User.email) == bindparam("email")))
_REGISTER = write(
    insert(User)
    .values(email=bindparam("email"), password_hash=bindparam("password_hash"))
    .returning(col(User.id))
)
_KNOWN = (col(User.issuer) == bindparam("issuer"), col(User.subject) == bindparam("subject"))
_FIND = read(select(col(User.id)).where(*_KNOWN))
_ADMIT = write(
    insert_or(User)
    .values(issuer=bindparam("issuer"), subject=bindparam("subject"))
    .on_conflict_do_nothing()
    .returning(col(User.id))
)
_DELETE = write(delete(User).where(col(User.id) == bindparam("user_id")))


class UserRepository:
    """Accounts. Each statement sees one: that of its user, or the one that somebody signs in to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: int) -> bytes:
        """The account as JSON. Raises NotAuthenticated if it was deleted."""
        rows = await self._database.run(Identity(user_id=user_id), _GET, {})
        if not rows:
            raise NotAuthenticated
        return bytes(rows[0][0])

    async def register(self, email: str, password_hash: str) -> int:
        """Makes a local account and returns its id. Raises EmailTaken."""
        try:
            rows = await self._database.run(
                Identity(email=email), _REGISTER, {"password_hash": password_hash}
            )
        except ConstraintViolated:
            raise EmailTaken from None
        return int(rows[0][0])

    async def credentials(self, email: str) -> tuple[int, str] | None:
        """Id and password hash of a local account, or None if there is none with this address."""
        rows = await self._database.run(Identity(email=email), _SIGN_IN, {})
        return (rows[0][0], rows[0][1]) if rows else None

    async def admit(self, issuer: str, subject: str) -> int:
        """The id of an external issuer's user, whose account is made on the first visit."""
        somebody = Identity(issuer=issuer, subject=subject)
        for statement in (
            _FIND,
            _ADMIT,
            _FIND,
        ):  # the second _FIND: another request made it in between
            if rows := await self._database.run(somebody, statement, {}):
                return int(rows[0][0])
        raise NotAuthenticated

    async def delete(self, user_id: int) -> None:
        """Deletes an account with everything it owns, if it is still there."""
        await self._database.run(Identity(user_id=user_id), _DELETE, {})


def every_account(url: URL) -> list[User]:
    """All accounts by id, for the administrator: whoever migrated the database may see them."""
    engine = create_engine(url, hide_parameters=True)
    with Session(engine, expire_on_commit=False) as session:
        accounts = list(session.exec(sqlmodel.select(User).order_by(col(User.id))))
    engine.dispose()
    return accounts
