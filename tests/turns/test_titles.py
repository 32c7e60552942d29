"""The title that an assistant gives a new conversation after its first reply."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from assistants_for_tests import Titling
from model_server import CUT, Answer, Gate, ModelServer, completes, says, serving, texts
from support import Service, User, until
from turns.reading import kinds, streamed, streaming

Serve = Callable[..., AbstractContextManager[Service]]
TITLE = "About Hi and 1. Hi"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream waits for a title that is on its way, also on a slow machine."""
    monkeypatch.setattr("app.turns.writer.SHOWN_TITLE_SECONDS", 60)
    monkeypatch.setattr("app.turns.writer.TITLE_SECONDS", 60)


def title_of(user: User, session: int) -> object:
    return user.get(f"/api/conversations/{session}").json()["title"]


def test_a_title_is_a_part_of_the_stream(serve_with: Serve, unhurried: None) -> None:
    with serve_with(Titling()) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Hi"})
        assert [event["data"] for event in events if event["type"] == "data-title"] == [{"title": TITLE}]
        assert title_of(user, session) == TITLE


def test_no_reader_waits_for_a_late_title(serve_with: Serve) -> None:
    assistant = Titling(waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Hi"})
        assert kinds(events)[-1] == "finish"
        assert "data-title" not in kinds(events)
        assert title_of(user, session) == "Hi"
        assistant.go.set()
        until(lambda: title_of(user, session) == TITLE)


def test_a_title_never_takes_the_place_of_one_that_the_user_gave(serve_with: Serve) -> None:
    assistant = Titling(waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        mine, other = user.conversation(), user.conversation()
        for session in (mine, other):
            streamed(user, f"/api/chat/{session}/message", {"message": "Hi"})
        user.patch(f"/api/conversations/{mine}", {"title": "Mine"})
        assistant.go.set()
        until(lambda: title_of(user, other) == "About Hi and 2. Hi")
        assert title_of(user, mine) == "Mine"


@dataclass
class Model:
    """A user of a service whose model also gives titles."""

    server: ModelServer
    user: User

    @property
    def asked_for_titles(self) -> int:
        return len(self.server.requests) - self.server.calls

    def ask(self, session: int, message: str = "Hi") -> None:
        streamed(self.user, f"/api/chat/{session}/message", {"message": message})


@pytest.fixture
def model(serve_with: Serve, unhurried: None) -> Iterator[Model]:
    with (
        serving(says("Hello")) as server,
        serve_with(chat_model="openai:m", openai_base_url=server.url) as service,
    ):
        server.title = completes("A title")
        yield Model(server, service.user("a@example.com"))


def test_a_model_is_asked_once_for_a_title(model: Model) -> None:
    session = model.user.conversation(client_id="c-1")
    question = {"id": "q-1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}
    streamed(model.user, "/api/chat", {"id": "c-1", "message": question})
    assert (model.asked_for_titles, title_of(model.user, session)) == (1, "A title")
    model.user.post(f"/api/chat/{session}/regenerate")
    edited = question | {"parts": [{"type": "text", "text": "Hello"}]}
    streamed(model.user, "/api/chat", {"id": "c-1", "message": edited, "messageId": "q-1"})
    model.ask(session, "And?")
    assert model.server.calls == 4
    assert (model.asked_for_titles, title_of(model.user, session)) == (1, "A title")


def test_no_model_is_asked_for_a_title_that_the_user_gave(model: Model) -> None:
    session = model.user.conversation(title="Mine")
    model.ask(session)
    assert (model.asked_for_titles, title_of(model.user, session)) == (0, "Mine")


def test_no_model_is_asked_for_a_title_that_the_user_gave_meanwhile(model: Model) -> None:
    gate = Gate()
    model.server.answers = [Answer([*texts("Hel"), gate, *says("lo").steps])]
    session = model.user.conversation()
    with streaming(model.user, f"/api/chat/{session}/message", {"message": "Hi"}) as events:
        gate.wait_until_reached()
        model.user.patch(f"/api/conversations/{session}", {"title": "Mine"})
        gate.open()
        list(events)
    assert (model.asked_for_titles, title_of(model.user, session)) == (0, "Mine")


def test_a_conversation_is_named_by_its_first_reply_that_is_whole(model: Model) -> None:
    model.server.answers = [Answer([*texts("Hel"), CUT]), says("Hello")]
    session = model.user.conversation()
    model.ask(session)
    assert (model.asked_for_titles, title_of(model.user, session)) == (0, "Hi")
    model.user.post(f"/api/chat/{session}/regenerate")
    until(lambda: title_of(model.user, session) == "A title")
