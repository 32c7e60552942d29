"""Who somebody is: local accounts with a password, and the users of an external issuer."""

from collections import OrderedDict

from .errors import SignInFailed
from .passwords import Passwords
from .repositories.users import UserRepository
from .tokens import Principal

REMEMBERED = 10_000


class Accounts:
    """Registers, signs in, and tells which user a verified token stands for."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users
        self._passwords = Passwords()
        self._admitted: OrderedDict[Principal, int] = OrderedDict()

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

        One token asks the database once in a process.
        """
        if principal.issuer is None:
            return int(principal.subject)
        user_id = self._admitted.get(principal)
        if user_id is None:
            user_id = await self._users.admit(principal.issuer, principal.subject)
            self._admitted[principal] = user_id
            if len(self._admitted) > REMEMBERED:
                self._admitted.popitem(last=False)
        return user_id

    async def find(self, email: str) -> int:
        """The id of the user with this address. Raises SignInFailed if there is none."""
        found = await self._users.credentials(email)
        if found is None:
            raise SignInFailed
        return found[0]

    async def delete(self, email: str) -> None:
        """Deletes an account with everything it owns. Raises SignInFailed if there is none."""
        await self._users.delete(await self.find(email))
