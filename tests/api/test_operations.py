"""Health, readiness, metrics, and what all answers share."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import httpx
import pytest
from fastapi.responses import StreamingResponse

from proxy import proxied
from support import Postgres, Service, User

Serve = Callable[..., AbstractContextManager[Service]]


def test_health_and_readiness(service: Service) -> None:
    visitor = service.client()
    assert visitor.get("/healthz").json() == {"status": "ok"}
    assert visitor.get("/readyz").json() == {"status": "ready"}


def test_metrics_count_by_route_and_never_by_id(alice: User, service: Service) -> None:
    conversation = alice.conversation(title="Secret plans")
    alice.get(f"/api/conversations/{conversation}")
    alice.post(f"/api/chat/{conversation}/message", {"message": "help"})
    alice.get("/no/such/place")
    counted = service.client().get("/metrics").text
    assert (
        'http_request_seconds_count{method="GET",route="/api/conversations/{conversation_id}",status="200"}'
        in counted
    )
    assert 'http_request_seconds_count{method="unknown",route="unknown",status="404"}' in counted
    assert 'chat_turns_total{status="complete"}' in counted
    assert 'database_connections{state="open"}' in counted
    assert "chat_turns_running 0.0" in counted
    assert "Secret" not in counted


def test_every_answer_has_a_request_id(alice: User, service: Service) -> None:
    given = alice.get("/api/conversations", headers={"X-Request-ID": "trace-1.a_B"})
    assert given.headers["X-Request-ID"] == "trace-1.a_B"
    for unfit in ("", "x" * 65, "a b", "é".encode("latin-1"), "<script>"):
        made = alice.get("/api/conversations", headers={"X-Request-ID": unfit})
        assert made.status_code == 200
        assert len(made.headers["X-Request-ID"]) == 16


def test_answers_are_not_kept_by_caches_and_not_guessed_by_browsers(alice: User) -> None:
    answer = alice.get("/api/conversations")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_fault_of_ours_is_a_500_without_its_text(serve_with: Serve) -> None:
    with serve_with() as service:

        @service.app.get("/broken", include_in_schema=False)
        async def broken() -> None:
            raise RuntimeError("a secret in an error")

        answer = service.client().get("/broken")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "secret" not in answer.text
        assert service.client().get("/healthz").status_code == 200


def test_an_answer_that_breaks_in_the_middle_does_not_look_whole(
    serve_with: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with serve_with() as service:

        @service.app.get("/broken", include_in_schema=False)
        async def broken() -> StreamingResponse:
            async def half() -> AsyncIterator[bytes]:
                yield b"half an ans"
                raise RuntimeError("a secret in an error")

            return StreamingResponse(half())

        with service.client().stream("GET", "/broken") as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
        assert service.client().get("/healthz").status_code == 200
    assert "request.failed" in caplog.messages
    assert "secret" not in caplog.text


def test_a_schema_that_is_too_old_is_not_ready(serve_with: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.db.schema.REMEMBERED_SECONDS", 0)
    with serve_with() as service:
        visitor = service.client()
        assert visitor.get("/readyz").status_code == 200
        newest = service.postgres.value("SELECT version_num FROM alembic_version")
        service.postgres.rows("UPDATE alembic_version SET version_num = '2020_01_01_old'")
        try:
            refused = visitor.get("/readyz")
        finally:
            service.postgres.rows("UPDATE alembic_version SET version_num = %s", newest)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert visitor.get("/readyz").status_code == 200


def test_a_good_schema_is_not_asked_for_again_at_once(serve_with: Serve, postgres: Postgres) -> None:
    with proxied(postgres) as proxy, serve_with(database_url=proxy.text) as service:
        proxy.refuse()
        assert service.client().get("/readyz").status_code == 200
