"""The command line, as its user meets it: real processes, exit codes, sentences and no traceback."""

import re
import signal
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from command_line import run, serving
from support import Postgres, empty

NEEDED = "2026_11_21_first"


def test_help_names_every_command(environment: dict[str, str]) -> None:
    said = run(environment, "--help").stdout
    for command in ("serve", "migrate", "doctor", "user", "token"):
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
    assert run(configured, "user", "delete", "alice@example.com", text="n\n").returncode == 1
    assert postgres.value('SELECT count(*) FROM "user"') == 2
    assert run(configured, "user", "delete", "alice@example.com", "--yes").returncode == 0
    assert postgres.rows('SELECT email FROM "user"') == [("bob@example.com",)]


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
    assert run(fresh, "migrate", "base").returncode == 0
    assert run(fresh, "doctor").returncode == 1


def test_doctor_says_what_to_do_about_each_fault(configured: dict[str, str], postgres: Postgres) -> None:
    dead = "postgresql://nobody@127.0.0.1:1/nothing"
    for change, sentence in (
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"CORS_ORIGINS": "https://app.example/path"}, "without a path"),
        ({"DATABASE_URL": dead}, "!!  database"),
        ({"DATABASE_URL_UNPOOLED": dead}, "!!  direct address"),
        ({"DATABASE_POOL_SIZE": "1000"}, "DATABASE_POOL_SIZE"),
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


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_without_anything_configured(
    environment: dict[str, str], data: Path, stop: signal.Signals
) -> None:
    here = {**environment, "DATA_DIR": str(data)}
    body = {"email": "alice@example.com", "password": "correct horse battery"}
    with serving(here) as (address, server):
        assert httpx.post(f"{address}/api/auth/register", json=body).status_code == 201
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
        assert httpx.post(f"{address}/api/auth/token", data=form).status_code == 200
    assert (data / "secret_key").stat().st_mode & 0o777 == 0o600
