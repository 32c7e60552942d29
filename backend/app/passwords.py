"""Hashes passwords with Argon2id, off the event loop, and only a few at a time."""

import asyncio
import os

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

AT_ONCE = 4
"""The most hashes at a time, which need 256 MiB: a container may have many processors, and little memory."""

_HASHES = PasswordHash.recommended()


class Passwords:
    """Hashes and verifies passwords. Each application has one, which is bound to its event loop."""

    def __init__(self) -> None:
        # One hash takes 64 MiB, and a processor for some 50 ms: all others wait here for their turn.
        self._turnstile = asyncio.Semaphore(min(AT_ONCE, os.cpu_count() or 1))
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Returns the hash that is stored in place of the password."""
        async with self._turnstile:
            return await asyncio.to_thread(_HASHES.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is right. Takes as long if there is no account (`stored` is None)."""
        if self._nobody is None:
            self._nobody = await self.hash("the password of nobody")
        async with self._turnstile:
            same = await asyncio.to_thread(_is_same, password, stored or self._nobody)
        return same and stored is not None


def _is_same(password: str, stored: str) -> bool:
    try:
        return _HASHES.verify(password, stored)
    except UnknownHashError:  # whatever wrote this hash, no password fits it
        return False
