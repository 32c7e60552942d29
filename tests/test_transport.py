"""The tests' own client: no answer that broke off counts as one, and no connection is used that has ended."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from reserved import port_of, reserved
from transport import Transport

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"
EARLY = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BROKEN = {
    "no answer": b"",
    "no HTTP": b"SSH-2.0-server\r\n\r\n",
    "within the head": b"HTTP/1.1 200 OK\r\nContent-",
    "within the body": WHOLE[:-1],
    "within a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwho",
    "before the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


@pytest.fixture
def client(listener: socket.socket) -> Iterator[httpx.Client]:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx.Client(base_url=url, transport=Transport(), timeout=30) as client:
        yield client


def _answering(listener: socket.socket, *answers: bytes) -> threading.Thread:
    """Takes a connection, answers to each request the next of these, and hangs up."""

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            for one in answers:
                _heard(connection)
                connection.sendall(one)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return thread


def _heard(connection: socket.socket) -> None:
    said = b""
    while b"\r\n\r\n" not in said and (data := connection.recv(4_096)):
        said += data


def test_connections_are_used_again(listener: socket.socket, client: httpx.Client) -> None:
    answering = _answering(listener, WHOLE, WHOLE)
    assert [client.get("/").text for _ in range(2)] == ["whole", "whole"]
    answering.join()


def test_one_that_has_ended_is_not_used_again(listener: socket.socket, client: httpx.Client) -> None:
    for _ in range(2):
        answering = _answering(listener, WHOLE)
        assert client.get("/").text == "whole"
        answering.join()


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_breaks_off_is_no_answer(listener: socket.socket, client: httpx.Client, broken: bytes) -> None:
    answering = _answering(listener, broken)
    with pytest.raises(httpx.TransportError):
        client.get("/")
    answering.join()


def test_who_leaves_a_stream_hangs_up(listener: socket.socket, client: httpx.Client) -> None:
    left = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            _heard(connection)
            connection.sendall(BROKEN["before the last chunk"])
            if connection.recv(1) == b"":
                left.set()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with client.stream("GET", "/") as answered:
        assert next(answered.iter_raw()) == b"whole"
    thread.join()
    assert left.is_set()


def test_an_answer_to_half_a_request_is_one(listener: socket.socket, client: httpx.Client) -> None:
    answering = _answering(listener, EARLY)
    assert client.post("/", content=bytes(10_000_000)).status_code == 413
    answering.join()


def test_nobody_listens() -> None:
    with (
        reserved() as place,
        httpx.Client(transport=Transport()) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get(f"http://127.0.0.1:{port_of(place)}/")


def test_what_comes_behind_an_answer_is_no_answer(listener: socket.socket, client: httpx.Client) -> None:
    answering = _answering(listener, WHOLE + WHOLE)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/")
    answering.join()


def test_who_is_closed_hangs_up_where_it_reads(listener: socket.socket, client: httpx.Client) -> None:
    answering = _answering(listener, BROKEN["before the last chunk"])
    with client.stream("GET", "/") as answer:
        answering.join()
        client.close()
        with pytest.raises(httpx.TransportError):
            answer.read()
