"""What the command line says to whoever typed a command, and asks them; somebody, or no one at all."""

from __future__ import annotations

import os
import sys
from datetime import UTC
from typing import TYPE_CHECKING

import typer

from .errors import SetupError

if TYPE_CHECKING:
    from .models.database import Audit, User


def require_text(words: list[str]) -> None:
    """Raises SetupError for words that are no text."""
    try:
        " ".join(words).encode()
    except UnicodeEncodeError:
        raise SetupError("A word of the command is not UTF-8.") from None


def say(sentence: str) -> None:
    """Tells whoever looks on, beside the answer."""
    typer.echo(sentence, err=True)


def answer(line: str) -> None:
    """A line of what the command was asked for. Raises SetupError if nothing can take it."""
    try:
        typer.echo(line)
    except BrokenPipeError:  # `| head` has enough, which is no fault
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more at its end
        raise SetupError(f"The answer cannot be written: {error.strerror}.") from None


def account_line(user: User) -> str:
    """Id, since when, and who, with a tab between them.

    A stranger chose the name: what in it would move or mislead a terminal is shown as Python writes it.
    """
    who = user.email or f"{user.issuer} {user.subject}"
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in who)
    return f"{user.id}\t{user.created_at:%Y-%m-%d}\t{shown}"


def audit_line(entry: Audit) -> str:
    """When, what, by whom, about which account, from which network, with a tab between them."""
    when = f"{entry.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    about = "-" if entry.user_id is None else str(entry.user_id)
    return "\t".join((when, entry.event, entry.actor, about, entry.network or "-"))


def agree(question: str, otherwise: str) -> None:
    """Ends the command unless its user says yes. Where nobody can, raises SetupError with `otherwise`."""
    if not _somebody_is_there():
        raise SetupError(otherwise)
    typer.confirm(question, abort=True)


def new_password() -> str:
    """Asks for it, twice. Raises SetupError where nobody answers."""
    asked = _somebody_is_there()
    try:
        return str(typer.prompt("Password", hide_input=asked, confirmation_prompt=True, err=True))
    except UnicodeDecodeError:
        raise SetupError("The password is not UTF-8.") from None
    except (typer.Abort, RuntimeError):  # the latter without any standard input
        if asked:
            raise
        say("")  # the question ends its line
        raise SetupError(
            "Nobody can be asked for the password: add --password, or write it twice to standard input."
        ) from None


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
