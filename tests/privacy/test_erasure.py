"""The end of an account: meant, whole, and for good."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import httpx
import jwt

from api.test_external_issuer import ISSUER, KEY, token
from assistants_for_tests import Scripted
from database_for_tests import held, waiting_for_locks
from support import Service, User, until
from turns.reading import Event, kinds, streaming, text

from .test_coverage import PASSWORD, erased, owned, settled

Serve = Callable[..., AbstractContextManager[Service]]
ME = "/api/auth/me"
ALICE = "auth0|alice"


def erase(client: httpx.Client, confirmation: str) -> httpx.Response:
    return client.request("DELETE", ME, json={"confirmation": confirmation})


def test_only_who_knows_the_password_erases(service: Service) -> None:
    alice = settled(service, "alice@example.com")
    before = owned(service.postgres)
    for wrong in ("wrong horse battery", "alice@example.com", str(alice.id), alice.token[:256]):
        refused = erase(alice.client, wrong)
        assert (refused.status_code, refused.json()["code"]) == (403, "confirmation_wrong")
    assert alice.delete(ME).status_code == 422
    assert owned(service.postgres) == before
    assert erased(alice) == before
    assert set(owned(service.postgres).values()) == {0}


def test_from_then_on_its_tokens_are_refused_by_every_operation(service: Service) -> None:
    alice = settled(service, "alice@example.com")
    form = {"username": "alice@example.com", "password": PASSWORD}
    other = service.client(service.client().post("/api/auth/token", data=form).json()["access_token"])
    conversation = alice.conversation()
    asked = (
        ("GET", ME, None),
        ("GET", f"{ME}/export", None),
        ("DELETE", ME, {"confirmation": PASSWORD}),
        ("GET", "/api/conversations", None),
        ("GET", f"/api/conversations/{conversation}", None),
        ("GET", "/api/todos", None),
        ("GET", "/api/search?q=milk", None),
        ("POST", "/api/chat/start", None),
        ("POST", f"/api/chat/{conversation}/message", {"message": "add milk"}),
    )
    for client in (alice.client, other):
        assert all(
            client.request(method, path).status_code == 200 for method, path, _ in asked if method == "GET"
        )
    erased(alice)
    for client in (alice.client, other):
        for method, path, body in asked:
            assert client.request(method, path, json=body).status_code == 401, path
    assert service.client().post("/api/auth/token", data=form).status_code == 401
    assert set(owned(service.postgres).values()) == {0}


def test_its_address_may_be_used_again_by_somebody_who_finds_nothing(service: Service) -> None:
    before = settled(service, "alice@example.com")
    erased(before)
    body = {"email": "alice@example.com", "password": PASSWORD}
    made = service.client().post("/api/auth/register", json=body).raise_for_status().json()
    after = service.client(made["access_token"])
    assert after.get(ME).json()["id"] != before.id
    assert after.get("/api/conversations").json()["items"] == []
    assert before.get(ME).status_code == 401


def test_a_running_reply_ends_with_an_error_and_nothing_comes_back(serve_with: Serve) -> None:
    assistant = Scripted("One, ", "two, ", "three.", waits=True)
    with serve_with(assistant) as service:
        alice = newcomer(service)
        session = alice.conversation()
        with streaming(alice, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            shown: list[Event] = []
            while text(shown) != "One, two, ":
                shown.append(next(events))
            counted = erased(alice)
            rest = list(events)
        assert counted == {"conversation": 1, "message": 2, "todo": 0, "user": 1}
        assert kinds(rest)[-1] == "error"
        until(lambda: service.app.state.services.turns.running == 0)
        assert set(owned(service.postgres).values()) == {0}


def newcomer(service: Service) -> User:
    """A user who can confirm, and has nothing."""
    account = {"email": "alice@example.com", "password": PASSWORD}
    made = service.client().post("/api/auth/register", json=account).raise_for_status().json()
    client = service.client(made["access_token"])
    return User(client.get(ME).json()["id"], made["access_token"], client)


def test_what_is_written_at_the_same_time_is_counted_or_refused(service: Service) -> None:
    alice = settled(service, "alice@example.com")
    conversation = alice.conversation()
    stop = False

    def write(number: int) -> set[int]:
        client = service.client(alice.token)
        paths: tuple[tuple[str, dict[str, str]], ...] = (
            ("/api/todos", {"title": "more"}),
            ("/api/conversations", {}),
            (f"/api/conversations/{conversation}/messages", {"content": "more"}),
            (f"/api/chat/{conversation}/message", {"message": "list"}),
        )
        path, body = paths[number % len(paths)]
        statuses = set()
        while not stop:
            statuses.add(client.post(path, json=body).status_code)
        return statuses

    with ThreadPoolExecutor(8) as executor:
        writers = [executor.submit(write, number) for number in range(8)]
        until(lambda: owned(service.postgres)["message"] > 60)
        counted = erased(alice)
        stop = True
        statuses = set().union(*(writer.result() for writer in writers))
    assert statuses <= {200, 201, 401, 404, 409, 429}
    assert {201, 401} <= statuses
    assert counted["message"] > 60
    until(lambda: service.app.state.services.turns.running == 0)
    assert set(owned(service.postgres).values()) == {0}


def test_two_erasures_at_once_are_one(service: Service) -> None:
    alice = settled(service, "alice@example.com")
    before = owned(service.postgres)
    clients = [service.client(alice.token) for _ in range(4)]
    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(lambda client: erase(client, PASSWORD), clients))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    [done] = [answer.json() for answer in answers if answer.is_success]
    assert done == before


def test_of_two_erasures_that_wait_for_each_other_the_second_finds_nobody(service: Service) -> None:
    alice = settled(service, "alice@example.com")
    clients = [service.client(alice.token) for _ in range(2)]
    with ThreadPoolExecutor(2) as executor:
        with held(service.postgres, alice.id):
            answers = [executor.submit(erase, client, PASSWORD) for client in clients]
            until(lambda: waiting_for_locks(service.postgres) == 2)
        assert sorted(answer.result().status_code for answer in answers) == [200, 401]


def test_a_token_of_before_makes_no_new_account_and_a_newer_one_does(serve_with: Serve) -> None:
    hour_ago = int(time.time()) - 3_600
    with serve_with(**ISSUER) as service:
        old = service.client(token(iat=hour_ago))
        assert old.post("/api/todos", json={"title": "milk"}).status_code == 201
        assert erase(old, "alice@example.com").status_code == 403
        assert erase(old, ALICE).json() == {"user": 1, "todo": 1, "conversation": 0, "message": 0}
        timeless = jwt.decode(token(), options={"verify_signature": False})
        del timeless["iat"]
        silent = service.client(jwt.encode(timeless, KEY, "EdDSA"))
        for client in (old, service.client(token(iat=hour_ago, jti="another")), service.client(token())):
            assert client.get(ME).status_code == 401
        assert silent.get(ME).status_code == 401
        assert service.postgres.value('SELECT count(*) FROM "user"') == 0
        [(left,)] = service.postgres.rows("SELECT subject_hash FROM departure")
        assert len(left) == 32
    with serve_with(**ISSUER) as service:  # which never saw her
        assert service.client(token(iat=hour_ago)).get(ME).status_code == 401
        service.postgres.rows("UPDATE departure SET created_at = created_at - interval '30 minutes'")
        assert service.client(token(iat=hour_ago)).get(ME).status_code == 401
        new = service.client(token())
        assert new.get(ME).json()["subject"] == ALICE
        assert new.get("/api/todos").json()["items"] == []
        assert service.client(token(sub="auth0|bob")).get(ME).status_code == 200
        assert erase(new, ALICE).json()["user"] == 1
        assert new.get(ME).status_code == 401
        assert service.client(token()).get(ME).status_code == 401
        assert service.postgres.value("SELECT count(*) FROM departure") == 2
