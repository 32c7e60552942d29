"""Accounts: local ones, and those of an external issuer's users."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlmodel
from sqlalchemy import BigInteger, Text, bindparam, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert as insert_or
from sqlalchemy.engine import URL
from sqlmodel import Session, col

from ..db.database import ConstraintViolated, Database
from ..db.engine import direct_engine
from ..db.identity import NOBODY, Identity
from ..db.statement import read, write
from ..errors import EmailTaken, NotAuthenticated
from ..models.audit import Visit
from ..models.caller import Caller
from ..models.database import Departure, User
from .audit import noted, told
from .base import identity_of

_item = (
    select(col(User.id), col(User.email), col(User.issuer), col(User.subject), col(User.created_at))
    .where(col(User.id) == bindparam("user_id"))
    .subquery("item")
)
_GET = read(select(func.row_to_json(_item.table_valued())))
_CREDENTIALS = (col(User.id), col(User.generation), col(User.password_hash), col(User.subject))
_BY_EMAIL = read(select(*_CREDENTIALS).where(col(User.email) == bindparam("email")))
_BY_ID = read(select(*_CREDENTIALS).where(col(User.id) == bindparam("user_id")))

# Random instead of counted: after a backup is restored, ids are assigned again, and the former owner of an id
# may still have a token that names it.
_drawn = cast(func.floor(func.random() * literal(2**53)), BigInteger)
_made = (
    insert(User)
    .values(email=bindparam("email"), password_hash=bindparam("password_hash"), generation=_drawn)
    .returning(col(User.id), col(User.generation))
    .cte("made")
)
_REGISTER = write(select(_made.c.id, _made.c.generation).add_cte(noted("registered", _made)))

# Of two concurrent changes, the second fails because the first has revoked its token.
_current = (col(User.id) == bindparam("user_id"), col(User.generation) == bindparam("generation"))
_next = {"generation": _drawn}
_changed = (
    update(User)
    .where(*_current)
    .values(password_hash=bindparam("password_hash"), **_next)
    .returning(col(User.id), col(User.generation))
    .cte("changed")
)
_CHANGE_PASSWORD = write(select(_changed.c.generation).add_cte(noted("password_changed", _changed)))
_signed_out = update(User).where(*_current).values(_next).returning(col(User.id)).cte("signed_out")
_SIGN_OUT = write(select(_signed_out.c.id).add_cte(noted("signed_out_everywhere", _signed_out)))

_subject = func.json_build_array(bindparam("issuer", type_=Text), bindparam("subject", type_=Text))
_departed = select(col(Departure.id)).where(
    col(Departure.subject_hash) == func.sha256(func.convert_to(cast(_subject, Text), "UTF8")),
    col(Departure.created_at) > func.to_timestamp(bindparam("issued_at")),
)
_FIND = read(
    select(col(User.id), col(User.generation)).where(
        col(User.issuer) == bindparam("issuer"),
        col(User.subject) == bindparam("subject"),
        ~_departed.exists(),
    )
)
_admitted = (
    insert_or(User)
    .from_select(
        ["issuer", "subject", "generation"],
        select(bindparam("issuer"), bindparam("subject"), _drawn).where(~_departed.exists()),
    )
    .on_conflict_do_nothing()
    .returning(col(User.id), col(User.generation))
    .cte("admitted")
)
_ADMIT = write(select(_admitted.c.id, _admitted.c.generation).add_cte(noted("registered", _admitted)))

_ENDED = read(
    select(
        func.ended_accounts(
            cast(bindparam("accounts"), ARRAY(BigInteger)), cast(bindparam("generations"), ARRAY(BigInteger))
        )
    )
)


class Credentials(NamedTuple):
    """The stored credentials of an account, and the generation of its next token.

    A local account has a password; an external one has the subject by which its issuer identifies the user.
    """

    user_id: int
    generation: int
    password_hash: str | None
    subject: str | None


class UserRepository:
    """Accounts. Each statement sees a single one: the user's own, or the one being signed in to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: Caller | int) -> bytes:
        """The account as JSON. Raises NotAuthenticated if it was deleted."""
        rows = await self._database.run(identity_of(user), _GET, {})
        if not rows:
            raise NotAuthenticated
        return bytes(rows[0][0])

    async def register(self, email: str, password_hash: str, visit: Visit) -> Caller:
        """Creates a local account. Raises EmailTaken."""
        values = {"password_hash": password_hash, **told(visit)}
        try:
            rows = await self._database.run(Identity(email=email), _REGISTER, values)
        except ConstraintViolated:
            raise EmailTaken from None
        return Caller(*rows[0])

    async def credentials(self, email: str) -> Credentials | None:
        """Returns the credentials of the local account with this address, or None if there is none."""
        rows = await self._database.run(Identity(email=email), _BY_EMAIL, {})
        return Credentials(*rows[0]) if rows else None

    async def own_credentials(self, caller: Caller) -> Credentials:
        """Returns the credentials of the caller's account. Raises NotAuthenticated if it was deleted."""
        rows = await self._database.run(identity_of(caller), _BY_ID, {})
        if not rows:
            raise NotAuthenticated
        return Credentials(*rows[0])

    async def account(self, user_id: int) -> Caller:
        """Returns the account with this id. Raises NotAuthenticated if there is none."""
        rows = await self._database.run(identity_of(user_id), _BY_ID, {})
        if not rows:
            raise NotAuthenticated
        return Caller(*rows[0][:2])

    async def change_password(self, caller: Caller, password_hash: str, visit: Visit) -> Caller:
        """Replaces the password, revokes all tokens, and returns the Caller for a new one."""
        values = {"password_hash": password_hash, **told(visit)}
        rows = await self._database.run(identity_of(caller), _CHANGE_PASSWORD, values)
        if not rows:
            raise NotAuthenticated
        return Caller(caller.user_id, rows[0][0])

    async def sign_out(self, caller: Caller, visit: Visit) -> None:
        """Revokes all tokens of the account. Raises NotAuthenticated if another request did so before."""
        if not await self._database.run(identity_of(caller), _SIGN_OUT, told(visit)):
            raise NotAuthenticated

    async def ended(self, callers: Sequence[Caller]) -> set[Caller]:
        """Returns the callers whose account was deleted or whose tokens were revoked."""
        values = {
            "accounts": [caller.user_id for caller in callers],
            "generations": [caller.generation for caller in callers],
        }
        return {callers[place - 1] for (place,) in await self._database.run(NOBODY, _ENDED, values)}

    async def admit(self, issuer: str, subject: str, issued_at: float) -> Caller:
        """Returns the account of an external issuer's user, and creates it on the first visit.

        Raises NotAuthenticated if the account was deleted after `issued_at`, the Unix time of the token's
        issue.
        """
        somebody = Identity(issuer=issuer, subject=subject)
        values = {"issued_at": issued_at, **told(Visit())}
        for statement in (
            _FIND,
            _ADMIT,
            _FIND,
        ):  # the second _FIND: another request may have created it in between
            if rows := await self._database.run(somebody, statement, values):
                return Caller(*rows[0])
        raise NotAuthenticated


def every_account(url: URL) -> list[User]:
    """Returns all accounts by id, for administrators: the login that migrated the database sees them all."""
    with Session(direct_engine(url)) as session:
        return list(session.exec(sqlmodel.select(User).order_by(col(User.id))))
