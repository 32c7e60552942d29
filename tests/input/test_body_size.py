"""Bodies of any size and any pretended size: refused before they are taken in, and nobody else notices."""

import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from app.api.strict import MAX_STRANGERS_BYTES
from support import Postgres, Service, User

from .answers import refusal, send_json
from .processes import Process, running

MEBIBYTE = 1_048_576
LIMIT = 4 * MEBIBYTE
"""The default of MAX_BODY_BYTES."""

TOO_LARGE = b'{"title":"' + b"x" * (10 * MEBIBYTE) + b'"}'
JSON = {"Content-Type": "application/json"}


def in_pieces(body: bytes) -> Iterator[bytes]:
    """For httpx: sent chunked, without a Content-Length."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/conversations"),
        ("PATCH", "/api/conversations/1"),
        ("POST", "/api/conversations/1/messages"),
        ("POST", "/api/chat/1/message"),
        ("POST", "/api/todos"),
        ("POST", "/api/auth/register"),
    ],
)
def test_a_body_that_is_too_large_is_refused(alice: User, method: str, path: str) -> None:
    for body in (TOO_LARGE, in_pieces(TOO_LARGE)):
        answer = alice.client.request(method, path, content=body, headers=JSON)
        assert refusal(answer) == (413, "body_too_large")
    assert alice.get("/api/conversations").json()["items"] == []


def test_a_form_that_is_too_large_is_refused(service: Service) -> None:
    client, form = service.client(), {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (TOO_LARGE, in_pieces(TOO_LARGE)):
        refused = client.post("/api/auth/token", content=body, headers=form)
        assert refusal(refused) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("path", "status"), [("/api/auth/register", 422), ("/api/auth/password", 401)], ids=["anybody", "user"]
)
def test_what_is_read_before_it_is_known_whose_it_is_must_be_small(
    service: Service, path: str, status: int
) -> None:
    for size, wanted in ((MAX_STRANGERS_BYTES, status), (MAX_STRANGERS_BYTES + 1, 413)):
        body = b"{}" + b" " * (size - 2)
        for content in (body, in_pieces(body)):
            answer = service.client().post(path, content=content, headers=JSON)
            assert refusal(answer)[0] == wanted


def test_the_longest_form_is_read(service: Service) -> None:
    """Each character of four bytes, and each byte escaped."""
    form = {"username": f"{'🦊' * 248}@a.com", "password": "🦊" * 256}
    form |= dict.fromkeys(("scope", "client_id", "client_secret"), "🦊" * 250)
    assert refusal(service.client().post("/api/auth/token", data=form)) == (401, "sign_in_failed")


def test_the_longest_todo_is_read(alice: User) -> None:
    """Each character of four bytes, and each half of it escaped."""
    todo = {"title": "🦊" * 256, "description": "🦊" * 4_000}
    answer = send_json(alice, "/api/todos", json.dumps(todo).encode())
    assert answer.status_code == 201
    assert todo.items() <= answer.json().items()


def test_a_strangers_body_is_not_read(service: Service, alice: User) -> None:
    """It is refused before it is sent; and what is sent all the same is no second request."""
    body = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10_000
    with connected(port(service)) as connection:
        stranger = head(alice, f"Content-Length: {len(body)}").replace(b"Bearer ", b"Bearer x")
        connection.sendall(stranger)
        assert received(connection).startswith(b"HTTP/1.1 401 ")
        connection.sendall(body + b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 404 ")


def test_the_limit_is_exact(alice: User) -> None:
    body = b'{"title":"a"}'
    for fits in (body + b" " * (LIMIT - len(body)), body):
        assert send_json(alice, "/api/conversations", fits).status_code == 201
        assert (
            alice.post("/api/conversations", None, content=in_pieces(fits), headers=JSON).status_code == 201
        )
    for content in (body + b" " * (LIMIT + 1 - len(body)), in_pieces(body + b" " * (LIMIT + 1 - len(body)))):
        refused = alice.client.post("/api/conversations", content=content, headers=JSON)
        assert refusal(refused) == (413, "body_too_large")


@pytest.fixture(scope="module")
def process(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    output = tmp_path_factory.mktemp("process") / "output"
    # The C library keeps what was freed for later; told not to, it lets us see what is really held.
    at_once = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
    with running(["uvicorn", "app.asgi:app", "--port"], postgres, output, **at_once) as it:
        yield it


def test_refused_bodies_do_not_stay_in_memory(process: Process, alice: User) -> None:
    """Also not until a collection of circular garbage, which a patient client may outrun."""
    half = TOO_LARGE[:LIMIT]  # read to its end, and then no JSON
    bodies = [body for _ in range(20) for body in (TOO_LARGE, in_pieces(TOO_LARGE), half)]
    with process.client(alice.token) as client:
        client.post("/api/conversations", content=half, headers=JSON)
        before = process.memory
        codes = {refusal(client.post("/api/conversations", content=body, headers=JSON))[1] for body in bodies}
        client.get("/healthz")  # when this is answered, the ones before it are over
    assert codes == {"body_too_large", "invalid_json"}
    grown, peak = process.memory - before, process.peak - before
    assert grown < LIMIT
    assert peak < 3 * LIMIT
    in_all = f"{len(bodies)} bodies of 4 to 10 MiB"
    print(f"{in_all}: memory grew by {grown / MEBIBYTE:.1f} MiB, at most {peak / MEBIBYTE:.1f} MiB")


def test_an_endless_body_is_answered_before_it_ends(process: Process, alice: User) -> None:
    before, sent, answer = process.peak, 0, b""
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with connected(process.port) as connection:
        connection.sendall(head(alice, "Transfer-Encoding: chunked"))
        with suppress(ConnectionError):  # it may hang up in the middle of a piece, when it has answered
            while not select.select([connection], [], [], 0)[0]:
                connection.sendall(piece)
                sent += len(piece)
        while not answer.endswith(b"}"):
            came = received(connection)
            assert came, answer
            answer += came
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"body_too_large"' in answer
    assert process.peak - before < 3 * LIMIT
    print(f"an endless body was refused after {sent / MEBIBYTE:.1f} MiB")


def test_an_announced_size_is_refused_before_anything_is_sent(service: Service, alice: User) -> None:
    with connected(port(service)) as connection:
        connection.sendall(head(alice, f"Content-Length: {LIMIT + 1}"))
        assert received(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "0x10", "+5", "5, 6", "9" * 26, "\u0665"])
def test_a_length_that_is_no_number_is_refused(service: Service, alice: User, length: str) -> None:
    """By the server below the application, which cannot know where the next request would begin."""
    with connected(port(service)) as connection:
        connection.sendall(head(alice, f"Content-Length: {length}") + b'{"title":"a"}')
        assert received(connection).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
    assert alice.get("/api/conversations").json()["items"] == []


def test_two_ways_to_tell_the_length_are_refused(service: Service, alice: User) -> None:
    """A proxy may believe the other one: that is how requests are smuggled."""
    for lines in (
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ):
        with connected(port(service)) as connection:
            connection.sendall(head(alice, lines) + b"5\r\n{    \r\n0\r\n\r\n")
            assert received(connection).startswith(b"HTTP/1.1 400 ")
    assert alice.get("/api/conversations").json()["items"] == []


def test_a_body_shorter_than_announced_is_no_request(service: Service, alice: User) -> None:
    with connected(port(service)) as connection:
        connection.sendall(head(alice, "Content-Length: 1000") + b'{"title":"a"}')
        connection.shutdown(socket.SHUT_WR)
        assert not received(connection).startswith(b"HTTP/1.1 2")
    assert alice.get("/api/conversations").json()["items"] == []


def test_a_body_longer_than_announced_never_becomes_a_second_request(service: Service, alice: User) -> None:
    for length, wanted in ((13, "a"), (5, "b")):
        with connected(port(service)) as connection:
            body = f'{{"title":"{wanted}"}}{{"title":"c"}}'.encode()
            connection.sendall(head(alice, f"Content-Length: {length}") + body)
            assert received(connection).startswith((b"HTTP/1.1 201 ", b"HTTP/1.1 400 "))
    titles = {found["title"] for found in alice.get("/api/conversations").json()["items"]}
    assert titles <= {"a"}


def port(service: Service) -> int:
    return int(service.url.rpartition(":")[2])


@contextmanager
def connected(to: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", to), timeout=60) as connection:
        yield connection


def head(user: User, line: str) -> bytes:
    lines = ("POST /api/conversations HTTP/1.1", "Host: localhost", f"Authorization: Bearer {user.token}")
    return "\r\n".join((*lines, "Content-Type: application/json", line, "", "")).encode()


def received(connection: socket.socket) -> bytes:
    """What has come by now, or will come first; nothing if the other side only hung up."""
    try:
        return connection.recv(65_536)
    except (TimeoutError, ConnectionResetError):
        return b""
