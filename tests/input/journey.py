"""One user's whole time with the service, in words that are found again wherever they leak."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import httpx
import psycopg2

from app.db import url as urls
from support import Postgres

from .processes import Process

LEAPS = {"user": 771_000_000, "conversation": 772_000_000, "message": 773_000_000, "todo": 774_000_000}
"""How far ids go on, so that none of them is another number."""


@dataclass
class Journey:
    """Goes through every operation, success and refusal. `secrets` is all that must be found nowhere else."""

    process: Process
    postgres: Postgres
    secrets: dict[str, str] = field(default_factory=dict)
    request_ids: list[str] = field(default_factory=list)

    def word(self, name: str) -> str:
        """A new word, which is a secret from now on."""
        self.secrets[name] = f"q{uuid.uuid4().hex}"
        return self.secrets[name]

    def go(self) -> None:
        for table, distance in LEAPS.items():
            sequence = f"pg_get_serial_sequence('\"{table}\"', 'id')"
            self.postgres.rows(f"SELECT setval({sequence}, nextval({sequence}) + {distance})")
        with self.process.client() as stranger:
            token = self.accounts(stranger)
        with self.process.client(token) as client:
            self.conversations(client)
            self.todos(client)
            self.refusals(client)
            self.database_faults(client)
        self.no_http()

    def accounts(self, stranger: httpx.Client) -> str:
        email, password = f"{self.word('email')}@example.com", self.word("password")
        register = {"email": email, "password": password}
        token = str(stranger.post("/api/auth/register", json=register).json()["access_token"])
        assert stranger.post("/api/auth/register", json=register).status_code == 409
        sign_in = {"username": email, "password": password}
        assert stranger.post("/api/auth/token", data=sign_in).status_code == 200
        for wrong in ({"password": self.word("wrong password")}, {"username": f"{self.word('nobody')}@a.b"}):
            assert stranger.post("/api/auth/token", data={**sign_in, **wrong}).status_code == 401
        head, body, signature = token.split(".")
        for forged in (self.word("no token"), f"{head}.{body}.{self.word('signature')}", f"{head}.{body}."):
            bearer = {"Authorization": f"Bearer {forged}"}
            assert stranger.get("/api/auth/me", headers=bearer).status_code == 401
        self.secrets |= {"token": token, "token's body": body, "token's signature": signature}
        return token

    def conversations(self, client: httpx.Client) -> None:
        start = {"title": self.word("title"), "client_id": self.word("client_id")}
        session = client.post("/api/chat/start", json=start, headers=self.named()).json()["session_id"]
        self.secrets["conversation"] = session
        for text in (f"add {self.word('todo by chat')}", "list", self.word("message")):
            chat = {"message": text, "client_id": self.word(f"client_id of {text[:4]}")}
            assert client.post(f"/api/chat/{session}/message", json=chat, headers=self.named()).is_success
        messages = f"/api/conversations/{session}/messages"
        assert client.post(messages, json={"content": self.word("content")}).status_code == 201
        for path in (messages, f"/api/chat/{session}/history"):
            cursor = client.get(path, params={"limit": 1}, headers=self.named()).json()["next_cursor"]
            self.secrets[f"cursor of {path}"] = cursor
            assert client.get(path, params={"limit": 1, "cursor": cursor}).is_success
        renamed = {"title": self.word("new title")}
        assert client.patch(f"/api/conversations/{session}", json=renamed).is_success
        assert client.get("/api/conversations", params={"search": self.word("search")}).is_success
        self.secrets["deleted conversation"] = str(client.post("/api/conversations").json()["id"])
        assert client.delete(f"/api/conversations/{self.secrets['deleted conversation']}").status_code == 204

    def todos(self, client: httpx.Client) -> None:
        todo = {"title": self.word("todo"), "description": self.word("description")}
        made = client.post("/api/todos", json=todo).json()["id"]
        self.secrets["todo's id"] = str(made)
        assert client.patch(f"/api/todos/{made}", json={"title": self.word("new todo")}).is_success
        assert client.delete(f"/api/todos/{made}").status_code == 204

    def refusals(self, client: httpx.Client) -> None:
        json = {"Content-Type": "application/json"}
        for body in (f"{{{self.word('no JSON')}", f'{{"{self.word("field")}":"{self.word("value")}"}}'):
            answer = client.post("/api/conversations", content=body, headers=json | self.named())
            assert answer.is_client_error
        large = self.word("large body") * 500_000
        assert client.post("/api/conversations", content=large, headers=json).status_code == 413
        for path in (self.word("path"), f"api/conversations/{self.word('id')}", f"api/{self.word('x')}/?a=b"):
            assert client.get(f"/{path}").is_client_error
        wrong = {"cursor": self.word("wrong cursor"), "limit": "1"}
        assert client.get("/api/conversations", params=wrong).status_code == 400
        assert client.put("/api/conversations", content=self.word("put")).status_code == 405
        odd = {
            "X-Request-ID": f"{self.word('request id')} {self.word('more')}",
            "User-Agent": self.word("agent"),
        }
        assert client.get("/healthz", headers=odd).is_success

    def database_faults(self, client: httpx.Client) -> None:
        """Connections are cut while a message is about to be stored, and while the assistant works."""
        session = self.secrets["conversation"]
        path, content = f"/api/conversations/{session}/messages", {"content": self.word("lost message")}
        assert self._cut("conversation", client, path, content).status_code == 503
        assert client.post(path, json=content).status_code == 201
        chat = {"message": f"add {self.word('lost todo')}"}
        turn = self._cut("todo", client, f"/api/chat/{session}/message", chat)
        assert turn.json()["reply"]["status"] == "failed"

    def no_http(self) -> None:
        with socket.create_connection(("127.0.0.1", self.process.port), timeout=60) as connection:
            connection.sendall(f"{self.word('no HTTP')} / HTTP/9.9\r\n{self.word('line')}\r\n\r\n".encode())
            assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")

    def named(self) -> dict[str, str]:
        """A header that names a request."""
        self.request_ids.append(f"request-{uuid.uuid4().hex}")
        return {"X-Request-ID": self.request_ids[-1]}

    def _cut(self, table: str, client: httpx.Client, path: str, body: dict[str, str]) -> httpx.Response:
        """Sends a request that waits for a locked table, and ends its connection whenever it has one."""
        answers: list[httpx.Response] = []
        with self._locked(table):
            request = threading.Thread(target=lambda: answers.append(client.post(path, json=body)))
            request.start()
            while request.is_alive():
                self.postgres.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database() AND application_name = 'chat-history'"
                )
            request.join()
        return answers[0]

    @contextmanager
    def _locked(self, table: str) -> Iterator[None]:
        with closing(psycopg2.connect(**urls.arguments(self.postgres.url))) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
