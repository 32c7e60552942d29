"""Who somebody is: local accounts with a password, and the users of an external issuer."""

import time
from collections import OrderedDict
from contextlib import suppress

from .errors import NotAuthenticated, SignInFailed
from .passwords import Passwords
from .repositories.users import UserRepository
from .tokens import Principal

REMEMBERED = 10_000
REMEMBERED_SECONDS = 60
"""How long a user of an external issuer is taken to be there: another process may delete the account."""
LARGEST_ID = 2**63 - 1


class Accounts:
    """Registers, signs in, and tells which user a verified token stands for."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users
        self._passwords = Passwords()
        self._admitted: OrderedDict[Principal, tuple[int, float]] = OrderedDict()

    async def register(self, email: str, password: str) -> int:
        """Makes a local account and returns its user's id. Raises EmailTaken."""
        return await self._users.register(email, await self._passwords.hash(password))

    async def sign_in(self, email: str, password: str) -> int:
        """The id of the user with this address and password.

        Raises SignInFailed, which takes as long for an unknown address as for a wrong password.
        """
        found = await self._users.credentials(email)
        if not await self._passwords.verify(password, found and found[1]) or found is None:
            raise SignInFailed
        return found[0]

    async def user_of(self, principal: Principal) -> int:
        """The user's id: in the token itself, or, for an external issuer, made on the first visit.

        One token asks the database once a minute in a process.
        """
        if principal.issuer is None:
            return int(principal.subject)
        user_id, until = self._admitted.get(principal, (0, 0.0))
        if time.monotonic() >= until:
            user_id = await self._users.admit(principal.issuer, principal.subject)
            self._admitted[principal] = user_id, time.monotonic() + REMEMBERED_SECONDS
            if len(self._admitted) > REMEMBERED:
                self._admitted.popitem(last=False)
        return user_id

    async def find(self, who: str) -> int:
        """The id of the account with this address, or with this id. Raises SignInFailed if there is none."""
        if who.isascii() and who.isdigit():
            return await self._existing(int(who))
        found = await self._users.credentials(who)
        if found is None:
            raise SignInFailed
        return found[0]

    async def delete(self, who: str) -> None:
        """Deletes the account with this address, or with this id, and everything it owns.

        Raises SignInFailed if there is none.
        """
        await self._users.delete(await self.find(who))

    async def _existing(self, user_id: int) -> int:
        if user_id <= LARGEST_ID:
            with suppress(NotAuthenticated):
                await self._users.get(user_id)
                return user_id
        raise SignInFailed
