"""The command line: `chat-history --help`.

Exit codes: 0 done, 1 refused (the sentence says why), 2 a mistake in the set-up or in the words.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .errors import ChatError, SetupError, SignInFailed

if TYPE_CHECKING:
    from .accounts import Accounts
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

Email = Annotated[str, typer.Argument(help="The account's e-mail address.", metavar="EMAIL")]


def main() -> None:
    """Runs the command line. A mistake of its user is a sentence, never a traceback."""
    try:
        cli()
    except SetupError as error:
        _say(f"chat-history: {error}")
        sys.exit(2)
    except ChatError as error:
        _say(f"chat-history: {error.detail}")
        sys.exit(1)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on, in place of HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="The port to listen on, in place of PORT; 0: a free one."),
    ] = None,
) -> None:
    """Serve the API and its documentation. Without DATABASE_URL, on a PostgreSQL of its own."""
    from . import logs
    from .main import create_app
    from .server import Server
    from .verifier import require_keys

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = _settings(**given)
    logs.configure(settings.log_level)
    # An orderly end, also for what was started before the server could listen to signals.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _database(settings, serving=True) as ready, _listening(ready) as listener:
        app = create_app(ready)
        _require_schema(ready)
        asyncio.run(require_keys(ready))
        server = Server(app)
        address = f"http://{ready.host}:{listener.getsockname()[1]}"
        _say(f"Serving {address}  (documentation: {address}/docs).  Ctrl-C stops it.")
        server.run(sockets=[listener])
    if not server.started:
        sys.exit(3)


@cli.command()
def migrate(
    revision: Annotated[
        str, typer.Argument(help="Where to go: `head`, `-1` for one step back, or a revision.")
    ] = "head",
) -> None:
    """Bring the schema of the database up to date, or to a revision."""
    from .db import migrations

    with _database(_settings(), migrated=False) as settings:
        url = migrations.direct_url(settings)
        _say("Migrating ...")
        migrations.migrate(url, revision)
        _say(f"The schema is at {migrations.current(url) or 'its beginning: no tables'}.")


@cli.command()
def purge() -> None:
    """Remove for good the conversations that were deleted more than DELETED_RETENTION_DAYS days ago."""
    from .purge import purge_deleted

    with _database(_settings()) as settings:
        purged = asyncio.run(purge_deleted(settings))
    typer.echo(f"Conversations that are gone for good: {purged}.")


@cli.command()
def doctor() -> None:
    """Check every setting, the database with its roles and row-level security, and the token issuer."""
    from .doctor import examine

    healthy = True
    with _database(_settings()) as settings:
        for finding in examine(settings):
            healthy = healthy and finding.good
            typer.echo(f"{'ok ' if finding.good else '!! '} {finding.what}: {finding.sentence}")
    if not healthy:
        raise typer.Exit(1)


@users.command("create")
def create_user(
    email: Email,
    password: Annotated[
        str,
        typer.Option(help="Asked for if not given.", prompt=True, hide_input=True, confirmation_prompt=True),
    ],
) -> None:
    """Make an account."""
    from pydantic import ValidationError

    from .models.api import AccountCreate

    try:
        account = AccountCreate(email=email, password=password)
    except ValidationError as error:
        raise SetupError(
            "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        ) from None
    user_id = _with_accounts(lambda accounts: accounts.register(account.email, account.password))
    typer.echo(f"User {user_id} is {account.email}.")


@users.command("list")
def list_users() -> None:
    """List all accounts: id, since when, and who."""
    from .db.migrations import direct_url
    from .repositories.users import every_account

    with _database(_settings()) as settings:
        for user in every_account(direct_url(settings)):
            typer.echo(
                f"{user.id}\t{user.created_at:%Y-%m-%d}\t{user.email or f'{user.issuer} {user.subject}'}"
            )


@users.command("delete")
def delete_user(
    email: Email,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account with all its conversations and todos."""
    if not yes:
        typer.confirm(f"Delete {email} with everything it owns?", abort=True)
    _with_accounts(lambda accounts: accounts.delete(email.casefold()))
    typer.echo(f"{email} is deleted.")


@cli.command()
def token(
    email: Email,
    lifetime: Annotated[
        int | None, typer.Option(min=1, help="Seconds it is valid, in place of TOKEN_LIFETIME.")
    ] = None,
) -> None:
    """Print a token for an account, for scripts: `curl -H "Authorization: Bearer $(...)"`."""
    import time

    from . import tokens

    with _database(_settings()) as settings:
        user_id = asyncio.run(_asked(settings, lambda accounts: accounts.find(email.casefold())))
        seconds = lifetime or settings.token_lifetime
        typer.echo(tokens.issue(user_id, settings.signing_key, seconds, time.time()))


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _settings(**given: object) -> Settings:
    from .settings import read_settings

    return read_settings(**given)


@contextmanager
def _database(settings: Settings, *, serving: bool = False, migrated: bool = True) -> Iterator[Settings]:
    """The settings, with the embedded server's database and secret where none are configured."""
    if settings.database_url is not None:
        yield settings
        return
    from .db import embedded, migrations, schema

    with ExitStack() as stack:
        if serving:
            stack.enter_context(embedded.exclusively(settings.data_directory))
        url = stack.enter_context(embedded.running(settings.data_directory, progress=_say))
        secret = settings.secret_key or _own_secret(settings.data_directory)
        # Through the constructor: a copy would not be checked.
        ready = _settings(**{**settings.model_dump(), "database_url": url, "secret_key": secret})
        if migrated and migrations.current(migrations.direct_url(ready)) != schema.NEEDED:
            _say("Preparing the schema ...")
            migrations.migrate(migrations.direct_url(ready))
        yield ready


def _own_secret(directory: Path) -> str:
    """The secret of an embedded database, made when it is first needed."""
    path = directory / "secret_key"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()


def _require_schema(settings: Settings) -> None:
    from .db import migrations, schema

    version = migrations.current(migrations.direct_url(settings))
    if not schema.is_enough(version):
        raise SetupError(
            f"The schema of the database is {version or 'not there'}, and this version needs "
            f"{schema.NEEDED}: run `chat-history migrate`."
        )


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise SetupError(
            f"PORT: cannot listen on {settings.host}:{settings.port} ({error.strerror}). "
            "Choose another with --port."
        ) from None
    with listener:
        yield listener


def _with_accounts(verb: Callable[[Accounts], Awaitable[Answer]]) -> Answer:
    with _database(_settings()) as settings:
        return asyncio.run(_asked(settings, verb))


async def _asked(settings: Settings, verb: Callable[[Accounts], Awaitable[Answer]]) -> Answer:
    from .accounts import Accounts
    from .db import url as urls
    from .db.database import Database
    from .repositories.users import UserRepository

    assert settings.database_url is not None
    database = Database(urls.parse(settings.database_url.get_secret_value()))
    try:
        return await verb(Accounts(UserRepository(database)))
    except SignInFailed:
        raise SetupError(
            "There is no account with this address: `chat-history user list` shows them."
        ) from None
    finally:
        await database.close()


if __name__ == "__main__":
    main()
