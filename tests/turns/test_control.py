"""Stop, resume and regenerate, in the process that writes the reply and in another one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from assistants_for_tests import Scripted
from support import Service, User
from turns.reading import Event, kinds, known, streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]


@dataclass
class Two:
    """A user of two servers on one database; the first one's assistant waits before its last line."""

    assistant: Scripted
    here: User
    there: User
    session: int
    executor: ThreadPoolExecutor

    def ask(self, message: str = "Go") -> object:
        return self.here.post(f"/api/chat/{self.session}/message", {"message": message}).json()


@pytest.fixture
def two(service: Service, serve_with: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    # A stop that the other process is slow to hear is waited for.
    monkeypatch.setattr("app.turns.turns.STOP_SECONDS", 60)
    assistant = Scripted("One, ", "two, ", "three.", waits=True)
    with (
        serve_with(assistant) as one,
        serve_with(Scripted("Other")) as other,
        ThreadPoolExecutor(2) as executor,
    ):
        here = one.user("a@example.com")
        there = other.user_of(here.id)
        yield Two(assistant, here, there, here.conversation(), executor)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_stop_keeps_what_was_shown(two: Two, elsewhere: bool) -> None:
    path = f"/api/chat/{two.session}"
    with streaming(two.here, f"{path}/message", {"message": "Go"}) as events:
        shown: list[Event] = []
        while text(shown) != "One, two, ":
            shown.append(next(events))
        stopped = (two.there if elsewhere else two.here).post(f"{path}/stop").json()
        rest = list(events)
    assert stopped["success"] is True
    assert (stopped["reply"]["status"], stopped["reply"]["content"]) == ("stopped", "One, two, ")
    assert kinds(rest) == ["text-end", "finish-step", "message-metadata", "abort"]
    assert two.here.messages(two.session)[1] == stopped["reply"]
    assert two.there.post(f"{path}/stop").json() == {"success": True, "reply": None}


@pytest.mark.parametrize("elsewhere", [False, True])
def test_whoever_comes_back_reads_from_the_beginning(two: Two, elsewhere: bool) -> None:
    path = f"/api/chat/{two.session}"
    back = two.there if elsewhere else two.here
    with streaming(two.here, f"{path}/message", {"message": "Go"}) as first:
        while next(first)["type"] != "text-delta":
            pass
    with streaming(back, f"{path}/stream", method="GET") as events:
        shown: list[Event] = []
        while text(shown) != "One, two, ":
            shown.append(next(events))
        assert shown[0]["type"] == "start"
        live = back.get("/api/chat/live").json()["items"]
        assert [(item["conversation_id"], str(item["reply_id"])) for item in live] == [
            (two.session, shown[0]["messageId"])
        ]
        two.assistant.go()
        shown += list(events)
    assert text(shown) == "One, two, three."
    assert shown[-1]["type"] == "finish"
    assert back.get(f"{path}/stream").status_code == 204
    assert back.get("/api/chat/live").json()["items"] == []


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_second_tab_is_told_where_to_read(two: Two, elsewhere: bool) -> None:
    path = f"/api/chat/{two.session}"
    other = two.there if elsewhere else two.here
    with streaming(two.here, f"{path}/message", {"message": "Go"}) as events:
        reply_id = int(next(events)["messageId"])
        for refused in (
            other.post(f"{path}/message", {"message": "Me too"}),
            other.post(f"{path}/regenerate"),
        ):
            assert refused.status_code == 409
            assert refused.json()["code"] == "turn_in_progress"
            assert (refused.json()["reply_id"], refused.json()["resume"]) == (reply_id, f"{path}/stream")
        two.assistant.go()
        list(events)
    assert two.here.messages(two.session) == two.there.messages(two.session)
    assert len(two.here.messages(two.session)) == 2


def test_a_retry_elsewhere_joins_the_running_reply(two: Two) -> None:
    body = {"message": "Go", "client_id": "q-1"}
    path = f"/api/chat/{two.session}/message"
    with streaming(two.here, path, body) as events:
        start = next(events)
        joined = two.executor.submit(streamed, two.there, path, body)
        waiting = two.executor.submit(two.there.post, path, body)
        two.assistant.go()
        shown = text(list(events))
    assert joined.result()[0] == start
    assert text(joined.result()) == shown == "One, two, three."
    assert waiting.result().json()["reply"]["content"] == shown
    assert len(two.assistant.prompts) == 1


def test_a_stranger_cannot_stop_read_or_regenerate(two: Two, service: Service) -> None:
    path = f"/api/chat/{two.session}"
    stranger = service.user("mallory@example.com")
    with streaming(two.here, f"{path}/message", {"message": "Go"}) as events:
        next(events)
        for refused in (
            stranger.post(f"{path}/stop"),
            stranger.get(f"{path}/stream"),
            stranger.post(f"{path}/regenerate"),
        ):
            assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_found")
        assert stranger.get("/api/chat/live").json()["items"] == []
        two.assistant.go()
        assert text(list(events)) == "One, two, three."


def test_regenerate_replaces_the_reply_and_keeps_the_old_one(alice: User) -> None:
    session = alice.conversation()
    path = f"/api/chat/{session}"
    first = alice.post(f"{path}/message", {"message": "help"}).json()
    second = alice.post(f"{path}/regenerate").json()
    assert second["message"] == first["message"]
    assert (second["reply"]["seq"], second["reply"]["status"]) == (3, "complete")
    assert alice.messages(session) == [first["message"], second["reply"]]
    assert alice.get(f"{path}/history").json()["items"] == [first["message"], second["reply"]]
    for reply in (first["reply"], second["reply"]):
        versions = alice.get(f"{path}/replies/{reply['id']}/versions").json()["items"]
        assert versions == [first["reply"], second["reply"]]
    third = streamed(alice, f"{path}/regenerate")
    assert third[1]["data"] == known(first["message"])
    assert len(alice.get(f"{path}/replies/{first['reply']['id']}/versions").json()["items"]) == 3
    assert alice.post(f"{path}/message", {"message": "help"}).json()["message"]["seq"] == 5


def test_there_must_be_something_to_answer(alice: User, bob: User) -> None:
    session = alice.conversation()
    refused = alice.post(f"/api/chat/{session}/regenerate")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_answer")
    alice.say(session, "Hello?")
    assert bob.post(f"/api/chat/{session}/regenerate").status_code == 404
    assert alice.post(f"/api/chat/{session}/regenerate").json()["message"]["content"] == "Hello?"
    versions = alice.get(f"/api/chat/{session}/replies/999999999/versions")
    assert (versions.status_code, versions.json()["code"]) == (404, "message_not_found")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"max_running_turns_per_user": 1}, 429, "too_many_turns"),
        ({"max_running_turns": 1}, 503, "overloaded"),
    ],
)
def test_the_number_of_running_turns_is_bounded(
    serve_with: Serve, changes: dict[str, int], status: int, code: str
) -> None:
    assistant = Scripted("Wait ... ", "done.", waits=True)
    with serve_with(assistant, **changes) as service:
        user = service.user("a@example.com")
        first, second = user.conversation(), user.conversation()
        with streaming(user, f"/api/chat/{first}/message", {"message": "Go"}) as events:
            next(events)
            refused = user.post(f"/api/chat/{second}/message", {"message": "Go"})
            assert (refused.status_code, refused.json()["code"]) == (status, code)
            assert refused.headers["Retry-After"] == "2"
            assistant.go()
            list(events)
        assert user.messages(second) == []
        assert user.post(f"/api/chat/{second}/message", {"message": "Go"}).status_code == 200


def test_the_gauge_of_running_turns_goes_back_to_nothing(two: Two) -> None:
    with streaming(two.here, f"/api/chat/{two.session}/message", {"message": "Go"}) as events:
        next(events)
        assert "chat_turns_running 1.0" in two.here.get("/metrics").text
        two.assistant.go()
        list(events)
    assert "chat_turns_running 0.0" in two.here.get("/metrics").text
    assert 'chat_turns_total{status="complete"} 1.0' in two.here.get("/metrics").text
