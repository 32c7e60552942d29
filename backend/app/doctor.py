"""Looks at everything that a healthy installation needs, and says what to do about the rest."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from .assistants import make_assistant
from .db import isolation, migrations, schema, url as urls
from .db.identity import ROLE
from .errors import SetupError
from .jwks import published_keys, require_usable
from .models.database import User
from .settings import Settings
from .verifier import make_verifier

OLDEST_POSTGRES = 140_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    sentence: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at settings, assistant, issuer, database, in this order, and never stops at the first fault."""
    yield Finding("settings", True, "each has a value that it can have")
    yield from _assistant(settings)
    yield from _tokens(settings)
    yield from _origins(settings)
    try:
        url, direct = urls.configured(settings), migrations.direct_url(settings)
    except SetupError as error:
        yield Finding("address", False, str(error))
        return
    yield Finding("address", True, "what it leads to is on this machine, encrypted, or allowed in the clear")
    yield from _database("database", url, settings)
    found = _reachable("direct address for migrations", direct)
    if direct != url:
        yield found
    if found.good:
        yield from _administration(direct)


def _assistant(settings: Settings) -> Iterator[Finding]:
    try:
        assistant = make_assistant(settings)
    except SetupError as error:
        yield Finding("assistant", False, str(error))
    else:
        yield Finding("assistant", True, f"{assistant.name} is set up, and was not asked")


def _tokens(settings: Settings) -> Iterator[Finding]:
    try:
        make_verifier(settings)
    except SetupError as error:
        yield Finding("tokens", False, str(error))
        return
    if settings.jwt_jwks_url is None:
        issuer = settings.jwt_issuer if settings.external_issuer else "this service"
        yield Finding("tokens", True, f"signed by {issuer}, with a key that can be used")
        return
    try:
        published = asyncio.run(published_keys(settings.jwt_jwks_url))
        for key in published:
            what = f"{key.key_type} {key.algorithm or ''} {key.key_id or ''}".strip()
            yield Finding("issuer's key", True, f"{what}: {key.problem or 'can be used'}")
        require_usable(published, settings.jwt_algorithms)
    except SetupError as error:
        yield Finding("issuer", False, str(error))


def _origins(settings: Settings) -> Iterator[Finding]:
    for origin in settings.cors_origins:
        yield Finding("CORS_ORIGINS", True, f"{origin} may call from a browser")


def _reachable(what: str, url: URL) -> Finding:
    try:
        migrations.current(url)
    except SetupError as error:
        return Finding(what, False, str(error))
    return Finding(what, True, f"answers at {url.host or 'a local socket'}")


def _database(what: str, url: URL, settings: Settings) -> Iterator[Finding]:
    found = _reachable(what, url)
    yield found
    if not found.good:
        return
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True)
    with migrations.explained(url), engine.connect() as connection:
        yield from _server(connection, settings)
        version = migrations.current(url)
        yield from _schema(version)
        # How it is in a schema of another version, only that version can tell.
        yield from _role(connection, exactly=version == schema.NEEDED)
        yield from _isolation(connection, exactly=version == schema.NEEDED)


def _server(connection: Connection, settings: Settings) -> Iterator[Finding]:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    good = version >= OLDEST_POSTGRES
    yield Finding("version", good, f"PostgreSQL {version // 10_000}" + ("" if good else ": 14 is the oldest"))
    limit = int(connection.scalar(text("SHOW max_connections")) or 0)
    sentence = f"{settings.database_pool_size} of the server's {limit} for each process"
    good = settings.database_pool_size < limit
    yield Finding("connections", good, sentence if good else f"{sentence}: lower DATABASE_POOL_SIZE")


def _schema(version: str | None) -> Iterator[Finding]:
    good = schema.is_enough(version)
    advice = "" if good else f", and {schema.NEEDED} is needed: run `chat-history migrate`"
    yield Finding("schema", good, f"{version or 'none'}{advice}")


def _role(connection: Connection, *, exactly: bool) -> Iterator[Finding]:
    try:
        connection.execute(text(f"SET LOCAL ROLE {ROLE}"))
    except DBAPIError:
        connection.rollback()
        login = connection.scalar(text("SELECT quote_ident(current_user)"))
        sentence = f"cannot be taken: GRANT {ROLE} TO {login}, after `chat-history migrate`"
        yield Finding(f"role {ROLE}", False, sentence)
        return
    finally:
        connection.rollback()
    faults = isolation.role_faults(connection, exactly=exactly)
    yield from _findings(f"role {ROLE}", faults, "owns nothing, bypasses nothing, belongs to nobody")


def _isolation(connection: Connection, *, exactly: bool) -> Iterator[Finding]:
    for table in User.metadata.sorted_tables:
        faults = isolation.table_faults(connection, table.name, exactly=exactly)
        yield from _findings(f"row-level security of {table.name}", faults, "nobody sees no rows")


def _administration(url: URL) -> Iterator[Finding]:
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True)
    with migrations.explained(url), engine.connect() as connection:
        faults = isolation.administration_faults(connection)
        yield from _findings("administration", faults, "commands see all accounts, and the record")


def _findings(what: str, faults: Iterator[str], sentence: str) -> Iterator[Finding]:
    """A finding for each fault, or the good one."""
    found = [Finding(what, False, fault) for fault in faults]
    yield from found or [Finding(what, True, sentence)]
