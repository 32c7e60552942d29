"""Looks at everything that a healthy installation needs, and says what to do about the rest."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from .db import migrations, schema, url as urls
from .db.database import ROLE
from .errors import SetupError
from .jwks import published_keys
from .models.database import User
from .settings import Settings
from .verifier import make_verifier, require_keys

OLDEST_POSTGRES = 140_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    sentence: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at settings, issuer and database, in this order, and never stops at the first fault."""
    yield Finding("settings", True, "each has a value that it can have")
    yield from _tokens(settings)
    yield from _origins(settings)
    assert settings.database_url is not None
    url = urls.parse(settings.database_url.get_secret_value())
    if urls.may_be_read_on_the_way(url) and not settings.allow_plaintext_database:
        yield Finding("encryption", False, "DATABASE_URL leads to another host without ?sslmode=require")
    else:
        yield Finding("encryption", True, "nobody between here and the database can read along")
    yield from _database("database", url, settings)
    direct = migrations.direct_url(settings)
    if direct != url:
        yield from _reachable("direct address for migrations", direct)


def _tokens(settings: Settings) -> Iterator[Finding]:
    try:
        if not settings.external_issuer:
            _ = settings.signing_key
        make_verifier(settings)
    except SetupError as error:
        yield Finding("tokens", False, str(error))
        return
    if settings.jwt_jwks_url is None:
        issuer = settings.jwt_issuer if settings.external_issuer else "this service"
        yield Finding("tokens", True, f"signed by {issuer}, with a key that can be used")
        return
    try:
        for key in asyncio.run(published_keys(settings.jwt_jwks_url)):
            what = f"{key.key_type} {key.algorithm or ''} {key.key_id or ''}".strip()
            yield Finding("issuer's key", True, f"{what}: {key.problem or 'can be used'}")
        asyncio.run(require_keys(settings))
    except SetupError as error:
        yield Finding("issuer", False, str(error))


def _origins(settings: Settings) -> Iterator[Finding]:
    for origin in settings.cors_origins:
        parts = urlsplit(origin)
        good = origin in {"*", f"{parts.scheme}://{parts.netloc}"}
        sentence = "may call from a browser" if good else "is no origin: write https://host, without a path"
        yield Finding("CORS_ORIGINS", good, f"{origin} {sentence}")


def _reachable(what: str, url: URL) -> Iterator[Finding]:
    try:
        migrations.current(url)
    except SetupError as error:
        yield Finding(what, False, str(error))
    else:
        yield Finding(what, True, f"answers at {url.host or 'a local socket'}")


def _database(what: str, url: URL, settings: Settings) -> Iterator[Finding]:
    *failed, found = _reachable(what, url)
    yield found
    if failed or not found.good:
        return
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True)
    with engine.connect() as connection:
        yield from _server(connection, settings)
        yield from _schema(url)
        yield from _role(connection)
        yield from _isolation(connection)


def _server(connection: Connection, settings: Settings) -> Iterator[Finding]:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    good = version >= OLDEST_POSTGRES
    yield Finding("version", good, f"PostgreSQL {version // 10_000}" + ("" if good else ": 14 is the oldest"))
    limit = int(connection.scalar(text("SHOW max_connections")) or 0)
    sentence = f"{settings.database_pool_size} of the server's {limit} for each process"
    good = settings.database_pool_size < limit
    yield Finding("connections", good, sentence if good else f"{sentence}: lower DATABASE_POOL_SIZE")


def _schema(url: URL) -> Iterator[Finding]:
    version = migrations.current(url)
    good = schema.is_enough(version)
    advice = "" if good else f", and {schema.NEEDED} is needed: run `chat-history migrate`"
    yield Finding("schema", good, f"{version or 'none'}{advice}")


def _role(connection: Connection) -> Iterator[Finding]:
    try:
        connection.execute(text(f"SET LOCAL ROLE {ROLE}"))
    except DBAPIError:
        login = connection.engine.url.username
        sentence = f'cannot be taken: GRANT {ROLE} TO "{login}", after `chat-history migrate`'
        yield Finding(f"role {ROLE}", False, sentence)
        return
    finally:
        connection.rollback()
    attributes = connection.execute(
        text(
            "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin"
            " FROM pg_roles WHERE rolname = :role"
        ),
        {"role": ROLE},
    ).scalar_one()
    sentence = "has rights of its own: ALTER ROLE ... NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE"
    yield Finding(
        f"role {ROLE}", not attributes, sentence if attributes else "owns nothing, bypasses nothing"
    )


def _isolation(connection: Connection) -> Iterator[Finding]:
    """Row-level security of each table, by what the catalogue says and by looking without an identity."""
    for table in User.metadata.sorted_tables:
        forced = connection.execute(
            text(
                "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)"
            ),
            {"name": f'"{table.name}"'},
        ).scalar_one_or_none()
        good = bool(forced) and not _seen_by_nobody(connection, table.name)
        sentence = "nobody sees no rows" if good else "does not hold: run `chat-history migrate`"
        yield Finding(f"row-level security of {table.name}", good, sentence)


def _seen_by_nobody(connection: Connection, table: str) -> bool:
    """Whether the application's role sees a row of the table when it asks for no user."""
    try:
        connection.execute(text(f"SET LOCAL ROLE {ROLE}"))
        found = connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1'))  # noqa: S608  # our own name
        return found.first() is not None
    except DBAPIError:
        return True
    finally:
        connection.rollback()
