"""The title that an assistant gives a new conversation after its first reply."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from assistants_for_tests import Titling
from support import Service, User, until
from turns.reading import kinds, streamed

Serve = Callable[..., AbstractContextManager[Service]]
TITLE = "About Hi and 1. Hi"


def title_of(user: User, session: int) -> object:
    return user.get(f"/api/conversations/{session}").json()["title"]


def test_a_title_is_a_part_of_the_stream(serve_with: Serve) -> None:
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
