"""What is logged: lines for machines, and never what a user wrote, is called, or proves to be."""

import json
import logging
import os
import re
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest

from app.db.connection import StatementFailed
from app.logs import Json, Readable, described
from support import SECRET, Postgres, Service, User, empty

from .answers import Record
from .journey import Journey
from .processes import running

SERVERS = {
    "uvicorn app.asgi:app": ["uvicorn", "app.asgi:app", "--port"],
    "serve": ["app.cli", "serve", "--port"],
    "an assistant that quotes": ["uvicorn", "--factory", "input.quoting:make_app", "--port"],
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FOR_PEOPLE = re.compile(r"Serving http://127\.0\.0\.1:\d+  \(documentation: \S+\)\.  Ctrl-C stops it\.")
"""What `serve` says to whoever typed it. It is no part of the log."""


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that are in a text, in whatever case."""
    return [name for name, secret in secrets.items() if secret.lower() in text.lower()]


def test_an_error_of_the_database_is_logged_by_its_sqlstate() -> None:
    assert described(StatementFailed("22P02", None)) == {
        "error": "StatementFailed",
        "sqlstate": "22P02",
        "where": "",
    }
    assert described(ValueError("dear diary")) == {"error": "ValueError", "where": ""}


@pytest.mark.parametrize("name", SERVERS)
def test_nothing_that_was_sent_is_logged(
    postgres: Postgres, tmp_path: Path, name: str, record_property: Record
) -> None:
    empty(postgres)
    with running(SERVERS[name], postgres, tmp_path / "output", LOG_LEVEL="DEBUG") as process:
        journey = Journey(process, postgres)
        journey.go()
        with process.client() as visitor:  # each of these is worth a line to who reads the form
            visitor.post("/api/auth/token", content=b"&" * 9, headers=FORM)
    output = (tmp_path / "output").read_text()
    secrets = journey.secrets | {"SECRET_KEY": SECRET, "database's password": str(postgres.url.password)}
    assert leaks(output, secrets) == []
    assert not re.search(r"bearer|authorization", output, re.IGNORECASE)

    said = [line for line in output.splitlines() if not FOR_PEOPLE.fullmatch(line)]
    lines = [json.loads(line) for line in said]
    for line in lines:
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
        assert line["level"] in ("debug", "info", "warning", "error")
        assert line["event"]
    in_passing = {line["logger"] for line in lines if line["level"] in ("debug", "info")}
    assert {name.partition(".")[0] for name in in_passing} == {"app"}, "libraries may quote what they get"
    assert {
        "application.started",
        "request",
        "token.refused",
        "database.lost",
        "reply.failed",
        "application.stopped",
    } <= {line["event"] for line in lines}
    record_property("secrets of a journey found in its log", (0, len(secrets)))


@pytest.fixture(scope="module")
def told(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Journey, list[dict[str, str]]]:
    """A journey, and the lines about its requests."""
    empty(postgres)
    output = tmp_path_factory.mktemp("log") / "output"
    with running(SERVERS["uvicorn app.asgi:app"], postgres, output) as process:
        journey = Journey(process, postgres)
        journey.go()
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return journey, [line for line in lines if line["event"] == "request"]


def test_each_request_has_a_line_with_its_id(told: tuple[Journey, list[dict[str, str]]]) -> None:
    journey, requests = told
    logged = [line["request_id"] for line in requests]
    assert len(logged) == len(set(logged)) > 30
    assert set(journey.request_ids) <= set(logged)


def test_lines_carry_routes_and_not_addresses(
    told: tuple[Journey, list[dict[str, str]]], running_service: Service
) -> None:
    with running_service.client() as client:
        templates = {*client.get("/openapi.json").json()["paths"], "unknown"}
    _, requests = told
    assert {line["route"] for line in requests} <= templates
    assert {"unknown", "/api/chat/{sessionId}/message"} <= {line["route"] for line in requests}
    for line in requests:
        assert set(line) == {
            "time",
            "level",
            "event",
            "logger",
            "request_id",
            "method",
            "route",
            "status",
            "ms",
        }


def test_what_a_fault_quotes_is_not_logged(tmp_path: Path, postgres: Postgres, alice: User) -> None:
    """The line of a fault names its type and the places it came through."""
    secret = "q8f14e45fceea167a5a36dedd4bea2543"
    command = SERVERS["an assistant that quotes"]
    with (
        running(command, postgres, tmp_path / "output", LOG_LEVEL="DEBUG") as process,
        process.client(alice.token) as client,
    ):
        session = client.post("/api/chat/start").json()["session_id"]
        turn = client.post(f"/api/chat/{session}/message", json={"message": secret}).json()
    assert (turn["reply"]["content"], turn["reply"]["status"]) == (secret, "failed")
    output = (tmp_path / "output").read_text()
    assert secret not in output
    [line] = [json.loads(line) for line in output.splitlines() if "reply.failed" in line]
    assert (line["error"], line["level"]) == ("RuntimeError", "error")
    assert "quoting.py:" in line["where"]


def test_the_exception_of_a_library_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    secret = "q45c48cce2e2d7fbdea1afc51c7c6ad26"
    try:
        int(secret)
    except ValueError:
        logging.getLogger("library").exception("It failed.")
    [record] = caplog.records
    line = json.loads(Json().format(record))
    assert (line["event"], line["logger"], line["error"]) == ("It failed.", "library", "ValueError")
    assert "test_logs.py:" in line["where"]
    assert secret not in Json().format(record) + Readable().format(record)


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="the log of a server that others run")
def test_the_log_of_the_embedded_server_quotes_nothing(
    cluster: Postgres, postgres: Postgres, record_property: Record
) -> None:
    empty(postgres)
    secret = "q1679091c5a880faf6fb5e6087eb1b2dc"
    user = postgres.value(
        f"INSERT INTO \"user\" (email, password_hash) VALUES ('{secret}', 'x') RETURNING id"
    )
    refused = [
        f"INSERT INTO \"user\" (email, password_hash) VALUES ('{secret}', 'x')",
        f"INSERT INTO conversation (user_id, title) VALUES ({user}, repeat('{secret}', 100))",
        f"INSERT INTO conversation (user_id, title_source) VALUES ({user}, '{secret}')",
        f"INSERT INTO todo (user_id, title) VALUES (-1, '{secret}')",
        f"SELECT '{secret}'::bigint",
        f"SELECT {secret}",
        f"SELECT '{secret}' FROM WHERE",
        f"SET statement_timeout = 1; SELECT '{secret}', pg_sleep(60)",
        f"DO $$ BEGIN RAISE EXCEPTION '{secret}'; END $$",
    ]
    for statement in refused:
        with pytest.raises(psycopg2.Error):
            postgres.rows(statement)
    postgres.rows(f"DO $$ BEGIN RAISE WARNING '{secret}'; END $$")
    with pytest.raises(psycopg2.OperationalError):
        Postgres(cluster.url.set(database="there_is_no_such_database")).rows("SELECT 1")
    log = Path(cluster.value("SHOW data_directory")).parents[1] / "postgres.log"
    text = log.read_text(errors="replace")
    assert "there_is_no_such_database" in text, "this is not the log of the server"
    assert secret not in text
    record_property("statements quoted in the log of the embedded server", (0, len(refused) + 1))
