"""How much Python a request runs, in calls of functions, beside a bare route of the same framework.

Processor time would be the better figure, but not on a machine that does other things meanwhile; `python -m
benchmark` has it. Calls are the same everywhere, and a step more for every request shows in them.
"""

import asyncio
import json
import logging
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from app.main import create_app
from benchmark.bare import app as bare
from support import Postgres, User, settings

MOST = {"history": 2.3, "list": 1.8, "append": 2.5}
"""Times the calls of a bare route."""

TIMES = 10


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int
    token: str = ""
    body: bytes = b""

    def scope(self) -> dict[str, Any]:
        headers = {b"host": b"127.0.0.1", b"authorization": b"Bearer " + self.token.encode()}
        if self.body:
            headers |= {
                b"content-type": b"application/json",
                b"content-length": str(len(self.body)).encode(),
            }
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": list(headers.items()),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }


async def ask(app: Any, request: Request) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", request.status) == request.status

    await app(request.scope(), receive, send)


async def calls(app: Any, request: Request) -> int:
    """The fewest of some requests: how often it is looked whether the database has answered differs."""
    counted = 0

    def count(_frame: object, event: str, _what: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    found = []
    for _ in range(TIMES):
        before = counted
        sys.setprofile(count)
        try:
            await ask(app, request)
        finally:
            sys.setprofile(None)
        found.append(counted - before)
    return min(found)


@pytest.mark.parametrize("operation", MOST)
def test_a_request_runs_a_few_times_the_code_of_a_bare_route(
    operation: str, alice: User, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "app")  # as elsewhere in the benchmark: no line for each request
    chat = alice.conversation()
    message = json.dumps({"content": "How can I sort a list of tuples by the second value?"}).encode()
    request = {
        "history": Request("GET", f"/api/chat/{chat}/history", 200, alice.token),
        "list": Request("GET", "/api/conversations", 200, alice.token),
        "append": Request("POST", f"/api/conversations/{chat}/messages", 201, alice.token, message),
    }[operation]

    async def both() -> tuple[int, int]:
        app = create_app(settings(postgres))
        try:
            return await calls(app, request), await calls(bare, Request("GET", "/", 200))
        finally:
            await app.state.services.database.close()

    ours, least = asyncio.run(both())
    print(f"{operation}: {ours} calls, {ours / least:.1f} times the {least} of a bare route")
    assert ours <= MOST[operation] * least
