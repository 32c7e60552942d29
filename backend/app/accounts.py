"""Accounts: local ones with a password, and those of an external issuer's users."""

import time
from collections import OrderedDict
from contextlib import suppress

from .errors import ConfirmationWrong, NotAuthenticated, PasswordWrong, SetupError, SignInFailed
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
"""How long the account of an issuer's user is cached. Each statement checks that it still exists."""


class Accounts:
    """Registers, signs in and erases accounts, and finds the account of a verified token.

    Its actions are recorded in the audit log.
    """

    def __init__(self, users: UserRepository, erasures: ErasureRepository, audit: AuditRepository) -> None:
        self._users = users
        self._erasures = erasures
        self._audit = audit
        self._passwords = Passwords()
        self._admitted: OrderedDict[Principal, tuple[Caller, float]] = OrderedDict()

    async def register(self, email: str, password: str, visit: Visit) -> Caller:
        """Creates a local account. Raises EmailTaken."""
        return await self._users.register(email, await self._passwords.hash(password), visit)

    async def sign_in(self, email: str, password: str, network: str | None) -> Caller:
        """Returns the user with this address and password.

        Raises SignInFailed, after the same time for an unknown address as for a wrong password.
        """
        found = await self._users.credentials(email)
        if not await self._passwords.verify(password, found and found.password_hash) or found is None:
            await self._audit.note("sign_in_failed", found and found.user_id, Visit("visitor", network))
            raise SignInFailed
        await self._audit.note("signed_in", found.user_id, Visit("user", network))
        return Caller(found.user_id, found.generation)

    async def change_password(self, caller: Caller, current: str, new: str, visit: Visit) -> Caller:
        """Replaces the `current` password, and revokes all earlier tokens.

        Raises PasswordWrong.
        """
        found = await self._users.own_credentials(caller)
        if not await self._passwords.verify(current, found.password_hash):
            await self._audit.note("password_wrong", caller.user_id, visit)
            raise PasswordWrong
        return await self._users.change_password(caller, await self._passwords.hash(new), visit)

    async def user_of(self, principal: Principal) -> Caller:
        """Returns the account of a verified token. An issuer's user gets one on the first visit.

        A process queries the database once a minute for an issuer's token. Raises NotAuthenticated if an
        issuer's token is older than the deletion of its user's account.
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
        """Returns the account with this address or id. Raises SetupError if there is none."""
        if who.isascii() and who.isdigit():
            if len(who) <= len(str(MAX_ID)) and int(who) <= MAX_ID:  # int() rejects thousands of digits
                with suppress(NotAuthenticated):
                    return await self._users.account(int(who))
        elif found := await self._users.credentials(who):
            return Caller(found.user_id, found.generation)
        raise SetupError("There is no such account: `chat-history user list` shows them all.")

    async def note_token_made(self, who: str, visit: Visit) -> Caller:
        """Returns the account with this address or id, and notes in the audit log that it got a token.

        Raises SetupError if there is none.
        """
        found = await self.find(who)
        await self._audit.note("token_made", found.user_id, visit)
        return found

    async def erase(self, caller: Caller, confirmation: str, visit: Visit) -> tuple[Credentials, bytes]:
        """Erases the account and everything it owns, if its user confirms it.

        Returns its credentials and, as JSON, the number of erased rows per table. Raises ConfirmationWrong
        unless `confirmation` is the password or, for a user of an external issuer, the subject.
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
        """Erases the account with this address or id. Returns the number of erased rows per table as JSON.

        Raises SetupError if there is none.
        """
        return await self._erasures.erase((await self.find(who)).user_id, visit)
