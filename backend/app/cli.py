"""The command line: `chat-history --help`.

Exit codes: 0 done, 1 refused (the message says why), 2 a mistake in the set-up or in the arguments.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .errors import ChatError, SetupError
from .terminal import account_line, agree, answer, audit_line, new_password, require_text, say

if TYPE_CHECKING:
    from .accounts import Accounts
    from .server import Server
    from .settings import Settings

Answer = TypeVar("Answer")

cli = typer.Typer(
    help="A self-hosted chat backend that never loses, doubles, reorders or leaks a message.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
users = typer.Typer(help="Accounts of this service.", no_args_is_help=True)
cli.add_typer(users, name="user")

Who = Annotated[
    str, typer.Argument(help="An account: its e-mail address, or its id in `user list`.", metavar="WHO")
]


def main() -> None:
    """Runs the command line. Reports a mistake of its user as a sentence, never as a traceback."""
    # Only `serve` logs. The other commands print their messages for the user.
    logging.getLogger("app").addHandler(logging.NullHandler())
    try:
        require_text(sys.argv)
        cli()
    except SetupError as error:
        say(f"chat-history: {error}")
        sys.exit(2)
    except ChatError as error:
        say(f"chat-history: {error.detail}")
        sys.exit(1)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on, in place of HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="In place of PORT; 0: any.")] = None,
) -> None:
    """Serve the API and its documentation. Without DATABASE_URL, on a PostgreSQL of its own."""
    from . import logs
    from .assistants import make_assistant
    from .db import migrations
    from .main import create_app
    from .server import Server, address, listening

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = _settings(**given)
    logs.configure(settings.log_level)
    # Shuts down in order even what was started before the server could handle signals.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    assistant = make_assistant(settings)
    with (
        listening(settings.host, settings.port) as listener,
        _database(settings, serving=True, checked=False) as ready,
    ):
        app = create_app(ready, assistant)
        migrations.require(ready, serving=True)
        asyncio.run(app.state.services.verifier.require_keys())
        server = Server(app)
        where = f"http://{address(settings.host, listener.getsockname()[1])}"
        say(f"Serving {where}  (documentation: {where}/docs).  Ctrl-C stops it.")
        with _revived(settings, ready, server):
            server.run(sockets=[listener])


@cli.command(context_settings={"ignore_unknown_options": True})  # `-1` is an argument
def migrate(
    revision: Annotated[
        str, typer.Argument(help="Where to go: `head`, `base`, `-1` for one step back, or a revision.")
    ] = "head",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a way down.")] = False,
) -> None:
    """Bring the schema of the database up, or down, to a revision. A way down drops what is stored."""
    from .db import migrations

    with _database(_settings(), migrated=False, checked=False) as settings:
        url = migrations.direct_url(settings)
        migrations.migrate(url, revision, None if yes else lambda: _agree_to_loss(revision))
        say(f"The schema is at {migrations.current(url) or 'its beginning: no tables'}.")


@cli.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
) -> None:
    """Remove for good what was deleted DELETED_RETENTION_DAYS ago, or was inactive for RETENTION_DAYS.

    And what was noted about accounts more than AUDIT_RETENTION_DAYS ago.
    """
    from . import purge as purging
    from .db.migrations import direct_url, explained

    with _database(_settings()) as settings, explained(direct_url(settings)):
        purged = asyncio.run(purging.purge(settings, dry_run=dry_run))
    answer(purged.told("would go for good" if dry_run else "are gone for good"))
    if purged.failed:
        say(f"chat-history: {purged.complaint()}")
        raise typer.Exit(1)


@cli.command()
def audit(
    user: Annotated[int | None, typer.Option(help="Only what is about the account with this id.")] = None,
) -> None:
    """List what was done to accounts: when, what, by whom, to which account, from which network."""
    from .db.migrations import direct_url, explained
    from .repositories.audit import entries

    with _database(_settings()) as settings, explained(direct_url(settings)):
        for entry in entries(direct_url(settings), user):
            answer(audit_line(entry))


@cli.command()
def doctor() -> None:
    """Check every setting, the database with its roles and row-level security, and the token issuer."""
    from .doctor import examine

    healthy = True
    with _database(_settings(), checked=False) as settings:
        for finding in examine(settings):
            healthy = healthy and finding.good
            answer(f"{'ok ' if finding.good else '!! '} {finding.what}: {finding.sentence}")
    if not healthy:
        raise typer.Exit(1)


@users.command("create")
def create_user(
    email: Annotated[str, typer.Argument(help="The account's e-mail address.", metavar="EMAIL")],
    password: Annotated[str | None, typer.Option(help="Asked for if not given.")] = None,
) -> None:
    """Make an account."""
    from .models.accounts import Email, NewPassword
    from .models.audit import OPERATOR

    address = _checked("email", email, Email)
    settings = _settings()
    _require_local_accounts(settings)
    secret = _checked("password", new_password() if password is None else password, NewPassword)
    made = _with_accounts(settings, lambda accounts: accounts.register(address, secret, OPERATOR))
    answer(f"User {made.user_id} is {address}.")


@users.command("list")
def list_users() -> None:
    """List all accounts: id, since when, and who."""
    from .db.migrations import direct_url, explained
    from .repositories.users import every_account

    with _database(_settings()) as settings, explained(direct_url(settings)):
        for user in every_account(direct_url(settings)):
            answer(account_line(user))


@users.command("delete")
def delete_user(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase an account with all its conversations and todos."""
    from .models.audit import OPERATOR

    if not yes:
        agree(
            f"Delete {who} with everything it owns?",
            "Nobody can be asked whether to delete everything it owns. Nothing is changed: add --yes.",
        )
    erased = _with_accounts(_settings(), lambda accounts: accounts.delete(who.casefold(), OPERATOR))
    rows = ", ".join(f"{table} {count}" for table, count in json.loads(erased).items())
    answer(f"{who} is deleted. Rows that are gone: {rows}.")


@cli.command()
def token(
    who: Who,
    lifetime: Annotated[
        int | None, typer.Option(min=1, help="Seconds it is valid, in place of TOKEN_LIFETIME.")
    ] = None,
) -> None:
    """Print a token for an account, for scripts: `curl -H "Authorization: Bearer $(...)"`."""
    import time

    from . import tokens
    from .models.audit import OPERATOR

    settings = _settings()
    _require_local_accounts(settings)
    with _database(settings) as ready:
        found = asyncio.run(
            _asked(ready, lambda accounts: accounts.note_token_made(who.casefold(), OPERATOR))
        )
        seconds = lifetime or ready.token_lifetime
        made = tokens.issue(found.user_id, ready.signing_key, seconds, time.time(), found.generation)
        answer(made)


def _agree_to_loss(revision: str) -> None:
    agree(
        f"Go down to {revision}, and drop what the older schema has no place for?",
        "A way down drops what is stored. Nothing is changed: back up, and add --yes.",
    )


def _checked(name: str, value: str, kind: Any) -> str:
    """Returns the value as validated by the type `kind`. Raises SetupError, which says what is wrong."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter[str](kind).validate_python(value)
    except ValidationError as error:
        raise SetupError("; ".join(f"{name}: {fault['msg']}" for fault in error.errors())) from None


def _settings(**given: object) -> Settings:
    from .settings import read_settings

    return read_settings(**given)


@contextmanager
def _database(
    settings: Settings, *, serving: bool = False, migrated: bool = True, checked: bool = True
) -> Iterator[Settings]:
    """Yields the settings with a database: the embedded one, `migrated` if necessary, if none is configured.

    Raises SetupError if the database cannot be used and, with `checked`, if its schema is too old.
    """
    from .db import migrations
    from .db.provision import provided

    with provided(settings, say, serving=serving, migrated=migrated) as ready:
        if checked:
            migrations.require(ready)
        yield ready


def _revived(settings: Settings, ready: Settings, server: Server) -> AbstractContextManager[None]:
    """Restarts an embedded database when it dies. If that is impossible, the server gives up."""
    from .db.embedded import revived

    if settings.database_url is not None:
        return nullcontext()
    assert ready.database_url is not None
    return revived(settings.data_directory, ready.database_url.get_secret_value(), server.give_up)


def _require_local_accounts(settings: Settings) -> None:
    if settings.external_issuer:
        raise SetupError(f"Local accounts are off: tokens come from {settings.jwt_issuer}.")


def _with_accounts(settings: Settings, verb: Callable[[Accounts], Awaitable[Answer]]) -> Answer:
    with _database(settings) as ready:
        return asyncio.run(_asked(ready, verb))


async def _asked(settings: Settings, verb: Callable[[Accounts], Awaitable[Answer]]) -> Answer:
    from .accounts import Accounts
    from .db import url as urls
    from .db.database import Database
    from .repositories.audit import AuditRepository
    from .repositories.erasure import ERASURE_SECONDS, ErasureRepository
    from .repositories.users import UserRepository

    # Behind a pooler, a prepared plan would stay on a connection that another client gets.
    database = Database(urls.configured(settings), statement_timeout=ERASURE_SECONDS, keeps_plans=False)
    parts = UserRepository(database), ErasureRepository(database), AuditRepository(database)
    try:
        return await verb(Accounts(*parts))
    finally:
        await database.close()


if __name__ == "__main__":
    main()
