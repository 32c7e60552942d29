"""The service goes to its database, to the model that it is given, and nowhere else, whatever users write."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import pytest

from input.answers import Record
from input.journey import Journey
from input.processes import Process, running
from model_server import says, serving
from support import Postgres, empty

Place = tuple[str, int]


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """A host of this machine, which no one has a reason to visit."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        yield listener


def visits(trap: socket.socket) -> int:
    """How many came."""
    try:
        trap.accept()[0].close()
    except BlockingIOError:
        return 0
    return 1 + visits(trap)


def watched(file: Path) -> list[str]:
    """`serve`, which is listened to."""
    return ["operations.watched", str(file), "app.cli", "serve", "--port"]


def noted(file: Path) -> list[tuple[str, str, str]]:
    """What was asked for, connected to or run: how, where, and at which port."""
    lines = [[*json.loads(line), "", ""] for line in file.read_text().splitlines()]
    return [(how, where, port) for how, where, port, *_ in lines]


def peers(process: Process) -> set[Place]:
    """Whoever the process is connected with by now and did not come to it, as the kernel has it."""
    folder = Path(f"/proc/{process.pid}")
    own = {os.readlink(one) for one in (folder / "fd").iterdir() if one.exists() or one.is_symlink()}
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in (folder / "net" / kind).read_text().splitlines()[1:]:
            _, local, remote, *rest = line.split()
            if f"socket:[{rest[6]}]" in own and int(local.partition(":")[2], 16) != process.port:
                found.add(place(remote))
    return found


def place(written: str) -> Place:
    """An address as the kernel writes it: words of four bytes, in the machine's order."""
    host, _, port = written.partition(":")
    words = [bytes.fromhex(host[start : start + 8])[::-1] for start in range(0, len(host), 8)]
    return str(ip_address(b"".join(words))), int(port, 16)


def visit(process: Process, trap: socket.socket) -> None:
    """Everything that a user can do, with an address wherever a text may be."""
    there = f"http://127.0.0.1:{trap.getsockname()[1]}"
    names = ("Referer", "Origin", "X-Forwarded-Host", "Forwarded", "Content-Location")
    headers = dict.fromkeys(names, there)
    account = {"email": "traveller@example.com", "password": "correct horse battery"}
    with process.client() as visitor:
        for page in ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"):
            assert visitor.get(page, headers=headers).is_success
        registered = visitor.post("/api/auth/register", json=account).json()
        form = {"username": account["email"], "password": account["password"]}
        assert visitor.post("/api/auth/token", data=form, headers=headers).is_success
    with process.client(registered["access_token"]) as user:
        user.headers.update(headers)
        session = user.post("/api/chat/start", json={"title": there}).json()["session_id"]
        parts = [{"type": "text", "text": f"![]({there}/part)"}]
        for path, body in (
            (f"/api/chat/{session}/message", {"message": f"add [milk]({there}/todo)"}),
            (f"/api/chat/{session}/message", {"message": f"{there}/list"}),
            ("/api/chat", {"id": session, "message": {"id": "m1", "role": "user", "parts": parts}}),
            (f"/api/conversations/{session}/messages", {"content": f"<img src='{there}/image'>"}),
            ("/api/todos", {"title": there, "description": there}),
        ):
            assert user.post(path, json=body).is_success
        assert user.post(f"/api/chat/{session}/regenerate").status_code in (200, 409)
        assert user.get("/api/search", params={"q": there}).is_success
        assert there in user.get("/api/auth/me/export").text
        gone = {"confirmation": account["password"]}
        assert user.request("DELETE", "/api/auth/me", json=gone).is_success


def test_it_goes_nowhere_but_to_its_database(
    postgres: Postgres, tmp_path: Path, trap: socket.socket, record_property: Record
) -> None:
    empty(postgres)
    with running(watched(tmp_path / "reached"), postgres, tmp_path / "output") as process:
        visit(process, trap)
        Journey(process, postgres).go()
        assert visits(trap) == 0
        with process.client() as visitor:
            assert visitor.get("/api/conversations").status_code == 401
        connected = peers(process)
    found = {*noted(tmp_path / "reached")}
    database = {("libpq", *address) for address in addresses(postgres)}
    assert found - database - asked(postgres, process) == set()
    assert found & database
    assert connected <= {(host, int(port)) for host, port in addresses(postgres)}
    assert connected or (postgres.url.host or "/").startswith("/")
    record_property(
        "connections that go elsewhere than to the database", (0, len(noted(tmp_path / "reached")))
    )


def test_a_model_that_is_asked_is_noticed(postgres: Postgres, tmp_path: Path, trap: socket.socket) -> None:
    empty(postgres)
    with serving(says("Gladly.")) as model:
        given = {"CHAT_MODEL": "openai:gpt", "OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": model.url}
        with running(watched(tmp_path / "reached"), postgres, tmp_path / "output", **given) as process:
            visit(process, trap)
        host, port = model.url.split("/")[2].split(":")
        assert model.calls > 0
    assert visits(trap) == 0
    database = {("libpq", *address) for address in addresses(postgres)}
    found = {*noted(tmp_path / "reached")} - database - asked(postgres, process)
    assert ("socket.connect", host, port) in found
    assert {one[1:] for one in found} == {(host, port)}


def test_a_visit_is_counted(trap: socket.socket) -> None:
    socket.create_connection(trap.getsockname()).close()
    assert (visits(trap), visits(trap)) == (1, 0)


def addresses(postgres: Postgres) -> set[tuple[str, str]]:
    """Where libpq may go: the database's host, by its name or by its numbers."""
    host, port = postgres.url.host or "", postgres.url.port or 5432
    numbers = {entry[4][0] for entry in socket.getaddrinfo(host, port)} if host else set()
    return {(str(one), str(port)) for one in {host, *numbers}}


def asked(postgres: Postgres, process: Process) -> set[tuple[str, str, str]]:
    """What may be asked for: where the database is, and where to listen."""
    own = ("socket.getaddrinfo", "127.0.0.1", str(process.port))
    return {own, *(("socket.getaddrinfo", *address) for address in addresses(postgres))}
