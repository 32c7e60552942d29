"""Provides a command's database: the configured one, or the embedded one with a secret of its own."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import SetupError
from ..settings import SECRET_BYTES, Settings, read_settings
from . import embedded, migrations, schema
from .installation import persist
from .locks import exclusively, explained

Progress = Callable[[str], object]


@contextmanager
def provided(settings: Settings, progress: Progress, *, serving: bool, migrated: bool) -> Iterator[Settings]:
    """Yields the settings, with the embedded server's URL and secret if no database is configured.

    `serving` claims the data directory for this process; `migrated` brings the embedded schema up to date.
    Raises SetupError.
    """
    if settings.database_url is not None:
        yield settings
        return
    if migrated and not serving:
        _require_database(settings.data_directory)
    with ExitStack() as stack:
        if serving:
            stack.enter_context(exclusively(settings.data_directory))
        url = stack.enter_context(embedded.running(settings.data_directory, progress=progress))
        secret = settings.secret_key or own_secret(settings.data_directory)
        # Through the constructor, because a copy would not be validated.
        ready = read_settings(**{**settings.model_dump(), "database_url": url, "secret_key": secret})
        address = migrations.direct_url(ready)
        if migrated and not schema.is_enough(migrations.current(address)):
            progress("Preparing the schema ...")
            migrations.migrate(address)
        yield ready


def _require_database(directory: Path) -> None:
    with explained(directory):
        if not embedded.exists(directory):
            raise SetupError(
                f"No database is configured, and there is none in {directory}: "
                "set DATABASE_URL, or start where `.env` is."
            )


def own_secret(directory: Path) -> str:
    """Returns the secret of an embedded database, created when it is first needed. Raises SetupError."""
    path = directory / "secret_key"
    with explained(directory):
        if not path.exists():
            _make_secret(path)
        secret = path.read_bytes()
    if len(secret) < SECRET_BYTES or not secret.isascii():
        raise SetupError(
            f"{path} is damaged. Bring it back from a backup, or delete it: "
            "another one is made, and everybody has to sign in again."
        )
    return secret.decode()


def _make_secret(path: Path) -> None:
    """The file gets its name once it is complete. Of two concurrent processes, the first one wins."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        os.unlink(unfinished)
    persist(path.parent)
