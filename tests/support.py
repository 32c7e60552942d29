"""What tests are written with: a database, users, a running server."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg2
from fastapi import FastAPI
from sqlalchemy.engine import URL

from app import tokens
from app.db import url as urls
from app.server import Server, listening
from app.settings import Settings
from transport import Transport

SECRET = "a secret of the tests, of more than 32 bytes"

MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""What a process needs in an environment of its own so that its coverage counts too."""

UNHURRIED = {"database_timeout": 60, "database_pool_timeout": 60}
"""How long a statement may take, and the wait for a connection: only what is tested is to fail."""

GENEROUS = {
    "requests_per_minute": 30_000,
    "writes_per_minute": 15_000,
    "turns_per_minute": 3_000,
    "sign_ins_per_minute": 600,
    "registrations_per_hour": 1_000,
}
"""What a user, and an address, may do: enough for every test that is not about it, and still counted."""

Row = tuple[Any, ...]


def as_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Settings as a process is given them."""
    return {name.upper(): str(value) for name, value in settings.items()}


def until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread is about to do."""
    while not condition():
        time.sleep(0.005)


@dataclass(frozen=True)
class Postgres:
    """A database, seen by its administrator, for whom row-level security does not count."""

    url: URL

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Runs a statement and commits."""
        with self.connected() as connected:
            return connected.rows(sql, *parameters)

    def value(self, sql: str, *parameters: object) -> Any:
        """The first column of the first row."""
        return self.rows(sql, *parameters)[0][0]

    @property
    def text(self) -> str:
        return self.url.render_as_string(hide_password=False)

    @property
    def pooled(self) -> str:
        """The address for services: through the pooler of TEST_POOLER, `host:port`, if that is set."""
        host, _, port = os.environ.get("TEST_POOLER", "").partition(":")
        url = self.url.set(host=host, port=int(port)) if host else self.url
        return url.render_as_string(hide_password=False)

    @contextmanager
    def connected(self) -> Iterator["Postgres"]:
        """The same over one connection, for who has much to ask: to connect takes longer than to ask."""
        with closing(psycopg2.connect(**urls.arguments(self.url))) as connection:
            connection.autocommit = True
            yield _Connected(self.url, connection)


@dataclass(frozen=True)
class _Connected(Postgres):
    connection: psycopg2.extensions.connection

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []


@dataclass(frozen=True)
class User:
    """A user with a token, and a client that sends it."""

    id: int
    token: str
    client: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.client.post(path, json=json, **options)

    def patch(self, path: str, json: Any) -> httpx.Response:
        return self.client.patch(path, json=json)

    def delete(self, path: str) -> httpx.Response:
        return self.client.delete(path)

    def conversation(self, **fields: Any) -> int:
        """Makes a conversation and returns its id."""
        answer = self.post("/api/conversations", fields)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def say(self, conversation_id: int, content: str, **fields: Any) -> dict[str, Any]:
        """Appends a message."""
        answer = self.post(f"/api/conversations/{conversation_id}/messages", {"content": content, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def messages(self, conversation_id: int) -> list[dict[str, Any]]:
        """All messages of a conversation, page by page."""
        return list(pages(self, f"/api/conversations/{conversation_id}/messages", limit=200))


@dataclass(frozen=True)
class Service:
    """A running server."""

    url: str
    app: FastAPI
    postgres: Postgres
    clients: list[httpx.Client] = field(default_factory=list)

    def user(self, email: str) -> User:
        """A new local account, without the cost of a password."""
        sql = "INSERT INTO \"user\" (email, password_hash) VALUES (%s, 'none') RETURNING id"
        return self.user_of(self.postgres.value(sql, email))

    def user_of(self, user_id: int) -> User:
        token = tokens.issue(user_id, SECRET, 3600, time.time())
        return User(user_id, token, self.client(token))

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.clients.append(
            httpx.Client(base_url=self.url, headers=headers, timeout=60, transport=Transport())
        )
        return self.clients[-1]

    def hang_up(self) -> None:
        """Closes all clients."""
        while self.clients:
            self.clients.pop().close()


def restored_before(postgres: Postgres, user_id: int) -> None:
    """Leaves the database as a backup is that was made before this account was, which is the newest one."""
    postgres.rows('DELETE FROM "user" WHERE id = %s', user_id)
    postgres.rows("DELETE FROM departure")
    postgres.rows(f'ALTER TABLE "user" ALTER COLUMN id RESTART WITH {user_id}')


def pages(user: User, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """The items of a list, following its cursors to the end."""
    cursor: dict[str, str] = {}
    while True:
        answer = user.get(path, params={**parameters, **cursor})
        assert answer.status_code == 200, answer.text
        yield from answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return
        cursor = {"cursor": answer.json()["next_cursor"]}


def settings(postgres: Postgres, **changes: Any) -> Settings:
    """Settings of a test, from nothing of the environment. No request is refused for a slow machine."""
    given = {"database_url": postgres.pooled, "secret_key": SECRET, "allow_plaintext_database": True}
    return Settings(_env_file=None, **{**given, **UNHURRIED, **GENEROUS, **changes})


@contextmanager
def served(app: FastAPI, postgres: Postgres, *, port: int = 0, hang_up: bool = True) -> Iterator[Service]:
    """Runs an application on a port of this machine; 0: on any that is free.

    Without `hang_up`, its clients are the caller's to close: one may still read what the server said at last.
    """
    server = Server(app)
    with listening("127.0.0.1", port) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        assert server.started, "the application refused to start"
        service = Service(f"http://127.0.0.1:{listener.getsockname()[1]}", app, postgres)
        try:
            yield service
        finally:
            server.should_exit = True
            thread.join()
            if hang_up:
                service.hang_up()


def empty(postgres: Postgres) -> None:
    """Forgets all rows. Ids go on: no test meets the ones of another."""
    postgres.rows('TRUNCATE "user", todo, conversation, message, message_words, departure, audit')
