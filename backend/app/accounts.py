"""Who somebody is: local accounts with a password, and the users of an external issuer."""

import time
from collections import OrderedDict
from contextlib import suppress

from .errors import ConfirmationWrong, NotAuthenticated, PasswordWrong, SignInFailed
from .models.audit import Visit
from .models.caller import Caller
from .models.database import MAX_ID
from .passwords import Passwords
from .repositories.audit import AuditRepository
from .repositories.erasure import ErasureRepository
from .repositories.users import Credentials, UserRepository
from .tokens import Principal

REMEMBERED = 10_000
REMEMBERED_SECONDS = 60
"""How long the id of an issuer's user is kept. Whether the account is still there, each statement asks."""


class Accounts:
    """Registers, signs in, tells which user a verified token stands for, and ends accounts.

    What it does is audited.
    """

    def __init__(self, users: UserRepository, erasures: ErasureRepository, audit: AuditRepository) -> None:
        self._users = users
        self._erasures = erasures
        self._audit = audit
        self._passwords = Passwords()
        self._admitted: OrderedDict[Principal, tuple[Caller, float]] = OrderedDict()

    async def register(self, email: str, password: str, visit: Visit) -> Caller:
        """Makes a local account. Raises EmailTaken."""
        return await self._users.register(email, await self._passwords.hash(password), visit)

    async def sign_in(self, email: str, password: str, network: str | None) -> Caller:
        """The user with this address and password.

        Raises SignInFailed, which takes as long for an unknown address as for a wrong password.
        """
        found = await self._users.credentials(email)
        if not await self._passwords.verify(password, found and found.password_hash) or found is None:
            await self._audit.note("sign_in_failed", found and found.user_id, Visit("visitor", network))
            raise SignInFailed
        await self._audit.note("signed_in", found.user_id, Visit("user", network))
        return Caller(found.user_id, found.generation)

    async def change_password(self, caller: Caller, current: str, new: str, visit: Visit) -> Caller:
        """Puts another password in the place of the `current` one; all tokens until then have ended.

        Raises PasswordWrong.
        """
        found = await self._users.own_credentials(caller)
        if not await self._passwords.verify(current, found.password_hash):
            await self._audit.note("password_wrong", caller.user_id, visit)
            raise PasswordWrong
        return await self._users.change_password(caller, await self._passwords.hash(new), visit)

    async def sign_out(self, caller: Caller, visit: Visit) -> None:
        """Ends all tokens of an account."""
        await self._users.sign_out(caller, visit)

    async def user_of(self, principal: Principal) -> Caller:
        """The account that a verified token stands for. An issuer's user gets one on the first visit.

        One token asks the database once a minute in a process. Raises NotAuthenticated for a token of an
        issuer that is older than the end of its user's account.
        """
        if principal.issuer is None:
            return Caller(int(principal.subject), principal.generation)
        caller, until = self._admitted.get(principal, (None, 0.0))
        if caller is None or time.monotonic() >= until:
            caller = await self._users.admit(principal.issuer, principal.subject, principal.issued_at)
            self._admitted[principal] = caller, time.monotonic() + REMEMBERED_SECONDS
            if len(self._admitted) > REMEMBERED:
                self._admitted.popitem(last=False)
        return caller

    async def find(self, who: str) -> Caller:
        """The account with this address, or with this id. Raises SignInFailed if there is none."""
        if who.isascii() and who.isdigit():
            return await self._with_id(who)
        found = await self._users.credentials(who)
        if found is None:
            raise SignInFailed
        return Caller(found.user_id, found.generation)

    async def give_token(self, who: str, visit: Visit) -> Caller:
        """The same, noted: whoever gets a token made for it acts as this user."""
        found = await self.find(who)
        await self._audit.note("token_made", found.user_id, visit)
        return found

    async def erase(self, caller: Caller, confirmation: str, visit: Visit) -> tuple[Credentials, bytes]:
        """Erases the account and everything it owns, if its user means it.

        Returns whose it was, and how many rows of each table are gone as JSON. Raises ConfirmationWrong
        unless `confirmation` is the password or, of a user of an external issuer, the subject.
        """
        found = await self._users.own_credentials(caller)
        if found.subject is None:
            confirmed = await self._passwords.verify(confirmation, found.password_hash)
        else:
            confirmed = confirmation == found.subject
        if not confirmed:
            await self._audit.note("erasure_refused", caller.user_id, visit)
            raise ConfirmationWrong
        counted = await self._erasures.erase(caller, visit)
        for principal in [known for known, (admitted, _) in self._admitted.items() if admitted == caller]:
            del self._admitted[principal]
        return found, counted

    async def delete(self, who: str, visit: Visit) -> bytes:
        """Erases the account with this address, or with this id; returns how many rows of each table.

        Raises SignInFailed if there is none.
        """
        return await self._erasures.erase((await self.find(who)).user_id, visit)

    async def _with_id(self, digits: str) -> Caller:
        if len(digits) <= len(str(MAX_ID)) and int(digits) <= MAX_ID:  # int() fails for thousands
            with suppress(NotAuthenticated):
                return await self._users.account(int(digits))
        raise SignInFailed
