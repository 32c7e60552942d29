"""Passwords: Argon2id, off the event loop, and not more at once than the processor can bear."""

import asyncio
import os

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

_HASHES = PasswordHash.recommended()


class Passwords:
    """Hashes and checks passwords. One for an application, on its loop."""

    def __init__(self) -> None:
        # One hash takes 64 MiB and a processor for some 50 ms: a crowd of them waits here, in line.
        self._turnstile = asyncio.Semaphore(max(1, os.cpu_count() or 1))
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """What is stored in place of the password."""
        async with self._turnstile:
            return await asyncio.to_thread(_HASHES.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password. Takes as long where there is no account (`stored` is None)."""
        if self._nobody is None:
            self._nobody = await self.hash("the password of nobody")
        async with self._turnstile:
            same = await asyncio.to_thread(_is_same, password, stored or self._nobody)
        return same and stored is not None


def _is_same(password: str, stored: str) -> bool:
    try:
        return _HASHES.verify(password, stored)
    except UnknownHashError:  # whatever wrote it, no password is known to fit
        return False
