"""Reads Postgres URLs, in one way for the application, migrations, command line and tests."""

import os
from ipaddress import ip_address
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ..errors import SetupError
from ..settings import Settings

DRIVER = "postgresql+psycopg2"
VERIFIED = ("verify-ca", "verify-full")
ENCRYPTED = ("require", *VERIFIED)


def parse(address: str) -> URL:
    """Parses `postgres://`, `postgresql://` or `postgresql+any://`, for TCP or a Unix socket.

    Raises SetupError if it is not a Postgres URL; the message never repeats it, because it holds a password.
    """
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        raise SetupError(
            "DATABASE_URL is not an address such as postgresql://user:password@host/name"
        ) from None
    if url.drivername.partition("+")[0] not in ("postgres", "postgresql"):
        raise SetupError("DATABASE_URL is not the address of a Postgres: it must begin with postgresql://")
    return url.set(drivername=DRIVER)


def configured(settings: Settings) -> URL:
    """Returns the URL in DATABASE_URL. Raises SetupError if it is not set, and as `permitted` does."""
    if settings.database_url is None:
        raise SetupError("DATABASE_URL: not set. `chat-history serve` brings a database of its own.")
    return permitted("DATABASE_URL", settings.database_url.get_secret_value(), settings)


def permitted(name: str, address: str, settings: Settings) -> URL:
    """Returns the URL that the setting `name` holds.

    Raises SetupError if it is not a Postgres URL, or leads to another host without TLS while
    ALLOW_PLAINTEXT_DATABASE is not set.
    """
    url = parse(address)
    if may_be_read_on_the_way(url) and not settings.allow_plaintext_database:
        raise SetupError(
            f"{name}: leads to another host without TLS. Add ?sslmode=require (better: verify-full), "
            "or set ALLOW_PLAINTEXT_DATABASE=true if the network in between is private."
        )
    return url


def direct(url: URL) -> URL:
    """The URL around Neon's pooler: the same without `-pooler` at the end of the first label."""
    label, dot, domain = (url.host or "").partition(".")
    return url.set(host=label.removesuffix("-pooler") + dot + domain) if dot else url


def is_pooled(url: URL) -> bool:
    """Whether the URL is that of Neon's pooler, which shares each connection between clients."""
    return direct(url) != url


def arguments(url: URL) -> dict[str, Any]:
    """The URL as arguments for libpq."""
    _, keywords = url.get_dialect()().create_connect_args(url)
    return dict(keywords)


def may_be_read_on_the_way(url: URL) -> bool:
    """Whether the URL leads to another host without requiring TLS."""
    return url.query.get("sslmode") not in ENCRYPTED and not leads_here(url)


def checks_who_answers(url: URL) -> bool:
    """Whether the server must prove that it is the right one.

    It does so by its certificate, or by what it knows of the password at the other end of this connection:
    channel binding, RFC 5802.
    """
    return url.query.get("sslmode") in VERIFIED or url.query.get("channel_binding") == "require"


def leads_here(url: URL) -> bool:
    """Whether the URL leads to this machine only.

    libpq takes what the URL leaves out from a service in `pg_service.conf`, which may name any host, and from
    the environment.
    """
    given = arguments(url)
    service = given.get("service") or os.environ.get("PGSERVICE")
    address = given.get("hostaddr") or os.environ.get("PGHOSTADDR")
    host = given.get("host") or service or os.environ.get("PGHOST")
    return all(_is_here(host) for host in str(address or host or "").split(","))


def _is_here(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
