"""Frontends of other origins: the ones that are named may read every answer, and no others."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from support import Service, until

Serve = Callable[..., AbstractContextManager[Service]]

FRONTEND = "https://chat.example"
ALLOWED = "access-control-allow-origin"


@pytest.fixture
def shared(serve_with: Serve) -> Iterator[Service]:
    """A service for two frontends, with a route that has a fault nobody foresaw."""
    with serve_with(cors_origins=(FRONTEND, "http://localhost:5173")) as service:
        service.app.add_api_route("/api/fault", lambda: 1 // 0, include_in_schema=False)
        yield service


def answers(service: Service, origin: str | None) -> Iterator[httpx.Response]:
    """Answers of every kind to a page of an origin."""
    headers = {} if origin is None else {"Origin": origin}
    client = service.user("alice@example.com").client
    yield client.post("/api/chat/start", headers=headers)
    yield service.client().get("/api/todos", headers=headers)
    yield client.get("/api/todos/4611686018427387904", headers=headers)
    yield client.post("/api/todos", json={}, headers=headers)
    yield client.get("/api/fault", headers=headers)
    yield client.get("/openapi.json", headers=headers)


def preflight(service: Service, origin: str, method: str = "PATCH") -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, x-request-id",
    }
    return service.client().options("/api/todos/1", headers=headers)


def test_a_named_origin_may_read_every_answer_and_another_none(shared: Service) -> None:
    named = list(answers(shared, FRONTEND))
    assert [answer.status_code for answer in named] == [201, 401, 404, 422, 500, 200]
    for answer in named:
        assert answer.headers[ALLOWED] == FRONTEND
        assert "origin" in answer.headers["vary"].lower()
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert exposed == {
            *(
                "Content-Disposition",
                "Location",
                "Retry-After",
                "RateLimit",
                "RateLimit-Policy",
                "X-Request-ID",
            ),
            "x-vercel-ai-ui-message-stream",
        }
        assert "access-control-allow-credentials" not in answer.headers
    shared.postgres.rows('DELETE FROM "user"')
    for origin in ("https://chat.example.evil.example", "http://chat.example", "null", None):
        others = list(answers(shared, origin))
        assert [answer.status_code for answer in others] == [201, 401, 404, 422, 500, 200]
        assert not [answer for answer in others if ALLOWED in answer.headers]
        shared.postgres.rows('DELETE FROM "user"')


def test_a_preflight_allows_what_the_operations_need_to_a_named_origin_alone(shared: Service) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = preflight(shared, FRONTEND, method)
        assert answer.status_code == 200, answer.text
        assert answer.headers[ALLOWED] == FRONTEND
        assert method in answer.headers["access-control-allow-methods"]
    assert preflight(shared, FRONTEND, "TRACE").status_code == 400
    refused = preflight(shared, "https://evil.example")
    assert refused.status_code == 400
    assert ALLOWED not in refused.headers


def test_a_refused_preflight_is_a_problem_and_every_preflight_is_logged(
    shared: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        refused = [preflight(shared, FRONTEND, "TRACE"), preflight(shared, "https://evil.example")]
        preflight(shared, FRONTEND)
        until(lambda: caplog.messages.count("request") == 3)  # the line comes after the answer
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "preflight_refused"
        assert "origin" in answer.headers["vary"].lower()
    lines = [vars(line) for line in caplog.records if line.getMessage() == "request"]
    assert sorted(line["status"] for line in lines) == [200, 400, 400]
    assert "evil" not in caplog.text


def test_without_the_setting_no_origin_is_named(service: Service) -> None:
    client = service.client()
    assert preflight(service, FRONTEND).status_code == 405
    for path in ("/healthz", "/api/todos", "/openapi.json"):
        answer = client.get(path, headers={"Origin": FRONTEND})
        assert not [name for name in answer.headers if name.startswith("access-control-")]
