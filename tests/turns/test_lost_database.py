"""Replies while the database is away: readers see no gap, and what is kept is all there is to keep."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from assistants_for_tests import Scripted
from proxy import Proxy, proxied
from support import Postgres, Service
from turns.reading import streaming, text

Serve = Callable[..., AbstractContextManager[Service]]
Outage = Callable[[], None]


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[Proxy]:
    with proxied(postgres) as proxy:
        yield proxy


@pytest.fixture
def outage(proxy: Proxy, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Outage:
    """Takes the database away, and returns when a statement of a writer or a follower has met that."""
    monkeypatch.setattr("app.watch.LOOK_SECONDS", 3_600)  # which would meet it too

    def begin() -> None:
        caplog.clear()  # first: what is said between the two may be all that is ever said
        proxy.refuse()
        while "database.lost" not in caplog.messages:
            time.sleep(0.005)

    caplog.set_level(logging.ERROR)
    return begin


def test_what_could_not_be_flushed_is_stored_when_the_database_is_back(
    serve_with: Serve, proxy: Proxy, outage: Outage
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant, database_url=proxy.text) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            while next(events)["type"] != "text-delta":
                pass
            outage()
            proxy.accept()
            assistant.go()
            assert text(list(events)) == "two."
        reply = user.messages(session)[1]
    assert (reply["status"], reply["content"]) == ("complete", "One, two.")


def test_a_reply_that_ends_while_the_database_is_away_is_stored_when_it_is_back(
    serve_with: Serve, proxy: Proxy, outage: Outage
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant, database_url=proxy.text) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            while next(events)["type"] != "text-delta":
                pass
            outage()
            assistant.go()
            while next(events)["type"] != "text-delta":
                pass
            outage()
            proxy.accept()
            assert list(events)[-1]["type"] == "finish"
        reply = user.messages(session)[1]
    assert (reply["status"], reply["content"]) == ("complete", "One, two.")


def test_a_reply_whose_end_cannot_be_stored_has_failed_for_its_readers(
    serve_with: Serve, proxy: Proxy, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.turns.writer.LAST_SECONDS", 0)
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant, database_url=proxy.text) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            while next(events)["type"] != "text-delta":
                pass
            outage()
            assistant.go()
            assert list(events)[-1] == {"type": "error", "errorText": "database_unavailable"}
        proxy.accept()
        assert "chat_turns_running 0.0" in user.get("/metrics").text
        assert user.messages(session)[1]["status"] == "streaming"  # until its lease has run out


def test_an_opening_whose_answer_is_lost_is_found_and_written(
    service: Service, serve_with: Serve, proxy: Proxy
) -> None:
    assistant = Scripted("One, ", "two.")
    with serve_with(assistant, database_url=proxy.text) as faulty:
        user = faulty.user("a@example.com")
        path = f"/api/chat/{user.conversation()}"
        proxy.trap(b"Go, and lose the answer", "answer")
        answer = user.post(f"{path}/message", {"message": "Go, and lose the answer"})
        assert (answer.status_code, answer.json()["reply"]["content"]) == (200, "One, two.")
        assert user.get(f"{path}/history").json() == service.user_of(user.id).get(f"{path}/history").json()
    assert len(assistant.prompts) == 1


@pytest.mark.parametrize("returns", [True, False])
def test_who_follows_from_another_process_waits_for_the_database_within_reason(
    serve_with: Serve, proxy: Proxy, outage: Outage, returns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not returns:
        monkeypatch.setattr("app.turns.follower.PATIENCE", 1)
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, serve_with(database_url=proxy.text) as other:
        user = service.user("a@example.com")
        path = f"/api/chat/{user.conversation()}"
        with streaming(user, f"{path}/message", {"message": "Go"}) as events:
            next(events)
            with streaming(other.user_of(user.id), f"{path}/stream", method="GET") as followed:
                shown = [next(followed)]
                while text(shown) != "One, ":
                    shown.append(next(followed))
                outage()
                if returns:
                    proxy.accept()
                    assistant.go()
                shown += list(followed)
            assistant.go()
            assert list(events)[-1]["type"] == "finish"
    if returns:
        assert (text(shown), shown[-1]["type"]) == ("One, two.", "finish")
    else:
        assert shown[-1] == {"type": "error", "errorText": "database_unavailable"}
