"""Accounts: this service's own, and the users of an external issuer."""

import hashlib
from dataclasses import dataclass

import sqlmodel
from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.engine import URL
from sqlmodel import Session, col, create_engine

from ..db.database import ConstraintViolated, Database, Identity
from ..db.statement import read, write
from ..errors import EmailTaken, NotAuthenticated
from ..models.database import User

ERASED = "erased"
"""In the place of an issuer, in the trace of an account."""

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
_PROOF = read(
    select(col(User.password_hash), col(User.issuer), col(User.subject)).where(
        col(User.id) == bindparam("user_id")
    )
)
_FIND_TRACE = read(select(col(User.id), func.extract("epoch", col(User.created_at))).where(*_KNOWN))


@dataclass(frozen=True, slots=True)
class Proof:
    """What a user must know of an account: the password of a local one, else who its issuer says they are."""

    password_hash: str | None
    issuer: str | None
    subject: str | None


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

    async def find(self, issuer: str, subject: str) -> int | None:
        """The id of an external issuer's user; None before the first visit."""
        rows = await self._database.run(Identity(issuer=issuer, subject=subject), _FIND, {})
        return int(rows[0][0]) if rows else None

    async def admit(self, issuer: str, subject: str) -> int:
        """Makes the account of an external issuer's user, unless another request just did; returns its id."""
        somebody = Identity(issuer=issuer, subject=subject)
        for statement in (_ADMIT, _FIND):
            if rows := await self._database.run(somebody, statement, {}):
                return int(rows[0][0])
        raise NotAuthenticated

    async def proof(self, user_id: int) -> Proof:
        """Raises NotAuthenticated if the account was deleted."""
        rows = await self._database.run(Identity(user_id=user_id), _PROOF, {})
        if not rows:
            raise NotAuthenticated
        return Proof(*rows[0])

    async def erased_at(self, issuer: str, subject: str) -> float | None:
        """When an external issuer's user was erased, in unix seconds; None if there is no trace of that."""
        rows = await self._database.run(trace(issuer, subject), _FIND_TRACE, {})
        return float(rows[0][1]) if rows else None

    async def forget_trace(self, issuer: str, subject: str) -> None:
        """Removes the trace of an earlier erasure, if there is one."""
        if rows := await self._database.run(trace(issuer, subject), _FIND_TRACE, {}):
            await self.remove(rows[0][0])

    async def remove(self, user_id: int) -> None:
        """Removes an account that owns nothing: a trace."""
        await self._database.run(Identity(user_id=user_id), _DELETE, {})


def trace(issuer: str, subject: str) -> Identity:
    """What stays of an external issuer's user who was erased: an account of nobody, whose subject is a hash.

    Its time is that of the erasure. By it, a token of before makes no new account.
    """
    digest = hashlib.sha256(f"{len(issuer)} {issuer} {subject}".encode()).hexdigest()
    return Identity(issuer=ERASED, subject=digest)


def every_account(url: URL) -> list[User]:
    """All accounts by id, for the administrator: whoever migrated the database may see them."""
    engine = create_engine(url, hide_parameters=True)
    with Session(engine, expire_on_commit=False) as session:
        accounts = list(session.exec(sqlmodel.select(User).order_by(col(User.id))))
    engine.dispose()
    return accounts
