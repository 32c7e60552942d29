"""Broken builds of the product: somebody's mistake, and the check that must reject it for what it does."""

import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from faults.lab import THIS_BUILD, Lab

Check = Callable[[Lab], Coroutine[None, None, str]]
Edit = tuple[str, str, str]
"""A file of the application, a text that it has once, and what takes its place."""


@dataclass(frozen=True)
class Canary:
    """A mistake that a check of the turn engine must not survive."""

    mistake: str
    check: Check
    says: str
    """A piece of how the check fails: of its message, or of the assertion. Another failure proves nothing.
    Where what is met first is a matter of chance, ` | ` stands between one piece and another.
    """
    edits: tuple[Edit, ...] = ()
    schema: str = ""
    """What is done to the database, for a mistake in the schema."""


@dataclass(frozen=True)
class Miss:
    """A mistake that a line of the board must not survive, tried so many times."""

    mistake: str
    figure: str
    times: int
    says: str
    """As of a canary."""
    edits: tuple[Edit, ...]


def is_told(mistake: Canary | Miss, failure: str) -> bool:
    """Whether a check failed for the mistake."""
    return any(piece in failure for piece in mistake.says.split(" | "))


def broken(folder: Path, mistake: Canary | Miss) -> Path:
    """A copy of this build with the mistake in it."""
    shutil.copytree(THIS_BUILD / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    if (THIS_BUILD.parent / "alembic").is_dir():
        shutil.copytree(THIS_BUILD.parent / "alembic", folder.parent / "alembic", dirs_exist_ok=True)
    for name, old, new in mistake.edits:
        file = folder / "app" / name
        text = file.read_text()
        assert text.count(old) == 1, f"{mistake.mistake}: {name} has changed, and this must follow"
        file.write_text(text.replace(old, new))
    return folder
