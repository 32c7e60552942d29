"""OpenTelemetry: what a collector is sent, and what it never is."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from input.processes import running
from input.test_logs import SERVERS
from support import Postgres, empty

SECRETS = {
    "email": "q9bf31c7ff062936a96d3c8bd1f8f2ff3",
    "password": "qc74d97b01eae257e44aa9d5bade97baf",
    "message": "q70efdf2ec9b086079795c442636b55fb",
    "session": "q6f4922f45568161a8cdf4ad2299f6d23",
    "search": "q1f0e3dad99908345f7439f8ffabdffc4",
    "preflight": "q98f13708210194c475687be6106a3b84",
    "nowhere": "q3c59dc048e8850243be8079a5c74d079",
    "cursor": "qb6d767d2f8ed5d21a44b0e5886680cb9",
}


class Collector(ThreadingHTTPServer):
    """Takes whatever it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[tuple[str, bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for path, body in self.received
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Receiver(BaseHTTPRequestHandler):
    """One request to a collector."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def used(postgres: Postgres, output: Path, **variables: str) -> str:
    """A user comes, talks, searches and is refused; returns their token. The server has ended."""
    empty(postgres)
    account = {"email": f"{SECRETS['email']}@example.com", "password": SECRETS["password"]}
    variables |= {"CORS_ORIGINS": "https://chat.example"}
    with running(SERVERS["serve"], postgres, output, LOG_LEVEL="DEBUG", **variables) as process:
        with process.client() as visitor:
            token = str(visitor.post("/api/auth/register", json=account).json()["access_token"])
        with process.client(token) as client:
            chat = {"client_id": SECRETS["session"], "title": SECRETS["message"]}
            client.post("/api/chat/start", json=chat).raise_for_status()
            turn = {"message": f"add {SECRETS['message']}"}
            client.post(f"/api/chat/{SECRETS['session']}/message", json=turn).raise_for_status()
            client.get("/api/search", params={"q": SECRETS["search"]}).raise_for_status()
            assert client.get(f"/{SECRETS['nowhere']}").status_code == 404
            refused = client.get("/api/conversations", params={"cursor": SECRETS["cursor"]})
            assert refused.status_code == 400
            asks = {"Origin": "https://chat.example", "Access-Control-Request-Method": "GET"}
            preflight = client.options("/api/search", params={"q": SECRETS["preflight"]}, headers=asks)
            assert preflight.status_code == 200
    return token


def test_a_request_its_statements_and_its_turn_are_one_trace(
    collector: Collector, postgres: Postgres, tmp_path: Path
) -> None:
    used(postgres, tmp_path / "output", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
    spans = collector.spans
    [request] = [span for span in spans if span.name == "POST /api/chat/{sessionId}/message"]
    trace = [span for span in spans if span.trace_id == request.trace_id]
    [turn] = [span for span in trace if span.name == "turn"]
    statements = [span for span in trace if span.name.startswith(("read ", "write "))]
    assert turn.parent_span_id == request.span_id
    # Whoever adds a todo locks the user's row first.
    assert {"read conversation", "write conversation", "write user"} <= {span.name for span in statements}
    assert {span.parent_span_id for span in statements} >= {request.span_id, turn.span_id}
    known = {attribute.key: attribute.value for attribute in request.attributes}
    assert known["http.response.status_code"].int_value == 200
    assert {path for path, _ in collector.received} == {"/v1/traces", "/v1/metrics"}


def test_nothing_that_a_user_wrote_or_is_called_is_sent(
    collector: Collector, postgres: Postgres, tmp_path: Path
) -> None:
    token = used(postgres, tmp_path / "output", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
    sent = b"".join(body for _, body in collector.received)
    assert b"POST /api/chat/{sessionId}/message" in sent
    assert len(collector.spans) > 15
    secrets = {**SECRETS, "token": token, "signature": token.rpartition(".")[2]}
    assert [name for name, secret in secrets.items() if secret.encode() in sent] == []
    print(f"{len(secrets)} secrets in {len(collector.spans)} spans and {len(sent)} bytes: 0 found")


@pytest.mark.parametrize("off", [{}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_without_the_environment_nothing_is_sent(
    collector: Collector, postgres: Postgres, tmp_path: Path, off: dict[str, str]
) -> None:
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address} if off else {}
    used(postgres, tmp_path / "output", **asked, **off)
    assert collector.spans == []
