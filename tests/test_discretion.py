"""What watches the logs of all tests finds what it is there for, and lets the rest pass."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.db import url as urls
from app.logs import request_id
from discretion import Watch, told
from faults.ground import Ground, discreet
from faults.shares import shared
from support import Postgres, Service, User

SECRETS = [
    "alice@example.com",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "q1679091c5a880faf6fb5e6087eb1b2dc",
    "postgresql://chat:secret@127.0.0.1/chat",
]


@pytest.fixture
def watch() -> Watch:
    """One of our own: what is planted here must not fail this test."""
    return Watch()


def logged(watch: Watch, name: str, message: str, *arguments: object, **extra: object) -> list[str]:
    """What it finds in a record."""
    watch.handle(logging.makeLogRecord({"name": name, "msg": message, "args": arguments, **extra}))
    return watch.taken()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", ["app.turns.writer", "uvicorn.error", "sqlalchemy.engine"])
def test_who_somebody_is_is_found_wherever_it_is_said(watch: Watch, name: str, secret: str) -> None:
    assert len(logged(watch, name, f"request {secret}")) == 1
    assert len(logged(watch, name, "request %s", secret)) == 1
    assert len(logged(watch, name, "request", route=f"/{secret}")) == 1
    token = request_id.set(secret)
    try:
        assert len(logged(watch, name, "request")) == 1
    finally:
        request_id.reset(token)
    assert logged(watch, name, "request", route="/api/chat") == []
    assert (told(f"GET\n{secret}\n"), told("GET /api/chat\n")) == ([secret], [])


def test_what_somebody_wrote_is_found_in_what_the_application_says(watch: Watch) -> None:
    for planted in (
        {"question": "list"},
        {"route": "What is left?"},
        {"error": "no milk"},
        {"status": "milk"},
    ):
        assert len(logged(watch, "app.turns.writer", "reply.failed", **planted)) == 1
    assert len(logged(watch, "app.turns.writer", "What is left?")) == 1
    assert logged(watch, "uvicorn.error", "Started server process") == []


def test_every_route_may_be_said(watch: Watch, service: Service) -> None:
    routes = [getattr(route, "path_format", "") for route in service.app.routes]
    assert len(routes) > 30
    for route in filter(None, routes):
        assert logged(watch, "app.api.middleware", "request", route=route) == [], route


def test_the_text_of_an_error_is_not_read_as_the_product_does_not_write_it(watch: Watch) -> None:
    try:
        int(SECRETS[0])
    except ValueError:
        assert logged(watch, "app.turns.writer", "reply.failed", exc_info=sys.exc_info()) == []
    assert watch.lines == 1


def test_every_line_of_a_service_is_read(alice: User, watched_logs: Watch) -> None:
    before = watched_logs.lines
    alice.get("/api/conversations")
    alice.client.get("/api/auth/me", headers={"Authorization": "Bearer none"})
    assert watched_logs.lines - before >= 3  # a line each, and one why the second was refused


@pytest.mark.parametrize(
    ("log", "why"), [(logging.error, "tell of somebody"), (logging.debug, "nobody reads")]
)
def test_what_a_share_of_a_line_logs_is_read(
    log: Callable[..., None], why: str, cluster: Postgres, open_folder: Path
) -> None:
    work = partial(log, f"{SECRETS[0]}: %s %s %s")  # another process knows it by its name, and no test's
    with pytest.raises(AssertionError, match=why):
        shared(work, Ground(cluster, open_folder), 1)


def test_what_the_postgres_of_a_line_logs_is_read(data: Path) -> None:
    with pytest.raises(AssertionError, match="tell of somebody"), discreet(data, durable=False) as url:
        Postgres(urls.parse(url)).rows(f"DO $$ BEGIN RAISE LOG '{SECRETS[0]}'; END $$")
