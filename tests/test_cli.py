"""The command line, as its user meets it: real processes, exit codes, sentences and no traceback."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from support import SECRET, Postgres, empty

NEEDED = "2026_11_21_pins_and_undo"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing configured, and nothing of whoever runs the tests."""
    names = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in names}


@pytest.fixture
def configured(environment: dict[str, str], postgres: Postgres) -> dict[str, str]:
    empty(postgres)
    plaintext = {"ALLOW_PLAINTEXT_DATABASE": "true"}
    return {**environment, "DATABASE_URL": postgres.text, "SECRET_KEY": SECRET, **plaintext}


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that also the user can reach as whom root's Postgres runs."""
    with tempfile.TemporaryDirectory(prefix="chat-history-cli-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "data"


def run(
    environment: dict[str, str], *words: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`chat-history serve` on a free port: its address and its process."""
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    assert server.stderr is not None
    said = []
    try:
        for line in server.stderr:
            said.append(line)
            if line.startswith("Serving "):
                break
        else:
            pytest.fail(f"the server ended: {''.join(said)}")
        address = said[-1].split()[1]
        httpx.get(f"{address}/healthz").raise_for_status()
        yield address, server
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


def test_help_names_every_command(environment: dict[str, str]) -> None:
    said = run(environment, "--help").stdout
    for command in ("serve", "migrate", "purge", "doctor", "user", "token"):
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


def test_purge_says_how_many_are_gone(configured: dict[str, str], postgres: Postgres) -> None:
    postgres.rows(
        "WITH one AS (INSERT INTO \"user\" (email, password_hash) VALUES ('a@example.com', '-') RETURNING id)"
        " INSERT INTO conversation (user_id, deleted_at)"
        " SELECT id, now() - n * interval '20 days' FROM one, generate_series(0, 2) n"
    )
    assert run(configured, "purge").stdout == "Conversations that are gone for good: 1.\n"
    now = {**configured, "DELETED_RETENTION_DAYS": "0"}
    assert run(now, "purge").stdout == "Conversations that are gone for good: 2.\n"
    assert run(now, "purge").stdout == "Conversations that are gone for good: 0.\n"
    assert run({**configured, "DELETED_RETENTION_DAYS": "-1"}, "purge").returncode == 2


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
