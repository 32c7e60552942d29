"""What the state machine asserts between its steps: it hears of what goes on, and only of that."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.main import create_app
from assistants_for_tests import Echo
from database_for_tests import locked, waiting_for_locks
from faults import machine
from faults.covered import Covered
from faults.model import host
from faults.model.host import Host, Unsettled
from support import Postgres, empty, settings, until

_UNFINISHED = """
    WITH owner AS (
        INSERT INTO "user" (email, password_hash) VALUES ('alice@example.com', 'none') RETURNING id
    ), talk AS (INSERT INTO conversation (user_id, next_seq) SELECT id, 2 FROM owner RETURNING id, user_id)
    INSERT INTO message (user_id, conversation_id, seq, role, content, status, lease_until)
    SELECT user_id, id, 1, 'assistant', '', 'streaming', now() + interval '1 hour' FROM talk
"""


@pytest.fixture
def running(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    empty(postgres)
    monkeypatch.setattr(host, "PATIENCE", 0.2)
    running = Host(lambda: create_app(settings(postgres), Echo()), postgres, Covered(machine.document()))
    with running.run():
        running.settle()
        running.check_rows()
        yield running


def test_a_reply_that_stays_unfinished_is_heard_of(running: Host, postgres: Postgres) -> None:
    postgres.rows(_UNFINISHED)
    with pytest.raises(Unsettled, match="1 replies stay unfinished"):
        running.check_rows()
    running.settle()


def test_a_connection_that_stays_in_use_is_heard_of(running: Host, postgres: Postgres) -> None:
    registration = {"email": "alice@example.com", "password": "correct horse battery"}
    token = running.client().post("/api/auth/register", json=registration).json()["access_token"]
    with ThreadPoolExecutor(1) as pool:
        with locked(postgres, "conversation"):
            held = pool.submit(running.client(token).get, "/api/conversations")
            until(lambda: waiting_for_locks(postgres) == 1)
            with pytest.raises(Unsettled, match="1 connections or replies in use"):
                running.settle()
        assert held.result().status_code == 200
    running.settle()
