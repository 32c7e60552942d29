"""What a client may send before anybody looks at it, how slowly, and on how many connections."""

import json
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from app.protocol import MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES
from app.server import UNSENT_BYTES, Server, listening
from assistants_for_tests import Scripted
from support import Service, User, until

Serve = Callable[..., AbstractContextManager[Service]]

PATIENCE = 30
"""Seconds after which a test gives up. What it waits for comes as soon as it comes."""


@contextmanager
def connected(service: Service, takes: int | None = None) -> Iterator[socket.socket]:
    """A connection, whose kernel takes only so many bytes before the program does."""
    host, port = urlsplit(service.url).netloc.split(":")
    with closing(socket.socket()) as client:
        client.settimeout(PATIENCE)
        if takes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
        client.connect((host, int(port)))
        yield client


def answer(client: socket.socket) -> tuple[int, dict[str, object]]:
    """The status and the problem that a server sends before it closes; 0 if it just closes."""
    received = b""
    try:
        while piece := client.recv(65_536):
            received += piece
    except ConnectionResetError:  # it closed with bytes of ours unread, perhaps behind an answer
        pass
    if not received:
        return 0, {}
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head.lower()
    assert b"application/problem+json" in head
    assert b"\r\nx-content-type-options: nosniff" in head
    assert b"\r\ncontent-security-policy: default-src 'none'" in head
    return int(head.split()[1]), json.loads(body)


def documented(service: Service, status: int, code: str) -> dict[str, object]:
    """What the document shows of a refusal that any request may get."""
    document = service.client().get("/openapi.json").json()
    assert f"{status} `{code}`" in document["info"]["description"]
    shown = [
        one["content"]["application/problem+json"] for one in document["components"]["responses"].values()
    ]
    [example] = [one["examples"][code]["value"] for one in shown if code in one["examples"]]
    assert example["status"] == status
    return dict(example)


def request(target: str = "/healthz", headers: tuple[str, ...] = ()) -> bytes:
    lines = (f"GET {target} HTTP/1.1", "Host: here", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode()


def asks(user: User, message: str, *headers: str) -> bytes:
    """A question in a new conversation, over a connection that stays."""
    body = json.dumps({"message": message}).encode()
    bearer = f"Authorization: {user.client.headers['Authorization']}"
    fields = (bearer, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
    head = request(f"/api/chat/{user.conversation()}/message", fields).replace(b"GET", b"POST")
    return head.replace(b"Connection: close\r\n", b"") + body


def status(service: Service, sent: bytes) -> int:
    with connected(service) as client:
        client.sendall(sent)
        return int(client.recv(65_536).split()[1])


@pytest.mark.parametrize(
    ("good", "bad", "code"),
    [
        (
            request(f"/healthz?{'q' * (MAX_TARGET_BYTES - 9)}"),
            request(f"/healthz?{'q' * (MAX_TARGET_BYTES - 8)}"),
            (414, "target_too_long"),
        ),
        (
            request(headers=("a: b",) * (MAX_HEADERS - 2)),
            request(headers=("a: b",) * (MAX_HEADERS - 1)),
            (431, "head_too_large"),
        ),
        (
            request(headers=(f"a: {'b' * (MAX_HEAD_BYTES - 100)}",)),
            request(headers=(f"a: {'b' * MAX_HEAD_BYTES}",)),
            (431, "head_too_large"),
        ),
    ],
    ids=["address", "number of headers", "size of headers"],
)
def test_a_head_that_is_too_large_is_refused(
    service: Service, good: bytes, bad: bytes, code: tuple[int, str]
) -> None:
    assert status(service, good) == 200
    with connected(service) as client:
        client.sendall(bad)
        told, problem = answer(client)
    assert (told, problem["code"]) == code
    assert problem == documented(service, *code)


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-client\r\n",
        request("/\x00"),
        request().replace(b"HTTP/1.1", b"HTTP/9"),
        request(headers=("a b: c",)),
        request().replace(b"Host: here\r\n", b""),
        request(headers=("host: there",)),
        request(headers=("Content-Length: 1", "Content-Length: 2")),
        request(headers=("Content-Length: 1", "Transfer-Encoding: chunked")),
        request("/api/todos", ("Transfer-Encoding: chunked",)).replace(b"GET", b"POST") + b"a lot\r\n",
    ],
    ids=[
        "TLS",
        "SSH",
        "address",
        "version",
        "name",
        "no host",
        "two hosts",
        "two lengths",
        "length and chunks",
        "chunk",
    ],
)
def test_what_is_no_request_is_refused_with_a_problem_too(service: Service, bad: bytes) -> None:
    with connected(service) as client:
        client.sendall(bad)
        told, problem = answer(client)
    assert (told, problem["code"]) == (400, "request_unreadable")
    assert problem == documented(service, 400, "request_unreadable")
    assert status(service, request()) == 200


def test_only_http_1_0_has_no_host(service: Service) -> None:
    for version, told in ((b"1.0", 200), (b"1.1", 400)):
        assert status(service, b"GET /healthz HTTP/%s\r\n\r\n" % version) == told


def test_a_header_without_an_end_is_refused(service: Service) -> None:
    with connected(service) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\na: ")
        sent = 0
        try:
            while sent < 100 * MAX_HEAD_BYTES:
                client.sendall(b"b" * 1_024)
                sent += 1_024
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 100 * MAX_HEAD_BYTES
    assert service.client().get("/healthz").status_code == 200


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: here\r\n", request()[:-1]])
def test_a_head_that_does_not_come_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr("app.protocol.HEAD_SECONDS", 0.2)
    with connected(service) as client:
        client.sendall(begun)
        assert answer(client) == (0, {})
    assert service.client().get("/healthz").status_code == 200


def test_the_next_head_on_a_connection_is_not_waited_for_either(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.protocol.HEAD_SECONDS", 0.5)
    with connected(service) as client:
        for _ in range(2):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            received = client.recv(65_536)
            while not received.endswith(b"}"):
                received += client.recv(65_536)
            assert received.startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n")
        assert answer(client) == (0, {})


def test_a_body_that_does_not_come_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.strict.BODY_SECONDS", 0.2)
    fields = ("Content-Type: application/json", "Content-Length: 100")
    head = request("/api/auth/register", fields).replace(b"GET", b"POST")
    with connected(service) as client:
        client.sendall(head + b'{"email": ')
        told, problem = answer(client)
    assert (told, problem["code"]) == (408, "body_too_slow")
    assert problem == documented(service, told, "body_too_slow")
    account = {"email": "alice@example.com", "password": "correct horse battery"}
    assert service.client().post("/api/auth/register", json=account).status_code == 201


@pytest.mark.parametrize(
    ("sent", "told"),
    [(b"GET /healthz", 200), (b"POST /nothing", 404), (b"POST /healthz", 405)],
)
def test_a_body_that_nobody_reads_does_not_hold_its_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch, sent: bytes, told: int
) -> None:
    """It would, with one byte every few seconds, and for as long as its sender likes."""
    monkeypatch.setattr("app.protocol.UNREAD_SECONDS", 0.5)
    with connected(service) as client:
        client.sendall(sent + b" HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n")
        assert client.recv(65_536).split()[1] == str(told).encode()
        client.settimeout(0.05)
        until(lambda: is_closed(client))
    assert status(service, request()) == 200


@pytest.mark.parametrize("behind", ["a head", "a body"])
def test_what_is_asked_behind_a_slow_request_does_not_end_it(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch, behind: str
) -> None:
    """Nobody reads on while a request of before is at work; that is not the next one's fault."""
    monkeypatch.setattr("app.protocol.HEAD_SECONDS", 0.2)
    monkeypatch.setattr("app.protocol.UNREAD_SECONDS", 0.2)
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, ExitStack() as stack:
        asked = asks(service.user("alice@example.com"), "Count")
        if behind == "a head":
            begun, rest = request("/healthz")[:-4], b"\r\n\r\n"
        else:
            whole = request("/nothing", ("Content-Length: 4",)).replace(b"GET", b"POST")
            begun, rest = whole + b"{}", b"{}"
        client = stack.enter_context(connected(service))
        client.sendall(asked + begun.replace(b"Connection: close\r\n", b""))
        until(lambda: len(assistant.prompts) == 1)
        assert select.select([client], [], [], 1)[0] == [], "it was ended, or answered too early"
        for seconds in ("HEAD_SECONDS", "UNREAD_SECONDS"):  # what is timed from now on has time
            monkeypatch.setattr(f"app.protocol.{seconds}", 60)
        assistant.go()
        client.sendall(rest)
        received = b""
        while received.count(b"HTTP/1.1 ") < 2:
            piece = client.recv(65_536)
            assert piece, "it was ended"
            received += piece
    first, second = received.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200")
    assert b"One, two." in first
    assert second.startswith(b"200" if behind == "a head" else b"404")


@pytest.mark.parametrize(
    "late", [b"{}", b"\r\n", b"\r\n\r\n"], ids=["a body that nobody asked for", "an empty line", "two"]
)
def test_what_comes_after_an_answer_does_not_hold_its_connection(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch, late: bytes
) -> None:
    """uvicorn stops waiting for the next request at each byte, also if none begins with it."""
    monkeypatch.setattr("app.protocol.HEAD_SECONDS", 0.3)
    monkeypatch.setattr("app.server.IDLE_SECONDS", 0.3)
    length = len(late) if late == b"{}" else 0
    with serve_with() as service, connected(service) as client:
        client.sendall(b"POST /nothing HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % length)
        assert client.recv(65_536).split()[1] == b"404"
        client.sendall(late)
        assert client.recv(65_536) == b""
        assert service.client().get("/healthz").status_code == 200


def test_a_late_body_does_not_end_the_answer_behind_it(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body that nobody asked for ends in the same bytes in which a slow request begins."""
    monkeypatch.setattr("app.server.IDLE_SECONDS", 0.3)
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, connected(service) as client:
        asked = asks(service.user("alice@example.com"), "Count")
        client.sendall(b"POST /nothing HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(65_536).split()[1] == b"404"
        client.sendall(b"{}" + asked)
        until(lambda: len(assistant.prompts) == 1)
        assert select.select([client], [], [], 1)[0] == [], "it was ended"
        assistant.go()
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")


def test_who_leaves_with_a_request_behind_a_reply_is_no_fault_of_the_server(
    serve_with: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service:
        alice = service.user("alice@example.com")
        with connected(service) as client:
            client.sendall(asks(alice, "Count", "Accept: text/event-stream"))
            assert b"200 OK" in client.recv(65_536)
            client.sendall(request())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert alice.get("/healthz").status_code == 200  # by now the server has heard of it
        assistant.go()
        until(lambda: alice.get("/api/chat/live").json()["items"] == [])
    assert "request.failed" not in caplog.messages


def test_empty_lines_without_an_end_are_refused(service: Service) -> None:
    with connected(service) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        with suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(100):
                client.sendall(b"\r\n" * MAX_HEAD_BYTES)
            pytest.fail("it took them all")


@pytest.fixture
def large(serve_with: Serve) -> Iterator[tuple[Service, bytes]]:
    """A server with room for three connections, one of them taken, and a request for two million bytes."""
    with serve_with(max_connections=3) as service:
        alice = service.user("alice@example.com")
        chat = alice.conversation()
        for _ in range(20):
            alice.say(chat, "x" * 100_000)
        head = f"GET /api/chat/{chat}/history HTTP/1.1\r\nHost: here\r\n"
        yield service, f"{head}Authorization: {alice.client.headers['Authorization']}\r\n\r\n".encode()


def test_who_takes_nothing_of_an_answer_is_left(
    large: tuple[Service, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kernel may say for ever that it has no room, and loops would wait as long, also to close."""
    monkeypatch.setattr("app.outgoing.UNTAKEN_SECONDS", 6)
    service, asks = large
    with ExitStack() as stack:
        for closes in (asks, asks.replace(b"Host", b"Connection: close\r\nHost")):
            client = stack.enter_context(connected(service, takes=4_096))
            client.sendall(closes)
            assert select.select([client], [], [], PATIENCE)[0] == [client]
        assert status(service, request()) == 503
        until(lambda: status(service, request()) == 200)


def test_who_takes_a_little_again_and_again_is_not_left(
    large: tuple[Service, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.outgoing.UNTAKEN_SECONDS", 4)
    service, asks = large
    with connected(service) as client:
        client.sendall(asks.replace(b"Host", b"Connection: close\r\nHost"))
        received = 0
        while piece := client.recv(100_000):
            received += len(piece)
            time.sleep(0.4)  # this is the slow reader
    assert received > 2_000_000


def test_the_end_of_a_body_does_not_say_who_asks(serve_with: Serve) -> None:
    """A proxy that forwards trailers has not looked there for the address that it vouches for."""
    with serve_with(registrations_per_hour=1) as service:
        for number, told in ((1, 201), (2, 429)):
            account = json.dumps({"email": f"{number}@example.com", "password": "correct horse battery"})
            fields = ("X-Forwarded-For: 203.0.113.9", "Content-Type: application/json")
            head = request("/api/auth/register", (*fields, "Transfer-Encoding: chunked"))
            body = f"{len(account):x}\r\n{account}\r\n0\r\nX-Forwarded-For: 203.0.113.{number}\r\n\r\n"
            assert status(service, head.replace(b"GET", b"POST") + body.encode()) == told


def is_closed(client: socket.socket) -> bool:
    """Whether the server has gone, which is asked with one more byte for it."""
    try:
        client.sendall(b"x")
        return client.recv(65_536) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_one_connection_too_many_is_refused_until_another_one_leaves(serve_with: Serve) -> None:
    with serve_with(max_connections=3) as service:
        with ExitStack() as stack:
            for _ in range(3):
                client = stack.enter_context(connected(service))
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
                assert client.recv(65_536).startswith(b"HTTP/1.1 200")
            with connected(service) as client:
                client.sendall(request())
                told, problem = answer(client)
            assert (told, problem["code"]) == (503, "too_many_connections")
        while status(service, request()) != 200:
            pass
        assert problem == documented(service, told, "too_many_connections")


def test_every_answer_says_what_a_browser_must_not_do_with_it(service: Service) -> None:
    client = service.client()
    for path in ("/healthz", "/api/auth/me", "/nowhere", "/openapi.json", "/metrics"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "Server" not in headers
    page = client.get("/docs").headers
    assert page["X-Content-Type-Options"] == "nosniff"
    assert "script-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts segments so")
def test_an_answer_is_one_segment_with_its_head(service: Service) -> None:
    with connected(service) as client:
        for number in range(1, 21):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            received = b""
            while not received.endswith(b"}"):
                piece = client.recv(65_536)
                assert piece, "it was closed"
                received += piece
            assert segments_with_data(client) == number


def segments_with_data(client: socket.socket) -> int:
    """How many it has received: `tcpi_data_segs_in` of Linux' struct tcp_info (linux/tcp.h)."""
    information = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return int(struct.unpack_from("I", information, 152)[0])


def test_a_proxy_leaves_an_idle_connection_first(service: Service) -> None:
    """nginx and the balancers of clouds do so after a minute; a request that met our end would be lost."""
    assert Server(service.app).config.timeout_keep_alive > 60  # seconds


def test_a_connection_has_room_again_when_its_reader_took_a_little() -> None:
    """Else only after more than a megabyte, and a slow reader would seem to take nothing."""
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as reader:
        writer, _ = listener.accept()
        with writer:
            writer.setblocking(False)
            until(lambda: not _takes(writer))
            reader.recv(UNSENT_BYTES, socket.MSG_WAITALL)
            assert select.select([], [writer], [], PATIENCE)[1] == [writer]


def _takes(writer: socket.socket) -> bool:
    try:
        writer.send(bytes(65_536))
    except BlockingIOError:
        return False
    return True
