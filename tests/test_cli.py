"""The command line, as its user meets it: real processes, exit codes, sentences and no traceback."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import jwt
import pytest
from sqlalchemy.engine import URL

from app.db.migrations import current
from command_line import run, serving
from proxy import proxied
from support import Postgres, empty
from tokens.issuer import GOOD_CLAIMS, ISSUER, PRIVATE
from tokens.server import jwk, key_set, serving as publishing

NEEDED = "2026_11_21_words_of_messages"
BEFORE = "2026_11_21_tokens_and_audit"


ELSEWHERE = "postgresql://nobody@0.0.0.0:1/nothing"
"""No address of this machine by its name, and refused at once."""


def test_help_names_every_command(environment: dict[str, str]) -> None:
    said = run(environment, "--help").stdout
    for command in ("serve", "migrate", "purge", "audit", "doctor", "user", "token"):
        assert re.search(rf"\b{command}\b", said)
        assert run(environment, command, "--help").returncode == 0
    assert run(environment, "dance").returncode == 2


def test_accounts_and_tokens(configured: dict[str, str], postgres: Postgres) -> None:
    made = run(configured, "user", "create", "Alice@example.com", "--password", "correct horse battery")
    assert (made.returncode, made.stderr) == (0, "")
    assert "alice@example.com" in made.stdout
    again = run(configured, "user", "create", "alice@example.com", "--password", "correct horse battery")
    assert again.returncode == 1
    assert "already" in again.stderr
    asked = run(configured, "user", "create", "bob@example.com", text="correct horse\ncorrect horse\n")
    assert asked.returncode == 0
    listed = run(configured, "user", "list").stdout.splitlines()
    assert [line.split("\t")[2] for line in listed] == ["alice@example.com", "bob@example.com"]
    token = run(configured, "token", "alice@example.com")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", token.stdout)
    assert typing(configured, "n\n", "user", "delete", "alice@example.com")[0] == 1
    assert postgres.value('SELECT count(*) FROM "user"') == 2
    gone = run(configured, "user", "delete", "alice@example.com", "--yes")
    assert "Rows that are gone: user 1, todo 0, conversation 0, message 0." in gone.stdout
    assert postgres.rows('SELECT email FROM "user"') == [("bob@example.com",)]


def test_the_name_of_an_account_does_nothing_to_the_terminal_that_lists_it(
    configured: dict[str, str], postgres: Postgres
) -> None:
    names = ["\x1b[2J\x1b]0;mine\x07@example.com", "ed\u202e@example.com", "zoë@example.com"]
    for name in names:
        postgres.rows("INSERT INTO \"user\" (email, password_hash) VALUES (%s, 'none')", name)
    listed = run(configured, "user", "list").stdout.splitlines()
    assert [line.split("\t")[2] for line in listed] == [
        r"\x1b[2J\x1b]0;mine\x07@example.com",
        r"ed\u202e@example.com",
        "zoë@example.com",
    ]


def test_purge_says_how_many_are_gone(configured: dict[str, str], postgres: Postgres) -> None:
    postgres.rows(
        "WITH one AS (INSERT INTO \"user\" (email, password_hash) VALUES ('a@example.com', '-') RETURNING id)"
        " INSERT INTO conversation (user_id, deleted_at)"
        " SELECT id, now() - n * interval '20 days' FROM one, generate_series(0, 2) n"
    )
    dry = run(configured, "purge", "--dry-run").stdout
    assert "Conversations that would go for good, deleted: 1, with 0 messages." in dry
    assert "are gone for good, deleted: 1, with 0 messages." in run(configured, "purge").stdout
    now = {**configured, "DELETED_RETENTION_DAYS": "0"}
    assert "are gone for good, deleted: 2, with 0 messages." in run(now, "purge").stdout
    assert "are gone for good, deleted: 0, with 0 messages." in run(now, "purge").stdout
    assert run({**configured, "RETENTION_DAYS": "0"}, "purge").returncode == 2
    assert run({**configured, "DELETED_RETENTION_DAYS": "-1"}, "purge").returncode == 2


@pytest.mark.parametrize(
    "words", [("user", "create", "a@example.com", "--password", "correct horse"), ("purge",)], ids=str
)
def test_a_command_leaves_no_plan_on_a_connection_that_others_get(
    configured: dict[str, str], postgres: Postgres, words: tuple[str, ...]
) -> None:
    with proxied(postgres) as proxy:
        here = {**configured, "DATABASE_URL": proxy.text, "DATABASE_URL_UNPOOLED": postgres.text}
        assert run(here, *words).returncode == 0
        assert b"set_config" in proxy.said
        assert b"PREPARE" not in proxy.said


@pytest.mark.parametrize(
    "words",
    [
        ("user", "create", "no address", "--password", "correct horse"),
        ("user", "create", "a@example.com", "--password", "short"),
        ("user", "delete", "nobody@example.com", "--yes"),
        ("token", "nobody@example.com"),
        ("migrate", "no_such_revision"),
        ("serve", "--port", "70000"),
    ],
)
def test_a_mistake_is_a_sentence(configured: dict[str, str], words: tuple[str, ...]) -> None:
    ended = run(configured, *words)
    assert ended.returncode == 2
    assert ended.stderr.strip()


NEED_A_DATABASE = (
    ("purge",),
    ("audit",),
    ("doctor",),
    ("user", "create", "a@example.com", "--password", "correct horse"),
    ("user", "list"),
    ("user", "delete", "a@example.com", "--yes"),
    ("token", "a@example.com"),
)
"""Commands that make no database of their own."""


@pytest.mark.parametrize("setting", ["DATABASE_URL", "DATABASE_URL_UNPOOLED"])
@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--port", "0"),
        ("migrate",),
        *NEED_A_DATABASE,
    ],
)
def test_no_command_goes_over_a_network_in_the_clear(
    configured: dict[str, str], words: tuple[str, ...], setting: str
) -> None:
    insecure = {**configured, setting: ELSEWHERE}
    refused = run({**insecure, "ALLOW_PLAINTEXT_DATABASE": "false"}, *words)
    assert refused.returncode == (1 if words == ("doctor",) else 2)
    assert f"{setting}: leads to another host without TLS." in refused.stdout + refused.stderr
    assert "refused" not in refused.stdout + refused.stderr
    tried = run(insecure, *words)
    assert tried.returncode == refused.returncode
    assert "Connection refused" in tried.stdout + tried.stderr


def test_migrate_and_doctor(configured: dict[str, str], make_database: Callable[[], Postgres]) -> None:
    fresh = {**configured, "DATABASE_URL": make_database().text}
    ill = run(fresh, "doctor")
    assert ill.returncode == 1
    assert "chat-history migrate" in ill.stdout
    refused = run(fresh, "serve", "--port", "0")
    assert refused.returncode == 2
    assert "chat-history migrate" in refused.stderr
    assert NEEDED in run(fresh, "migrate").stderr
    well = run(fresh, "doctor")
    assert (well.returncode, "!!" in well.stdout) == (0, False), well.stdout
    assert run(fresh, "migrate", "base", "--yes").returncode == 0
    assert run(fresh, "doctor").returncode == 1


@pytest.mark.parametrize("down", ["base", "-1"])
def test_a_way_down_is_asked_for(
    configured: dict[str, str], make_database: Callable[[], Postgres], down: str
) -> None:
    """Nobody is there to answer a script, also if something is on its standard input."""
    fresh = make_database()
    here = {**configured, "DATABASE_URL": fresh.text}
    assert run(here, "migrate").returncode == 0
    for text in ("", "y\n"):
        refused = run(here, "migrate", down, text=text)
        assert (refused.returncode, "Nothing is changed: back up, and add --yes." in refused.stderr) == (
            2,
            True,
        )
    assert current(fresh.url) == NEEDED
    for typed, code, version in (("n\n", 1, NEEDED), ("y\n", 0, None if down == "base" else BEFORE)):
        ended, said = typing(here, typed, "migrate", down)
        assert (ended, current(fresh.url)) == (code, version), said
        assert f"Go down to {down}, and drop what" in said
    again = run(here, "migrate", text="")
    assert (again.returncode, current(fresh.url)) == (0, NEEDED), again.stderr
    assert run(here, "migrate", down, "--yes").returncode == 0
    assert current(fresh.url) == version


def typing(environment: dict[str, str], text: str, *words: str) -> tuple[int, str]:
    """A command in a terminal, whose user types this: its exit code, and what was on the screen."""
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "app.cli", *words]
    process = subprocess.Popen(
        command, env=environment, stdin=terminal, stdout=terminal, stderr=terminal, cwd="/"
    )
    os.close(terminal)
    os.write(screen, text.encode())
    said = b""
    try:
        while piece := os.read(screen, 4_096):
            said += piece
    except OSError:  # the process has closed its end
        pass
    os.close(screen)
    return process.wait(), said.decode()


def test_doctor_says_what_to_do_about_each_fault(configured: dict[str, str], postgres: Postgres) -> None:
    dead = "postgresql://nobody@127.0.0.1:1/nothing"
    for change, sentence in (
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"DATABASE_URL": dead}, "!!  database"),
        ({"DATABASE_URL_UNPOOLED": dead}, "!!  direct address"),
        ({"DATABASE_POOL_SIZE": "1000"}, "DATABASE_POOL_SIZE"),
        ({"DATABASE_URL": ELSEWHERE, "ALLOW_PLAINTEXT_DATABASE": "false"}, "!!  address"),
        ({"JWT_JWKS_URL": "http://127.0.0.1:1/keys", "JWT_ISSUER": "x"}, "JWT_JWKS_URL"),
    ):
        ended = run({**configured, **change}, "doctor")
        assert ended.returncode == 1
        assert sentence in ended.stdout
    for fault, mend in (
        ("ALTER TABLE todo NO FORCE ROW LEVEL SECURITY", "ALTER TABLE todo FORCE ROW LEVEL SECURITY"),
        ("CREATE POLICY open ON todo USING (true)", "DROP POLICY open ON todo"),
    ):
        postgres.rows("INSERT INTO \"user\" (email, password_hash) VALUES ('a@b.c', '')")
        postgres.rows("INSERT INTO todo (user_id, title) SELECT id, 'x' FROM \"user\"")
        postgres.rows(fault)
        try:
            ended = run(configured, "doctor")
        finally:
            postgres.rows(mend)
            empty(postgres)
        assert "!!  row-level security of todo" in ended.stdout
    assert run(configured, "doctor").returncode == 0


def test_doctor_says_which_login_lacks_the_role(configured: dict[str, str], postgres: Postgres) -> None:
    name = f'"stranger"_{postgres.url.database}'
    login = '"{}"'.format(name.replace('"', '""'))
    postgres.rows(f"CREATE ROLE {login} LOGIN PASSWORD 'x'; GRANT SELECT ON alembic_version TO {login}")
    server = postgres.url
    unnamed = URL.create("postgresql", host=server.host, port=server.port, database=server.database)
    address = unnamed.render_as_string()
    stranger = {**configured, "DATABASE_URL": address, "PGUSER": name, "PGPASSWORD": "x"}
    grant = f"GRANT chat_history_app TO {login}"
    try:
        refused = run(stranger, "doctor")
        postgres.rows(grant)
        taken = run(stranger, "doctor")
        commands = [run(stranger, words) for words in ("purge", "audit")]
    finally:
        postgres.rows(f"DROP OWNED BY {login}; DROP ROLE {login}")
    assert refused.returncode == 1
    assert f"cannot be taken: {grant}" in refused.stdout
    assert "!!  row-level security of todo" in refused.stdout
    assert (taken.returncode, "!!" in taken.stdout) == (0, False), taken.stdout
    owner = postgres.value("SELECT quote_ident(tableowner) FROM pg_tables WHERE tablename = 'user'")
    only = f"this login only serves: `user list`, `purge` and `audit` need that of {owner}"
    assert f"ok  administration: {only}\n" in taken.stdout
    assert "ok  administration: commands see all accounts" in run(configured, "doctor").stdout
    for command in commands:
        assert (command.returncode, f"belong to {owner}: use that login." in command.stderr) == (2, True)


@pytest.mark.parametrize(("algorithms", "good"), [("EdDSA", True), ("ES256", False)])
def test_an_issuer_needs_a_key_that_may_be_used(
    configured: dict[str, str], algorithms: str, good: bool
) -> None:
    with publishing(key_set(jwk(PRIVATE["EdDSA"], "k1"), jwk(PRIVATE["RS256"], "k2", use="enc"))) as issuer:
        here = {
            **configured,
            "JWT_JWKS_URL": issuer.url,
            "JWT_ISSUER": ISSUER,
            "JWT_ALGORITHMS": algorithms,
        }
        examined = run(here, "doctor")
        assert examined.returncode == (0 if good else 1)
        assert re.search(r"ok  issuer's key: OKP +k1: can be used", examined.stdout)
        assert re.search(r"ok  issuer's key: RSA +k2: is not ", examined.stdout)
        if good:
            with serving(here) as (address, _):
                token = jwt.encode(GOOD_CLAIMS, PRIVATE["EdDSA"], "EdDSA", headers={"kid": "k1"})
                headers = {"Authorization": f"Bearer {token}"}
                me = httpx.get(f"{address}/api/auth/me", headers=headers, timeout=60)
                assert (me.status_code, me.json()["subject"]) == (200, "user_1")
        else:
            assert "!!  issuer: JWT_JWKS_URL" in examined.stdout
            refused = run(here, "serve", "--port", "0")
            assert (refused.returncode, "JWT_ALGORITHMS" in refused.stderr) == (2, True)


def test_a_service_that_does_not_get_ready_says_so(configured: dict[str, str]) -> None:
    """Its schema is looked at where migrations go; the service itself asks at the other address."""
    dead = "postgresql://nobody@127.0.0.1:1/nothing"
    here = {**configured, "DATABASE_URL": dead, "DATABASE_URL_UNPOOLED": configured["DATABASE_URL"]}
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0"],
        env=here,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert ended.returncode == 3
    assert "DATABASE_URL: the database cannot be reached" in ended.stderr


def test_in_a_terminal_the_log_is_for_people(configured: dict[str, str]) -> None:
    screen, terminal = pty.openpty()
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0"], env=configured, stderr=terminal, cwd="/"
    )
    os.close(terminal)
    try:
        with open(screen) as lines:
            address = next(line for line in lines if line.startswith("Serving ")).split()[1]
            httpx.get(f"{address}/healthz", headers={"X-Request-ID": "r-1"}, timeout=60).raise_for_status()
            line = next(line for line in lines if " request " in line)
    finally:
        server.terminate()
        server.wait()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d info    request logger=app\.api\.middleware request_id=r-1"
        r" method=GET route=/healthz status=200 ms=[\d.]+\n",
        line,
    )


def test_serve_refuses_what_it_cannot_do(configured: dict[str, str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        ended = run(configured, "serve", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "PORT" in ended.stderr
    for change in ({"SECRET_KEY": ""}, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}):
        assert run({**configured, **change}, "serve", "--port", "0").returncode == 2
    issuer = {"JWT_JWKS_URL": "http://127.0.0.1:1/keys", "JWT_ISSUER": "x"}
    unreachable = run({**configured, **issuer}, "serve", "--port", "0")
    assert unreachable.returncode == 2
    assert "JWT_JWKS_URL" in unreachable.stderr


def test_a_command_that_finds_no_database_makes_none(environment: dict[str, str], data: Path) -> None:
    """As under cron, elsewhere than `.env`: `purge` would find nothing, and say that all is well."""
    here = {**environment, "DATA_DIR": str(data)}
    for words in NEED_A_DATABASE:
        refused = run(here, *words)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == (
            f"chat-history: No database is configured, and there is none in {data}: "
            "set DATABASE_URL, or start where `.env` is.\n"
        )
    assert not data.exists()
    assert run(here, "migrate").returncode == 0
    assert "are gone for good, deleted: 0" in run(here, "purge").stdout


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_without_anything_configured(
    environment: dict[str, str], data: Path, stop: signal.Signals
) -> None:
    here = {**environment, "DATA_DIR": str(data)}
    body = {"email": "alice@example.com", "password": "correct horse battery"}
    with serving(here) as (address, server):
        assert httpx.post(f"{address}/api/auth/register", json=body, timeout=60).status_code == 201
        second = run(here, "serve", "--port", "0")
        assert second.returncode == 2
        assert f"process {server.pid}" in second.stderr
        assert "alice@example.com" in run(here, "user", "list").stdout
        assert run(here, "doctor").returncode == 0
        server.send_signal(stop)
        assert server.wait() in (0, 130, -signal.SIGINT)
    assert not (data / "postgres/cluster/postmaster.pid").exists()
    with serving(here) as (address, _):
        form = {"username": body["email"], "password": body["password"]}
        assert httpx.post(f"{address}/api/auth/token", data=form, timeout=60).status_code == 200
    assert (data / "secret_key").stat().st_mode & 0o777 == 0o600
