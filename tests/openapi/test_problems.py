"""Every problem that the document shows is provoked, and is the one that is shown."""

import asyncio
import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace

import httpx
import jwt
import psycopg2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.db import url as urls
from app.db.schema import Schema
from app.main import create_app
from app.verifier import make_verifier
from assistants_for_tests import Scripted
from openapi.document import Document, Json, Operation
from support import Postgres, Service, User, settings
from turns.reading import streaming

Serve = Callable[..., AbstractContextManager[Service]]

NOWHERE = dict.fromkeys(("sessionId", "conversation_id", "todo_id"), 2**62)


@dataclass(frozen=True)
class Stage:
    """A user who has one of everything, and the operations that refuse her."""

    service: Service
    alice: User
    ids: dict[str, object] = field(default_factory=dict)

    def client(self, operation: Operation) -> httpx.Client:
        return self.alice.client if operation.is_signed_in else self.service.client()

    def client_with_password(self, password: str) -> httpx.Client:
        """Somebody's who has this password."""
        account = {"email": "carol@example.com", "password": password}
        made = self.service.client().post("/api/auth/register", json=account).raise_for_status()
        return self.service.client(made.json()["access_token"])

    def repeated(self, operation: Operation) -> httpx.Response:
        """The same client's id with another content."""
        name = next(iter({"title", "content", "message"} & set(operation.bodies[0])), "")
        for text in ("One thing", "Another thing"):
            body = operation.bodies[-1] | {"client_id": operation.name, name: text}
            if operation.name == "chat_with_ai_sdk":
                body = {"id": self.session, "message": ui_message(text)}
            answer = operation.send(self.alice.client, self.ids, json=body)
        return answer

    def of_the_deleted(self, operation: Operation) -> httpx.Response:
        """The client's id of a conversation that was deleted."""
        deleted = self.alice.conversation(client_id=operation.name)
        self.alice.delete(f"/api/conversations/{deleted}").raise_for_status()
        name = "id" if operation.name == "chat_with_ai_sdk" else "client_id"
        return operation.send(self.alice.client, json=operation.bodies[0] | {name: operation.name})

    def unconfirmed(self, operation: Operation) -> httpx.Response:
        """Another password than that of the account."""
        account = {"email": "carol@example.com", "password": "correct horse battery"}
        made = self.service.client().post("/api/auth/register", json=account).raise_for_status()
        client = self.service.client(made.json()["access_token"])
        return operation.send(client, json={"confirmation": "wrong horse battery"})

    @property
    def session(self) -> str:
        return str(self.ids["sessionId"])

    def with_session(self, operation: Operation, session: str, **fields: object) -> httpx.Response:
        """Sends it with a session that is in the path or, as the AI SDK has it, in the body."""
        if operation.name != "chat_with_ai_sdk":
            return operation.send(self.alice.client, {**self.ids, **NOWHERE, "sessionId": session})
        body = {**operation.bodies[0], "id": session, **fields}
        return operation.send(self.alice.client, json=body)

    def with_fault(self, operation: Operation) -> httpx.Response:
        (fault,) = operation.problems["validation_failed"]["errors"]
        if operation.media_type is None:
            where, name = fault["location"]
            wrong: dict[str, Json] = {
                "path": {"ids": {**self.ids, name: 0}},
                "query": {"params": {name: 0}},
                "header": {"headers": {name: "k" * 257}},
            }
            return operation.send(self.client(operation), **{"ids": self.ids, **wrong[where]})
        kind = "json" if operation.media_type == "application/json" else "data"
        body = operation.bodies[0] | {"colour": "blue"}
        if fault["code"] == "missing":
            del body[fault["location"][-1]]
        return operation.send(self.client(operation), self.ids, **{kind: body})


def ui_message(text: str) -> Json:
    return {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": text}]}


def again(**named: str) -> Json:
    """What the AI SDK sends for another reply when only the session is known."""
    return {"trigger": "regenerate-message", "messages": [], **named}


PROVOKED: dict[str, Callable[[Stage, Operation], httpx.Response]] = {
    "not_authenticated": lambda stage, one: one.send(stage.service.client("no token"), stage.ids),
    "sign_in_failed": lambda stage, one: one.send(
        stage.service.client(), data=one.bodies[0] | {"username": "nobody@example.com"}
    ),
    "origin_refused": lambda stage, one: one.send(
        stage.service.client(), headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    ),
    "confirmation_wrong": Stage.unconfirmed,
    "validation_failed": Stage.with_fault,
    "invalid_json": lambda stage, one: one.send(
        stage.client(one), stage.ids, content=b"{", headers={"Content-Type": "application/json"}
    ),
    "unsupported_media_type": lambda stage, one: one.send(
        stage.client(one), stage.ids, content=b"{}", headers={"Content-Type": "text/plain"}
    ),
    "unsupported_encoding": lambda stage, one: one.send(
        stage.client(one),
        stage.ids,
        content=gzip.compress(b"{}"),
        headers={"Content-Type": str(one.media_type), "Content-Encoding": "gzip"},
    ),
    "body_too_large": lambda stage, one: one.send(
        stage.client(one),
        stage.ids,
        content=b" " * 4_194_305,
        headers={"Content-Type": str(one.media_type)},
    ),
    "conversation_not_found": lambda stage, one: stage.with_session(one, str(2**62)),
    "message_not_found": lambda stage, one: (
        stage.with_session(one, stage.session, **again(messageId="m-0"))
        if one.name == "chat_with_ai_sdk"
        else one.send(
            stage.alice.client,
            {**stage.ids, "reply_id": 2**62, "message_id": 2**62},
            params={"around": 2**62} if one.name == "get_history" else None,
        )
    ),
    "message_unreadable": lambda stage, one: stage.with_session(one, stage.session, messages=[]),
    "nothing_to_answer": lambda stage, one: stage.with_session(one, stage.session, **again()),
    "password_wrong": lambda stage, one: one.send(stage.client_with_password(one.bodies[0]["new_password"])),
    "todo_not_found": lambda stage, one: one.send(stage.alice.client, NOWHERE),
    "invalid_cursor": lambda stage, one: one.send(stage.alice.client, stage.ids, params={"cursor": "x"}),
    "client_id_reused": Stage.repeated,
    "conversation_deleted": Stage.of_the_deleted,
    "email_taken": lambda stage, one: [one.send(stage.service.client()) for _ in range(2)][1],
}
ON_ANOTHER_STAGE = {
    "registration_closed",
    "rate_limited",
    "todo_limit_reached",
    "turn_in_progress",
    "too_many_turns",
    "too_many_exports",
    "overloaded",
    "shutting_down",
    "database_unavailable",
    "database_busy",
    "issuer_unavailable",
}


@pytest.fixture
def stage(service: Service, alice: User) -> Stage:
    conversation = alice.conversation()
    todo = alice.post("/api/todos", {"title": "Milk"}).json()["id"]
    ids = {"sessionId": conversation, "conversation_id": conversation, "todo_id": todo, "reply_id": 1}
    return Stage(service, alice, ids)


def showing(document: Document, code: str) -> Iterator[Operation]:
    """The operations that show a problem: at least one, and it is printed how many."""
    found = [operation for operation in document.operations if code in operation.problems]
    assert found, f"no operation shows {code}"
    yield from found
    print(f"{code} provoked at {len(found)} operations, 0 answered otherwise")


def as_shown(operation: Operation, code: str, answer: httpx.Response) -> None:
    operation.check(answer)
    assert answer.json() == operation.problems[code], operation.name


def test_every_problem_is_provoked_by_a_test_below(document: Document) -> None:
    shown = {code for operation in document.operations for code in operation.problems}
    assert shown | {"issuer_unavailable"} == PROVOKED.keys() | ON_ANOTHER_STAGE


@pytest.mark.parametrize("code", PROVOKED)
def test_a_refused_request_gets_the_problem_that_is_shown(
    code: str, stage: Stage, document: Document
) -> None:
    for operation in showing(document, code):
        as_shown(operation, code, PROVOKED[code](stage, operation))


def test_a_full_list_gets_the_problem_that_is_shown(stage: Stage, document: Document) -> None:
    sql = "INSERT INTO todo (user_id, title) SELECT %s, 'x' FROM generate_series(1, 999)"
    stage.service.postgres.rows(sql, stage.alice.id)
    for operation in showing(document, "todo_limit_reached"):
        as_shown(operation, "todo_limit_reached", operation.send(stage.alice.client))


def test_one_request_too_many_gets_the_problem_that_is_shown(serve_with: Serve, document: Document) -> None:
    once = dict.fromkeys(("requests_per_minute", "sign_ins_per_minute", "registrations_per_hour"), 1)
    with serve_with(**once) as service:
        for number, operation in enumerate(showing(document, "rate_limited")):
            client = service.user(f"{number}@example.com").client
            ids = dict.fromkeys(("sessionId", "conversation_id", "todo_id", "reply_id", "message_id"), 1)
            elsewhere = {"X-Forwarded-For": f"203.0.113.{number}"}
            assert operation.send(client, ids, headers=elsewhere).status_code != 429
            as_shown(operation, "rate_limited", operation.send(client, ids, headers=elsewhere))


def test_a_second_question_gets_the_problem_that_is_shown(fresh_service: Service, document: Document) -> None:
    alice = fresh_service.user("alice@example.com")
    conversation = alice.conversation()
    alice.say(conversation, "When?")
    reply = alice.say(conversation, "Wait.", role="assistant")
    sql = "UPDATE message SET status = 'streaming', lease_until = now() + interval '1 hour' WHERE id = %s"
    fresh_service.postgres.rows(sql, reply["id"])
    stage = Stage(fresh_service, alice, {"sessionId": conversation})
    for operation in showing(document, "turn_in_progress"):
        as_shown(operation, "turn_in_progress", stage.with_session(operation, stage.session))
    assert operation.problems["turn_in_progress"].items() >= {
        ("reply_id", reply["id"]),
        ("resume", f"/api/chat/{conversation}/stream"),
    }


def test_a_closed_registration_gets_the_problem_that_is_shown(serve_with: Serve, document: Document) -> None:
    with serve_with(registration=False) as closed:
        for operation in showing(document, "registration_closed"):
            as_shown(operation, "registration_closed", operation.send(closed.client()))
        assert closed.postgres.value('SELECT count(*) FROM "user"') == 0
    with serve_with() as open_to_all:
        for operation in showing(document, "registration_closed"):
            assert operation.send(open_to_all.client()).status_code == 201


@pytest.mark.parametrize(
    ("code", "bound"),
    [("too_many_turns", "max_running_turns_per_user"), ("overloaded", "max_running_turns")],
)
def test_one_reply_too_many_gets_the_problem_that_is_shown(code: str, bound: str, serve_with: Serve) -> None:
    assistant = Scripted("Wait ... ", "done.", waits=True)
    with serve_with(assistant, **{bound: 1}) as service:
        document, alice = Document(service.client().get("/openapi.json").json()), service.user("alice@x.org")
        session = alice.conversation()
        path = f"/api/chat/{alice.conversation()}/message"
        with streaming(alice, path, {"message": "Go"}) as events:
            next(events)
            for operation in showing(document, code):
                as_shown(operation, code, operation.send(alice.client, {"sessionId": session}))
            assistant.go()
            assert list(events)[-1]["type"] == "finish"
        assert alice.post(f"/api/chat/{session}/message", {"message": "Go"}).status_code == 200


def test_a_server_that_stops_gives_the_problem_that_is_shown(serve_with: Serve) -> None:
    with serve_with() as service:
        document, alice = Document(service.client().get("/openapi.json").json()), service.user("alice@x.org")
        ids = {"sessionId": alice.conversation()}
        asyncio.run(service.app.state.services.turns.close(0))  # what the server does first when it is told
        for operation in showing(document, "shutting_down"):
            as_shown(operation, "shutting_down", operation.send(alice.client, ids))


def test_without_its_database_the_service_gives_the_problem_that_is_shown(
    fresh_service: Service, document: Document
) -> None:
    alice = fresh_service.user("alice@example.com")
    forget_schema(fresh_service)
    database = fresh_service.postgres.url.database
    elsewhere = Postgres(fresh_service.postgres.url.set(database="postgres"))
    elsewhere.rows(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    elsewhere.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", database)
    for operation in showing(document, "database_unavailable"):
        client = alice.client if operation.is_signed_in else fresh_service.client()
        as_shown(operation, "database_unavailable", operation.send(client))


def test_a_service_whose_connections_are_all_in_use_gives_the_problems_that_are_shown(
    serve_with: Serve, postgres: Postgres, document: Document
) -> None:
    with (
        serve_with(database_pool_size=1, database_pool_timeout=0.1, database_timeout=60) as service,
        closing(psycopg2.connect(**urls.arguments(postgres.url))) as lock,
        ThreadPoolExecutor() as threads,
    ):
        alice, bob, carol = (service.user(f"{name}@example.com") for name in ("alice", "bob", "carol"))
        forget_schema(service)
        lock.cursor().execute('LOCK TABLE todo, "user", conversation, message')
        export = "/api/auth/me/export"  # which has two connections of its own
        asked = ((alice, "/api/todos"), (alice, export), (bob, export))
        waiting = [threads.submit(user.get, path) for user, path in asked]
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        while postgres.value(waits, postgres.url.database) < len(waiting):
            assert not any(one.done() for one in waiting)
        for operation in showing(document, "too_many_exports"):
            as_shown(operation, "too_many_exports", operation.send(alice.client))
        for operation in showing(document, "database_busy"):
            client = carol.client if operation.is_signed_in else service.client()
            as_shown(operation, "database_busy", operation.send(client))
        lock.rollback()
        assert {one.result().status_code for one in waiting} == {200}


def test_without_the_keys_of_its_issuer_the_service_gives_the_problem_that_is_shown(
    serve_with: Serve, postgres: Postgres
) -> None:
    issuer = settings(postgres, jwt_jwks_url="http://127.0.0.1:9/keys", jwt_issuer="https://issuer.example")
    document = Document(create_app(issuer).openapi())
    token = jwt.encode({}, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "a"})
    with serve_with() as service:  # it would not have started without them: they are lost later
        services = service.app.state.services
        service.app.state.services = replace(services, verifier=make_verifier(issuer))
        for operation in showing(document, "issuer_unavailable"):
            as_shown(operation, "issuer_unavailable", operation.send(service.client(token)))


def forget_schema(service: Service) -> None:
    """As after ten seconds: so long is a good answer of the database repeated."""
    services = service.app.state.services
    service.app.state.services = replace(services, schema=Schema(services.database))
