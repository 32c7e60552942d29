"""Addresses, in all the ways in which providers print them."""

import traceback

import pytest

from app.db.url import arguments, direct, may_be_read_on_the_way, parse
from app.errors import SetupError

NEON = (
    "postgresql://alex:AbC123dEf@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech/dbname"
    "?sslmode=require&channel_binding=require"
)


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg2"],
)
def test_every_spelling_is_the_same_address(scheme: str) -> None:
    url = parse(f"{scheme}://alice:pw@db.example:6432/chat?sslmode=require")
    assert url.render_as_string(hide_password=False) == (
        "postgresql+psycopg2://alice:pw@db.example:6432/chat?sslmode=require"
    )
    assert arguments(url) == {
        "user": "alice",
        "password": "pw",
        "host": "db.example",
        "port": 6432,
        "dbname": "chat",
        "sslmode": "require",
    }


def test_what_neon_prints_works_unchanged() -> None:
    url = parse(NEON)
    assert arguments(url) == {
        "user": "alex",
        "password": "AbC123dEf",
        "host": "ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech",
        "dbname": "dbname",
        "sslmode": "require",
        "channel_binding": "require",
    }
    straight = arguments(direct(url))
    assert straight == {
        **arguments(url),
        "host": "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech",
    }
    assert not may_be_read_on_the_way(url)


@pytest.mark.parametrize(
    ("host", "around"),
    [
        ("a-pooler.neon.tech", "a.neon.tech"),
        ("a.neon.tech", "a.neon.tech"),
        ("a-pooler-b.neon.tech", "a-pooler-b.neon.tech"),
        ("a-poolers.neon.tech", "a-poolers.neon.tech"),
        ("a.b-pooler.neon.tech", "a.b-pooler.neon.tech"),
        ("my-pooler", "my-pooler"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
    ],
)
def test_the_direct_address_is_without_the_pooler_of_the_first_label(host: str, around: str) -> None:
    assert direct(parse(f"postgres://u:p@{host}:5432/chat")).host == around


def test_an_address_without_a_host_stays_as_it_is() -> None:
    url = parse("postgresql:///chat?host=/var/run/postgresql")
    assert direct(url) == url


def test_spaces_and_line_ends_around_an_address_do_not_matter() -> None:
    assert parse(f"  {NEON}\n") == parse(NEON)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("postgresql:///chat", None),
        ("postgresql:///chat?host=/var/run/postgresql", "/var/run/postgresql"),
        ("postgresql://alice@/chat?host=%2Ftmp%2Fa%20folder&port=6432", "/tmp/a folder"),
        ("postgres:///chat?host=@abstract", "@abstract"),
    ],
)
def test_a_unix_socket_is_a_host(address: str, host: str | None) -> None:
    given = arguments(parse(address))
    assert (given.get("host"), given["dbname"]) == (host, "chat")
    assert not may_be_read_on_the_way(parse(address))


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("p%40ss%3Aw%2Ford", "p@ss:w/ord"),
        ("100%25", "100%"),
        ("with%20space+plus", "with space+plus"),
        ("a%3Fb%23c%26d%3De", "a?b#c&d=e"),
        ("%C3%BC%E2%82%AC", "ü€"),
        ("quote'quote%22", "quote'quote\""),
        ("npg_abc!$*()", "npg_abc!$*()"),
    ],
)
def test_a_password_is_what_it_stands_for(written: str, password: str) -> None:
    url = parse(f"postgres://alice:{written}@db.example/chat")
    assert (arguments(url)["password"], arguments(url)["host"]) == (password, "db.example")
    assert arguments(parse(url.render_as_string(hide_password=False))) == arguments(url)


@pytest.mark.parametrize(
    "address",
    [
        "mysql://alice:hunter2@db.example/chat",
        "sqlite:///hunter2",
        "alice:hunter2@db.example/chat",
        "hunter2",
        "postgresql://alice:hunter2@db.example:port/chat",
        "postgresql://alice:hunter2@db.example:99999999999999999999x/chat",
        "postgresqlx://alice:hunter2@db.example/chat",
        "https://alice:hunter2@db.example/chat",
        "",
    ],
)
def test_a_refusal_never_repeats_the_address(address: str) -> None:
    with pytest.raises(SetupError) as refused:
        parse(address)
    told = "".join(traceback.format_exception(refused.value))
    assert "SetupError: DATABASE_URL is not " in told
    assert "hunter2" not in told
    assert "alice" not in told


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://alice:pw@/chat?host=one.example&host=two.example&target_session_attrs=read-write",
        "postgresql://alice:pw@/chat?host=one.example:5432&host=two.example:5433",
    ],
)
def test_several_hosts_are_tried_in_turn(address: str) -> None:
    given = arguments(parse(address))
    assert given["host"] == "one.example,two.example"
    assert may_be_read_on_the_way(parse(address))
    assert not may_be_read_on_the_way(parse(f"{address}&sslmode=verify-full"))


@pytest.mark.parametrize(
    ("place", "readable"),
    [
        # what leaves this machine needs TLS that is insisted on
        ("db.example/chat", True),
        ("db.example/chat?sslmode=disable", True),
        ("db.example/chat?sslmode=allow", True),
        ("db.example/chat?sslmode=prefer", True),
        ("db.example/chat?sslmode=require", False),
        ("db.example/chat?sslmode=verify-ca", False),
        ("db.example/chat?sslmode=verify-full", False),
        ("10.0.0.7/chat", True),
        ("192.168.1.2/chat", True),
        ("[2001:db8::1]/chat", True),
        ("0.0.0.0/chat", True),
        ("localhost.example/chat", True),
        ("127.0.0.1.example/chat", True),
        ("db/chat", True),
        # what stays here does not
        ("localhost/chat", False),
        ("localhost:6432/chat?sslmode=disable", False),
        ("127.0.0.1/chat", False),
        ("127.255.0.9/chat", False),
        ("[::1]/chat", False),
        ("/chat?host=localhost&host=127.0.0.1", False),
        ("/chat?host=localhost&host=db.example", True),
        ("/chat?host=/tmp&host=db.example", True),
        # libpq calls `hostaddr`, whatever `host` says
        ("localhost/chat?hostaddr=10.0.0.7", True),
        ("db.example/chat?hostaddr=127.0.0.1", False),
    ],
)
def test_whether_somebody_on_the_way_can_read_along(place: str, readable: bool) -> None:
    assert may_be_read_on_the_way(parse(f"postgresql://alice:pw@{place}")) is readable


@pytest.mark.parametrize(
    ("place", "environment", "readable"),
    [
        # libpq takes from the environment what the address leaves out
        ("/chat", {"PGHOST": "192.0.2.1"}, True),
        ("/chat", {"PGHOST": "/var/run/postgresql,db.example"}, True),
        ("/chat", {"PGHOST": "/var/run/postgresql"}, False),
        ("/chat", {"PGHOST": "localhost"}, False),
        ("/chat", {"PGHOSTADDR": "192.0.2.1"}, True),
        ("/chat", {"PGHOST": "db.example", "PGHOSTADDR": "127.0.0.1"}, False),
        ("/chat", {"PGSERVICE": "production"}, True),
        ("/chat?service=production", {"PGHOST": "localhost"}, True),
        ("/chat?sslmode=require", {"PGHOST": "192.0.2.1"}, False),
        # and an address before a name, wherever either comes from
        ("localhost/chat", {"PGHOST": "192.0.2.1", "PGSERVICE": "production"}, False),
        ("localhost/chat", {"PGHOSTADDR": "192.0.2.1"}, True),
        ("/chat?hostaddr=127.0.0.1", {"PGHOSTADDR": "192.0.2.1"}, False),
    ],
)
def test_the_environment_may_lead_elsewhere(
    place: str, environment: dict[str, str], readable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert may_be_read_on_the_way(parse(f"postgresql://alice:pw@{place}")) is readable
