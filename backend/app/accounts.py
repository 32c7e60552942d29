"""Who somebody is: local accounts with a password, and the users of an external issuer."""

import time
from collections import OrderedDict
from contextlib import suppress

from .errors import ConfirmationWrong, NotAuthenticated, SignInFailed
from .passwords import Passwords
from .repositories.erasure import ErasureRepository
from .repositories.users import ERASED, Proof, UserRepository
from .tokens import Principal

REMEMBERED = 10_000
REMEMBERED_SECONDS = 60
"""How long a user of an external issuer is taken to be there: another process may delete the account."""
LARGEST_ID = 2**63 - 1


class Accounts:
    """Registers, signs in, tells which user a verified token stands for, and ends accounts."""

    def __init__(self, users: UserRepository, erasures: ErasureRepository) -> None:
        self._users = users
        self._erasures = erasures
        self._passwords = Passwords()
        self._admitted: OrderedDict[Principal, tuple[int, float]] = OrderedDict()
        self._erased: set[int] = set()  # a number each: they never come back

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

        One token asks the database once a minute in a process. Raises NotAuthenticated for who was erased:
        also a token of before that is still valid makes no new account, only a newer one does.
        """
        if principal.issuer is None:
            user_id = int(principal.subject)
            if user_id in self._erased:
                raise NotAuthenticated
            return user_id
        user_id, until = self._admitted.get(principal, (0, 0.0))
        if time.monotonic() >= until:
            user_id = await self._admit(principal.issuer, principal.subject, principal.issued_at)
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

    async def erase(self, user_id: int, confirmation: str) -> tuple[Proof, bytes]:
        """Erases the account and everything it owns, if its user means it.

        Returns whose it was, and how many rows of each table are gone as JSON. Raises ConfirmationWrong
        unless `confirmation` is the password or, of a user of an external issuer, the subject;
        NotAuthenticated if the account is gone.
        """
        proof = await self._users.proof(user_id)
        if proof.subject is None:
            confirmed = await self._passwords.verify(confirmation, proof.password_hash)
        else:
            confirmed = confirmation == proof.subject
        if not confirmed:
            raise ConfirmationWrong
        return proof, await self._erase(user_id, proof)

    async def delete(self, who: str) -> bytes:
        """Erases the account with this address, or with this id; returns how many rows of each table.

        Raises SignInFailed if there is none.
        """
        user_id = await self.find(who)
        return await self._erase(user_id, await self._users.proof(user_id))

    async def _erase(self, user_id: int, proof: Proof) -> bytes:
        issuer, subject = proof.issuer, proof.subject
        if issuer == ERASED:
            issuer = subject = None  # a trace leaves none
        if issuer is not None and subject is not None:
            await self._users.forget_trace(issuer, subject)
        counted = await self._erasures.erase(user_id, issuer, subject)
        self._erased.add(user_id)
        for principal in [known for known, (admitted, _) in self._admitted.items() if admitted == user_id]:
            del self._admitted[principal]
        return counted

    async def _admit(self, issuer: str, subject: str, issued_at: float | None) -> int:
        known = await self._users.find(issuer, subject)
        if known is not None:
            return known
        erased_at = await self._users.erased_at(issuer, subject)
        if erased_at is not None and (issued_at is None or issued_at <= erased_at):
            raise NotAuthenticated
        return await self._users.admit(issuer, subject)

    async def _existing(self, user_id: int) -> int:
        if user_id <= LARGEST_ID:
            with suppress(NotAuthenticated):
                await self._users.get(user_id)
                return user_id
        raise SignInFailed
