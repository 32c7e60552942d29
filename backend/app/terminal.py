"""Output and questions of the command line, whether or not a person sits at the terminal."""

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
    """Raises SetupError for arguments that are not UTF-8."""
    try:
        " ".join(words).encode()
    except UnicodeEncodeError:
        raise SetupError("A word of the command is not UTF-8.") from None


def say(sentence: str) -> None:
    """Writes a message to standard error, apart from the answer."""
    typer.echo(sentence, err=True)


def answer(line: str) -> None:
    """Writes a line of the answer to standard output. Raises SetupError if it cannot be written."""
    try:
        typer.echo(line)
    except BrokenPipeError:  # `| head` has read enough, which is no fault
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again at exit
        raise SetupError(f"The answer cannot be written: {error.strerror}.") from None


def account_line(user: User) -> str:
    """Formats an account: its id, date and name, with tabs between them.

    Users choose their names: characters that could control or mislead a terminal are escaped as in Python.
    """
    who = user.email or f"{user.issuer} {user.subject}"
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in who)
    return f"{user.id}\t{user.created_at:%Y-%m-%d}\t{shown}"


def audit_line(entry: Audit) -> str:
    """Formats an audit entry: its time, event, actor, account and network, with tabs between them."""
    when = f"{entry.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    about = "-" if entry.user_id is None else str(entry.user_id)
    return "\t".join((when, entry.event, entry.actor, about, entry.network or "-"))


def agree(question: str, otherwise: str) -> None:
    """Aborts the command unless its user agrees. If nobody can, raises SetupError with `otherwise`."""
    if not _somebody_is_there():
        raise SetupError(otherwise)
    typer.confirm(question, abort=True)


def new_password() -> str:
    """Asks for a new password twice. Raises SetupError if nobody answers."""
    asked = _somebody_is_there()
    try:
        return str(typer.prompt("Password", hide_input=asked, confirmation_prompt=True, err=True))
    except UnicodeDecodeError:
        raise SetupError("The password is not UTF-8.") from None
    except (typer.Abort, RuntimeError):  # the latter without any standard input
        if asked:
            raise
        say("")  # ends the line of the question
        raise SetupError(
            "Nobody can be asked for the password: add --password, or write it twice to standard input."
        ) from None


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
