"""`serve`: what it refuses before it starts anything, and a database of its own that dies under it."""

import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import httpx
import jwt
import pytest

from app.db.provision import own_secret
from app.errors import SetupError
from command_line import run, serving, talking
from proxy import proxied
from support import GENEROUS, Postgres, Service, as_environment, until
from tokens.issuer import GOOD_CLAIMS, ISSUER, PRIVATE
from tokens.server import jwk, key_set, serving as publishing

KILLS = 4
ACCOUNT = {"email": "alice@example.com", "password": "correct horse battery"}


def postmaster(data: Path) -> int | None:
    """The process of the database, or None while it is about to have one."""
    with suppress(OSError, IndexError):
        return int((data / "postgres/cluster/postmaster.pid").read_text().split()[0])
    return None


class Writer:
    """Appends 0, 1, 2 ... to a conversation until it is told to stop, each until it is acknowledged."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        made = client.post("/api/conversations", json={}).raise_for_status()
        self.path = f"/api/conversations/{made.json()['id']}/messages"
        self.acknowledged = 0
        self.over = threading.Event()

    def go(self) -> None:
        while not self.over.is_set():
            number = str(self.acknowledged)
            while not self._say(number):
                time.sleep(0.05)
            self.acknowledged += 1

    def _say(self, number: str) -> bool:
        answer = self.client.post(self.path, json={"content": number, "client_id": number})
        assert answer.status_code in (200, 201, 503), answer.text
        return answer.is_success

    def found(self) -> list[str]:
        said: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.client.get(self.path, params={"limit": "200", **cursor}).raise_for_status().json()
            said += [message["content"] for message in page["items"]]
            if page["next_cursor"] is None:
                return said
            cursor = {"cursor": page["next_cursor"]}


def acknowledged(writers: list[Writer], more: int) -> None:
    """Waits until they have written so many messages more."""
    enough = sum(writer.acknowledged for writer in writers) + more
    until(lambda: sum(writer.acknowledged for writer in writers) >= enough)


def kill_another(data: Path, before: int | None, how: signal.Signals = signal.SIGKILL) -> int:
    """Ends the postmaster, as soon as it is another one than the one before."""
    while (process := postmaster(data)) in (None, before):
        time.sleep(0.005)
    assert process is not None
    os.kill(process, how)
    return process


def test_a_database_that_dies_comes_back_with_everything(
    environment: dict[str, str], data: Path, record_property: Callable[[str, object], None]
) -> None:
    here = {**environment, **as_environment(GENEROUS), "DATA_DIR": str(data)}
    chance = random.Random(8)
    with serving(here) as (address, server), ThreadPoolExecutor(3) as executor:
        registered = httpx.post(f"{address}/api/auth/register", json=ACCOUNT, timeout=60)
        token = registered.json()["access_token"]
        client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        with client:
            writers = [Writer(client) for _ in range(3)]
            running = [executor.submit(writer.go) for writer in writers]
            try:
                killed = [kill_another(data, None)]
                for number in range(1, KILLS):
                    if number % 2:  # while it works, and in order: it leaves no trace of its port
                        acknowledged(writers, chance.randrange(1, 30))
                        killed.append(kill_another(data, killed[-1], signal.SIGINT))
                    else:  # while it starts
                        killed.append(kill_another(data, killed[-1]))
                until(
                    lambda: postmaster(data) not in (None, killed[-1])
                )  # or they still go to the one before
                acknowledged(writers, 10)
            finally:
                for writer in writers:
                    writer.over.set()
            for one in running:
                one.result()
            assert len(set(killed)) == KILLS
            assert client.get("/readyz").status_code == 200
            for writer in writers:
                assert writer.found() == [str(number) for number in range(writer.acknowledged)]
        record_property("messages lost or doubled", (0, sum(writer.acknowledged for writer in writers)))
        server.terminate()
        assert server.wait() == 0
    assert not (data / "postgres/cluster/postmaster.pid").exists()


@contextmanager
def held(data: Path) -> Iterator[None]:
    """All processes of the database stand still: they live, and answer nothing."""
    first = postmaster(data)
    assert first is not None
    os.kill(first, signal.SIGSTOP)  # so that it makes no more of them
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    try:
        for child in children:
            os.kill(int(child), signal.SIGSTOP)
        yield
    finally:
        for process in (*map(int, children), first):
            os.kill(process, signal.SIGCONT)


def test_a_database_that_hangs_is_waited_for(environment: dict[str, str], data: Path) -> None:
    here = {**environment, "DATA_DIR": str(data), "DATABASE_TIMEOUT": "2"}
    with talking(here) as (address, server, said), httpx.Client(base_url=address, timeout=60) as client:
        registered = client.post("/api/auth/register", json=ACCOUNT)
        client.headers["Authorization"] = f"Bearer {registered.json()['access_token']}"
        paths = ("/readyz", "/api/conversations")
        assert [client.get(path).status_code for path in paths] == [200, 200]
        with held(data):
            until(lambda: client.get("/readyz").status_code == 503)  # it remembers a good answer for a while
            for path in paths:
                refused = client.get(path)
                assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
                assert int(refused.headers["Retry-After"]) > 0
            assert client.get("/healthz").status_code == 200
        until(lambda: [client.get(path).status_code for path in paths] == [200, 200])
        server.terminate()
        assert server.wait() == 0
    lost = [json.loads(line) for line in said if '"database.lost"' in line]
    assert lost[0]["silent"] is True


def test_a_database_that_cannot_come_back_ends_the_server(environment: dict[str, str], data: Path) -> None:
    with talking({**environment, "DATA_DIR": str(data)}) as (_, server, said):
        (data / "postgres/cluster/postgresql.conf").write_text("nonsense = 1\n")
        kill_another(data, None)
        assert server.wait() == 2
    assert f"chat-history: PostgreSQL does not start in {data}." in "".join(said)
    assert "nonsense" in "".join(said)


def test_a_database_whose_place_is_taken_ends_the_server(environment: dict[str, str], data: Path) -> None:
    with talking({**environment, "DATA_DIR": str(data)}) as (_, server, said):
        port = int((data / "postgres/cluster/postmaster.pid").read_text().splitlines()[3])
        server.send_signal(signal.SIGSTOP)  # or it would be there first
        kill_another(data, None)
        with closing(bound(port)):
            server.send_signal(signal.SIGCONT)
            assert server.wait() == 2
    assert f"The PostgreSQL of {data} died, and another program has taken its port." in said[-1]
    assert not (data / "postgres/cluster/postmaster.pid").exists()


def bound(port: int) -> socket.socket:
    """A listener there, as soon as there is none any more."""
    while True:
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))


def test_what_cannot_be_served_starts_no_database(environment: dict[str, str], data: Path) -> None:
    here = {**environment, "DATA_DIR": str(data)}
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        for change, sentence in (
            ({"CHAT_MODEL": "foo:bar"}, "CHAT_MODEL"),
            ({"CHAT_MODEL": "openai:gpt"}, "OPENAI_API_KEY: needed"),
            ({"PORT": port}, f"PORT: cannot listen on 127.0.0.1:{port}"),
            ({"HOST": "256.1.1.1"}, "HOST: 256.1.1.1 is no address. Choose"),
            ({"HOST": "192.0.2.1"}, "HOST: 192.0.2.1 is not this machine's"),
            ({"HOST": ".."}, "HOST: .. is no address."),
        ):
            ended = run({**here, **change}, "serve")
            assert (ended.returncode, sentence in ended.stderr) == (2, True), ended.stderr
            assert ended.stderr.count("\n") == 1
    assert not data.exists()


def test_an_address_of_version_6_is_written_with_brackets(configured: dict[str, str]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving({**configured, "HOST": "::1"}) as (address, _):
        assert address.startswith("http://[::1]:")


def test_the_keys_of_an_issuer_are_fetched_once(
    configured: dict[str, str], serve_with: Callable[..., AbstractContextManager[Service]]
) -> None:
    token = jwt.encode(GOOD_CLAIMS, PRIVATE["EdDSA"], "EdDSA", headers={"kid": "k1"})
    headers = {"Authorization": f"Bearer {token}"}
    with publishing(key_set(jwk(PRIVATE["EdDSA"], "k1"))) as issuer:
        with serving({**configured, "JWT_JWKS_URL": issuer.url, "JWT_ISSUER": ISSUER}) as (address, _):
            assert httpx.get(f"{address}/api/auth/me", headers=headers, timeout=60).status_code == 200
        assert issuer.requests == 1
        with serve_with(jwt_jwks_url=issuer.url, jwt_issuer=ISSUER) as service:
            assert service.client(token).get("/api/auth/me").status_code == 200
        assert issuer.requests == 2


def test_processes_that_need_the_first_secret_at_once_get_the_same(tmp_path: Path) -> None:
    rounds = 50
    with ThreadPoolExecutor(8) as executor:
        for number in range(rounds):
            directory = tmp_path / str(number)
            directory.mkdir()
            together = threading.Barrier(8)

            def ask(directory: Path = directory, together: threading.Barrier = together) -> str:
                together.wait()
                return own_secret(directory)

            [secret] = {one.result() for one in [executor.submit(ask) for _ in range(8)]}
            assert len(secret) == 64
            assert [path.name for path in directory.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("damaged", [b"", b"cut short", b"\xff" * 64])
def test_a_damaged_secret_is_named(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(damaged)
    with pytest.raises(SetupError, match=rf"{tmp_path}/secret_key is damaged"):
        own_secret(tmp_path)
    (tmp_path / "secret_key").unlink()
    secret = own_secret(tmp_path)
    assert own_secret(tmp_path) == secret
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_an_answer_that_came_while_the_process_was_frozen_is_no_silence(
    configured: dict[str, str], postgres: Postgres
) -> None:
    """As a paused container is. When it goes on, its timers run before its sockets are looked at."""
    with (
        proxied(postgres) as proxy,
        serving({**configured, "DATABASE_URL": proxy.text, "DATABASE_TIMEOUT": "3"}) as (address, server),
        httpx.Client(base_url=address, timeout=60) as client,
        ThreadPoolExecutor(1) as executor,
    ):
        token = client.post("/api/auth/register", json=ACCOUNT).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for number in range(3):
            todo = f"milk {number}"
            proxy.delay(todo.encode())
            asked = executor.submit(client.post, "/api/todos", json={"title": todo})
            until(lambda todo=todo: todo.encode() in proxy.said)  # type: ignore[misc]  # bound to this one
            server.send_signal(signal.SIGSTOP)
            answered = proxy.answered
            proxy.release()
            until(lambda answered=answered: proxy.answered > answered)  # type: ignore[misc]  # bound to this one
            time.sleep(4)  # this is the fault
            server.send_signal(signal.SIGCONT)
            assert asked.result().status_code == 201, asked.result().text
        assert len(client.get("/api/todos").json()["items"]) == 3


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="a machine without IPv6")
def test_every_address_is_also_those_of_ipv4_and_a_proxy_there_is_believed(
    configured: dict[str, str],
) -> None:
    here = {**configured, "HOST": "::", "SIGN_INS_PER_MINUTE": "1"}
    with serving(here) as (address, _):
        assert address.startswith("http://[::]:")
        statuses = []
        for client in ("192.0.2.1", "192.0.2.2", "192.0.2.2"):
            answer = httpx.post(
                f"{address.replace('[::]', '127.0.0.1')}/api/auth/token",
                data={"username": "a@example.com", "password": "wrong"},
                headers={"X-Forwarded-For": client},
                timeout=60,
            )
            statuses.append(answer.status_code)
    assert statuses == [401, 401, 429]
