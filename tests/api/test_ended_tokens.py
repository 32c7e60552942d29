"""What ends tokens before they expire: another password, signing out, the end of the account. And expiry."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import jwt
import pytest

from app import tokens
from app.logs import Json
from assistants_for_tests import Scripted
from database_for_tests import held, pausing, waiting_for_locks
from isolation.operations import operations
from support import SECRET, Postgres, Service, User, restored_before, until
from turns.reading import Event, streaming

Serve = Callable[..., AbstractContextManager[Service]]

OLD, NEW = "correct horse battery", "staple correct horse"
EMAIL = "alice@example.com"
ERRORS = (
    {"type": "error", "errorText": "not_authenticated"},
    {"type": "error", "errorText": "conversation_not_found"},
)
"""The second one is what a reader sees who looks at the row before anybody looks for the account."""


@contextmanager
def closing(assistant: Scripted) -> Iterator[None]:
    """Lets a reply end with the test."""
    try:
        yield
    finally:
        assistant.go()


def sign_in(service: Service, password: str = OLD) -> str | None:
    answer = service.client().post("/api/auth/token", data={"username": EMAIL, "password": password})
    return str(answer.json()["access_token"]) if answer.is_success else None


def registered(service: Service) -> User:
    account = {"email": EMAIL, "password": OLD}
    token = service.client().post("/api/auth/register", json=account).json()["access_token"]
    client = service.client(token)
    return User(client.get("/api/auth/me").json()["id"], token, client)


def change(user: User) -> str:
    answer = user.post("/api/auth/password", {"current_password": OLD, "new_password": NEW})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def sign_out(user: User) -> None:
    assert user.post("/api/auth/sign-out").status_code == 204


def refusals(service: Service, token: str, conversation: int) -> set[int]:
    """What a token that has ended is answered with, by every operation of the document that asks for one."""
    client = service.client(token)
    asked = [one for one in operations(client.get("/openapi.json").json()) if one.needs_token]
    assert len(asked) > 20
    return {one.call(client, dict.fromkeys(one.tables, str(conversation))).status for one in asked}


def statuses(service: Service, token: str, conversation: int) -> set[int]:
    """What a good token is answered with in each kind of way: with and without an id, reading and writing."""
    client = service.client(token)
    return {
        client.get("/api/auth/me").status_code,
        client.get("/api/conversations").status_code,
        client.get(f"/api/conversations/{conversation}").status_code,
        client.get(f"/api/chat/{conversation}/history").status_code,
        client.get("/api/todos").status_code,
        client.get("/api/search", params={"q": "milk"}).status_code,
        client.patch(f"/api/conversations/{conversation}", json={"pinned": True}).status_code,
        client.post(f"/api/chat/{conversation}/message", json={"message": "Hello"}).status_code,
        client.post(f"/api/chat/{conversation}/regenerate").status_code,
        client.post(f"/api/chat/{conversation}/stop").status_code,
    }


def test_another_password_ends_every_token_in_every_process_but_the_one_it_is_answered_with(
    service: Service, serve_with: Serve
) -> None:
    with serve_with() as elsewhere:
        alice = registered(service)
        tokens = [alice.token, sign_in(service), sign_in(elsewhere)]
        conversation = alice.conversation()
        processes = (service, elsewhere)
        for old in tokens:
            assert old is not None
            assert [statuses(process, old, conversation) for process in processes] == [{200}, {200}]
        new = change(alice)
        for old in tokens:
            assert old is not None
            assert [refusals(process, old, conversation) for process in processes] == [{401}, {401}]
        assert [statuses(process, new, conversation) for process in processes] == [{200}, {200}]
        assert sign_in(elsewhere, OLD) is None
        again = sign_in(elsewhere, NEW)
        assert again is not None
        assert statuses(service, again, conversation) == {200}


def test_the_current_password_is_needed(service: Service) -> None:
    alice = registered(service)
    body = {"current_password": NEW, "new_password": "a third password"}
    refused = alice.post("/api/auth/password", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "password_wrong")
    assert alice.get("/api/auth/me").status_code == 200
    assert sign_in(service) is not None
    short = alice.post("/api/auth/password", {"current_password": OLD, "new_password": "short"})
    assert [fault["code"] for fault in short.json()["errors"]] == ["password_too_short"]
    assert service.client().post("/api/auth/password", json=body).status_code == 401


def test_of_two_changes_at_once_the_second_comes_with_a_token_that_has_ended(service: Service) -> None:
    alice = registered(service)
    body = {"current_password": OLD, "new_password": NEW}
    clients = [service.client(alice.token) for _ in range(2)]
    with ThreadPoolExecutor(2) as executor:
        with held(service.postgres, alice.id):
            answers = [executor.submit(client.post, "/api/auth/password", json=body) for client in clients]
            until(lambda: waiting_for_locks(service.postgres) == 2)
        assert sorted(answer.result().status_code for answer in answers) == [200, 401]


def test_signing_out_is_refused_where_another_password_was_quicker(service: Service) -> None:
    """Else whoever signed out everywhere would not know of the token that the change was answered with."""
    alice = registered(service)
    body = {"current_password": OLD, "new_password": NEW}
    with ThreadPoolExecutor(2) as executor:
        with held(service.postgres, alice.id):
            changing = executor.submit(alice.post, "/api/auth/password", body)
            until(lambda: waiting_for_locks(service.postgres) == 1)
            leaving = executor.submit(service.client(alice.token).post, "/api/auth/sign-out")
            until(lambda: waiting_for_locks(service.postgres) == 2)
        assert (changing.result().status_code, leaving.result().status_code) == (200, 401)
    new = service.client(changing.result().json()["access_token"])
    assert new.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize("operation", ["password", "erasure"])
def test_an_account_that_is_deleted_meanwhile_has_no_credentials(service: Service, operation: str) -> None:
    alice = registered(service)
    with ThreadPoolExecutor(1) as executor:
        with pausing(service.postgres):
            if operation == "password":
                body = {"current_password": OLD, "new_password": NEW}
                asked = executor.submit(alice.post, "/api/auth/password", body)
            else:
                asked = executor.submit(
                    alice.client.request, "DELETE", "/api/auth/me", json={"confirmation": OLD}
                )
            until(lambda: waiting_for_locks(service.postgres) == 1)
            service.postgres.rows('DELETE FROM "user" WHERE id = %s', alice.id)
        assert (asked.result().status_code, asked.result().json()["code"]) == (401, "not_authenticated")


def test_signing_out_ends_every_token_and_keeps_the_password(service: Service) -> None:
    alice = registered(service)
    other = sign_in(service)
    assert other is not None
    bob = service.user("bob@example.com")
    sign_out(alice)
    for ended in (alice.token, other):
        assert service.client(ended).get("/api/auth/me").status_code == 401
    assert sign_in(service) is not None
    assert bob.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize("end", [change, sign_out, None], ids=["password", "sign-out", "deletion"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in one process", "through another process"])
def test_a_running_stream_ends_with_an_error(
    serve_with: Serve, end: Callable[[User], object] | None, elsewhere: bool
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as writing, serve_with() as other, closing(assistant):
        alice, bob = registered(writing), writing.user("bob@example.com")
        reading = (other if elsewhere else writing).client(alice.token)
        path = f"/api/chat/{alice.conversation()}"
        with streaming(alice, f"{path}/message", {"message": "Count"}) as asked:
            shown(asked, "One, ")
            with streaming(User(alice.id, alice.token, reading), f"{path}/stream", method="GET") as events:
                shown(events, "One, ")
                if end is None:
                    writing.postgres.rows('DELETE FROM "user" WHERE id = %s', alice.id)
                else:
                    end(User(alice.id, alice.token, other.client(alice.token)))
                for ending in (list(asked), list(events)):
                    assert ending[-1] in ERRORS, ending
        assert bob.get("/api/auth/me").status_code == 200


def test_a_reply_that_is_waited_for_is_refused_and_stored(serve_with: Serve) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, ThreadPoolExecutor() as executor, closing(assistant):
        alice = registered(service)
        path = f"/api/chat/{alice.conversation()}"
        waiting = executor.submit(alice.post, f"{path}/message", {"message": "Count"})
        until(lambda: len(assistant.prompts) == 1)
        new = service.client(change(User(alice.id, alice.token, service.client(alice.token))))
        assert waiting.result().status_code == 401
        assistant.go()
        until(lambda: new.get(f"{path}/history").json()["items"][-1]["status"] != "streaming")
        assert new.get(f"{path}/history").json()["items"][-1]["content"] == "One, two."


def test_the_streams_of_others_go_on(serve_with: Serve) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service:
        alice, bob = registered(service), service.user("bob@example.com")
        question = {"message": "Count"}
        with (
            streaming(bob, f"/api/chat/{bob.conversation()}/message", question) as his,
            streaming(alice, f"/api/chat/{alice.conversation()}/message", question) as hers,
        ):
            for events in (his, hers):
                shown(events, "One, ")
            change(User(alice.id, alice.token, service.client(alice.token)))
            # By the time that hers has ended, somebody has looked at his as well.
            assert list(hers)[-1] in ERRORS
            assistant.go()
            assert list(his)[-1]["type"] == "finish"


def test_a_look_that_goes_wrong_is_not_the_last_and_of_no_request(
    serve_with: Serve,
    postgres: Postgres,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", Json())
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, closing(assistant):
        alice = registered(service)
        with streaming(alice, f"/api/chat/{alice.conversation()}/message", {"message": "Count"}) as events:
            postgres.rows("ALTER FUNCTION ended_accounts RENAME TO elsewhere")
            shown(events, "One, ")
            until(lambda: "watch.failed" in caplog.messages)
            postgres.rows("ALTER FUNCTION elsewhere RENAME TO ended_accounts")
            sign_out(alice)
            assert list(events)[-1] in ERRORS
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    assert {"request_id" in line for line in lines if line["event"] == "watch.failed"} == {False}


def test_a_token_that_expires_is_good_for_what_it_has_begun_and_nothing_else(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, ThreadPoolExecutor() as executor, closing(assistant):
        alice, bob = service.user(EMAIL), service.user("bob@example.com")
        conversation, question = alice.conversation(), {"message": "Count", "client_id": "count"}
        path = f"/api/chat/{conversation}"
        waiting = executor.submit(service.client(alice.token).post, f"{path}/message", json=question)
        until(lambda: len(assistant.prompts) == 1)
        with (
            streaming(alice, f"{path}/message", question) as asked,
            streaming(alice, f"{path}/stream", method="GET") as taken_up,
            streaming(bob, f"/api/chat/{bob.conversation()}/message", question) as his,
        ):
            for events in (asked, taken_up, his):
                shown(events, "One, ")
            sign_out(bob)
            monkeypatch.setattr(service.app.state.services.verifier, "_clock", lambda: time.time() + 7_200)
            assert refusals(service, alice.token, conversation) == {401}
            assert alice.get(f"{path}/stream").status_code == 401
            # By the time that his has ended, somebody has looked at hers as well.
            assert list(his)[-1] in ERRORS
            fresh = service.client(tokens.issue(alice.id, SECRET, 86_400, time.time()))
            with streaming(User(alice.id, "", fresh), f"{path}/stream", method="GET") as again:
                shown(again, "One, ")
                assistant.go()
                assert [list(events)[-1]["type"] for events in (asked, taken_up, again)] == ["finish"] * 3
        assert waiting.result().json()["reply"]["content"] == "One, two."
        assert fresh.get(f"{path}/history").json()["items"][-1]["content"] == "One, two."


def shown(events: Iterator[Event], text: str) -> None:
    """Reads until the text has come."""
    while next(events).get("delta") != text:
        pass


def test_the_token_of_a_deleted_account_ends_wherever_it_is_used(service: Service, serve_with: Serve) -> None:
    with serve_with() as elsewhere:
        alice = registered(service)
        conversation = alice.conversation()
        for process in (service, elsewhere):
            assert statuses(process, alice.token, conversation) == {200}
        service.postgres.rows('DELETE FROM "user" WHERE id = %s', alice.id)
        for process in (service, elsewhere):
            assert refusals(process, alice.token, conversation) == {401}


def test_whoever_has_an_id_again_after_a_restore_is_not_who_had_it_before(service: Service) -> None:
    """A backup is restored that knows nothing of an account; the next account that is made has its id."""
    lost = registered(service)
    restored_before(service.postgres, lost.id)
    found = registered(service)
    assert found.id == lost.id
    conversation = found.conversation()
    assert refusals(service, lost.token, conversation) == {401}
    assert found.get(f"/api/conversations/{conversation}").status_code == 200


def test_a_generation_that_is_none_is_refused(service: Service) -> None:
    alice = service.user("alice@example.com")
    claims = jwt.decode(alice.token, SECRET, ["HS256"])
    for generation, status in (
        (0, 200),
        (1, 401),
        (-1, 401),
        (True, 401),
        ("0", 401),
        (0.0, 401),
        (2**63, 401),
    ):
        token = jwt.encode({**claims, "gen": generation}, SECRET, "HS256")
        assert service.client(token).get("/api/auth/me").status_code == status, generation
