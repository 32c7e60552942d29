"""Checks everything that a healthy installation needs, and says how to fix what is wrong."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from .assistants import make_assistant
from .db import isolation, migrations, schema, url as urls
from .db.engine import direct_engine
from .db.identity import ROLE
from .errors import SetupError
from .jwks import published_keys, require_usable
from .models.database import User
from .settings import Settings
from .verifier import make_verifier

OLDEST_POSTGRES = 140_000

_LIMIT = text(
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    what: str
    good: bool
    sentence: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Checks settings, assistant, issuer and database, in this order; it does not stop at the first fault."""
    yield Finding("settings", True, "each has a value that it can have")
    yield from _assistant(settings)
    yield from _tokens(settings)
    yield from _origins(settings)
    try:
        url, direct = urls.configured(settings), migrations.direct_url(settings)
    except SetupError as error:
        yield Finding("address", False, str(error))
        return
    yield Finding("address", True, _way(url))
    yield from _database("database", url, settings)
    found = _reachable("direct address for migrations", direct)
    if direct != url:
        yield found
    if found.good:
        yield from _administration(direct)


def _way(url: URL) -> str:
    """What protects what passes on the way to the database."""
    if urls.leads_here(url):
        return "leads to this machine"
    if urls.may_be_read_on_the_way(url):
        return "leads to another host in the clear, as ALLOW_PLAINTEXT_DATABASE allows"
    if urls.checks_who_answers(url):
        return "leads to another host, encrypted, and the server must prove who it is"
    return (
        "leads to another host, encrypted; whoever is in between may answer in its place: "
        "add channel_binding=require, or sslmode=verify-full with sslrootcert"
    )


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
    with migrations.explained(url), direct_engine(url).connect() as connection:
        yield from _server(connection, settings)
        version = migrations.current(url)
        yield from _schema(version)
        # Only the version that made a schema knows exactly what its role and policies must be.
        yield from _role(connection, exactly=version == schema.NEEDED)
        yield from _isolation(connection, exactly=version == schema.NEEDED)


def _server(connection: Connection, settings: Settings) -> Iterator[Finding]:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    good = version >= OLDEST_POSTGRES
    yield Finding("version", good, f"PostgreSQL {version // 10_000}" + ("" if good else ": 14 is the oldest"))
    limit = int(connection.scalar(_LIMIT) or 0)
    sentence = f"{settings.database_connections} of the server's {limit} for each process"
    good = settings.database_connections < limit
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
    with migrations.explained(url), direct_engine(url).connect() as connection:
        if owner := isolation.other_owner(connection):
            only = f"this login only serves: `user list`, `purge` and `audit` need that of {owner}"
            yield Finding("administration", True, only)
            return
        faults = isolation.administration_faults(connection)
        yield from _findings("administration", faults, "commands see all accounts, and the record")


def _findings(what: str, faults: Iterator[str], sentence: str) -> Iterator[Finding]:
    """Yields a finding for each fault, or a good one if there is none."""
    found = [Finding(what, False, fault) for fault in faults]
    yield from found or [Finding(what, True, sentence)]
