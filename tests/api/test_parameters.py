"""Parameters are read by a plan of our own: as FastAPI would, and nothing that the plan has no place for."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from fastapi import BackgroundTasks, Body, Cookie, Depends, FastAPI, Form, Query, Request, Response
from starlette.testclient import TestClient

from app.api.strict import strict_router
from app.main import create_app
from app.models.api import TodoCreate, TodoUpdate
from support import Postgres, User, settings

JSON = {"Content-Type": "application/json"}


async def _number(number: Annotated[int, Query()]) -> int:
    return number


async def _of_a_request(request: Request, number: Annotated[int, Depends(_number)]) -> str:
    return f"{request.method} {number}"


def _plain() -> int:
    return 1


async def takes(said: Annotated[str, Depends(_of_a_request)], word: str = "none") -> Response:
    """Takes a dependency of a dependency."""
    return Response(f"{said} {word}")


async def takes_a_cookie(biscuit: Annotated[str, Cookie()] = "") -> Response:
    """Takes a cookie."""
    return Response(biscuit)


async def takes_tasks(tasks: BackgroundTasks) -> Response:
    """Takes tasks for later."""
    return Response(background=tasks)


async def takes_words(words: Annotated[list[str], Query()]) -> Response:
    """Takes more than one word."""
    return Response(" ".join(words))


async def takes_a_model(todo: Annotated[TodoCreate, Query()]) -> Response:
    """Takes its parameters as one."""
    return Response(todo.title)


async def takes_two_bodies(todo: TodoCreate, other: TodoUpdate) -> Response:
    """Takes two members of an object."""
    return Response(f"{todo} {other}")


async def takes_a_member(todo: Annotated[TodoCreate, Body(embed=True)]) -> Response:
    """Takes one member of an object."""
    return Response(todo.title)


async def takes_a_form(todo: Annotated[TodoCreate, Form()]) -> Response:
    """Takes a form."""
    return Response(todo.title)


async def _titled(todo: TodoCreate) -> str:
    return todo.title


async def takes_a_part_of_a_body(title: Annotated[str, Depends(_titled)]) -> Response:
    """Takes what is made of a body."""
    return Response(title)


def is_no_coroutine() -> Response:
    """Goes to a thread."""
    return Response()


async def takes_a_thread(number: Annotated[int, Depends(_plain)]) -> Response:
    """Takes what FastAPI would give to a thread."""
    return Response(str(number))


def test_a_route_that_is_read_answers() -> None:
    app, router = FastAPI(), strict_router("/read", "read")
    router.get("")(takes)
    app.router.routes.extend(router.routes)
    client = TestClient(app)
    assert client.get("/read?number=7&word=up").text == "GET 7 up"
    assert client.get("/read?number=7").text == "GET 7 none"
    assert client.get("/read").json()["detail"] == [
        {"type": "missing", "loc": ["query", "number"], "msg": "Field required"}
    ]


@pytest.mark.parametrize(
    "endpoint",
    [
        takes_a_cookie,
        takes_tasks,
        takes_words,
        takes_a_model,
        takes_two_bodies,
        takes_a_member,
        takes_a_form,
        takes_a_part_of_a_body,
        is_no_coroutine,
        takes_a_thread,
    ],
)
def test_a_route_with_more_is_refused_when_it_is_made(endpoint: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="takes what is not read here"):
        strict_router("/refused", "refused").get("")(endpoint)


def test_all_faults_are_told_at_once(alice: User) -> None:
    path = f"/api/chat/{alice.conversation()}/history"
    refused = alice.get(path, params={"around": "0", "limit": "0", "format": "b"})
    found = [(fault["location"], fault["code"]) for fault in refused.json()["errors"]]
    assert (refused.status_code, found) == (
        422,
        [
            (["query", "around"], "greater_than_equal"),
            (["query", "limit"], "greater_than_equal"),
            (["query", "format"], "literal_error"),
        ],
    )
    assert alice.get(path, params={"limit": "1", "format": "ui"}).status_code == 200


def test_a_body_is_missing_empty_or_optional(alice: User) -> None:
    path = f"/api/conversations/{alice.conversation()}/messages"
    for body, code in ((b"", "missing"), (b"null", "model_attributes_type"), (b"{}", "missing")):
        refused = alice.client.post(path, content=body, headers=JSON)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    assert alice.client.post(path, content=b'{"content":"Hi"}', headers=JSON).status_code == 201
    for body in (b"", b"null", b"{}"):
        assert alice.client.post("/api/conversations", content=body, headers=JSON).status_code == 201


def test_who_leaves_in_the_middle_of_a_body_is_no_error_of_ours(
    alice: User, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {alice.token}"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/conversations",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    pieces: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b'{"title"', "more_body": True}, {"type": "http.disconnect"}]
    )
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(pieces)

    async def send(message: Any) -> None:
        told.append(message)

    async def leave() -> None:
        app = create_app(settings(postgres))
        await app(scope, receive, send)
        await app.state.services.database.close()

    with caplog.at_level(logging.ERROR):
        asyncio.run(leave())
    assert told[0]["status"] == 400
    assert caplog.records == []
    assert alice.get("/api/conversations").json()["items"] == []


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Bearer {}", 200),
        ("bearer {}", 200),
        ("Bearer  {}", 200),
        ("Bearer {} ", 200),
        ("Bearer {}\t", 200),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Basic {}", 401),
        ("{}", 401),
        ("Bearer {} {}", 401),
    ],
)
def test_a_token_may_have_blanks_around_it(alice: User, written: str, status: int) -> None:
    headers = {"Authorization": written.format(alice.token, alice.token)}
    with closing(HTTPConnection(urlsplit(str(alice.client.base_url)).netloc)) as connection:
        connection.request("GET", "/api/auth/me", headers=headers)
        assert connection.getresponse().status == status
