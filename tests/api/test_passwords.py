"""Hashing passwords: only a few at a time, or a crowd that signs in would need all the memory there is."""

import asyncio
import os
from collections.abc import Callable

import pytest

from app.passwords import Passwords


@pytest.mark.parametrize(("processors", "at_once"), [(64, 4), (2, 2), (None, 1)])
def test_a_crowd_is_hashed_a_few_at_a_time(
    processors: int | None, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing = most = 0

    async def in_a_thread(_: Callable[..., object], password: str, *stored: str) -> object:
        nonlocal hashing, most
        hashing += 1
        most = max(most, hashing)
        await asyncio.sleep(0)  # all who may come in come in now
        hashing -= 1
        return True if stored else "its hash"

    async def crowd() -> list[object]:
        passwords = Passwords()
        made = [passwords.hash(f"new {number}") for number in range(20)]
        known = [passwords.verify(f"known {number}", "its hash") for number in range(20)]
        return await asyncio.gather(*made, *known)

    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    monkeypatch.setattr(asyncio, "to_thread", in_a_thread)
    assert asyncio.run(crowd()) == ["its hash"] * 20 + [True] * 20
    assert most == at_once
