"""Turns that go wrong in ways that nobody planned: the reader is told, and the text so far is kept."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from app.assistants.base import Prompt
from app.models.events import Ended, Event, TextDelta, ToolCall, ToolResult
from app.turns import LiveReply
from assistants_for_tests import Echo, Scripted
from database_for_tests import refusing
from proxy import proxied
from support import Postgres, Service, User
from turns.reading import Event as Line, streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]


def test_a_fault_of_ours_reaches_everybody_who_waits(serve_with: Serve, postgres: Postgres) -> None:
    with serve_with(Echo()) as service:
        user = service.user("a@example.com")
        streams, waits = (f"/api/chat/{user.conversation()}/message" for _ in range(2))
        with refusing(postgres, "UPDATE ON message", "P0001"):
            events = streamed(user, streams, {"message": "Go"})
            refused = user.post(waits, {"message": "Go"})
        assert events[-1] == {"type": "error", "errorText": "internal_error"}
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert "chat_turns_running 0.0" in user.get("/metrics").text


def test_a_reply_that_takes_too_long_ends_with_its_text(serve_with: Serve) -> None:
    with serve_with(Scripted("One, ", "two.", waits=True), max_reply_seconds=0.2) as service:
        user = service.user("a@example.com")
        reply = user.post(f"/api/chat/{user.conversation()}/message", {"message": "Go"}).json()["reply"]
    assert (reply["status"], reply["finish_reason"], reply["content"]) == ("complete", "length", "One, ")


class Words:
    """Its reply is an iterator of its own kind: nothing but the one method is asked of it."""

    name = "words"

    def __init__(self, *words: object) -> None:
        self._words = words

    def reply(self, prompt: Prompt) -> AsyncIterator[Event]:  # noqa: ARG002  # it says what it says
        return Iterating(self._words)


class Iterating(AsyncIterator[Event]):
    def __init__(self, words: tuple[object, ...]) -> None:
        self._left = iter(words)

    async def __anext__(self) -> Event:
        for word in self._left:
            return word  # type: ignore[return-value]  # one that is wrong is what is tried
        raise StopAsyncIteration


@pytest.mark.parametrize(
    ("said", "status", "content"),
    [
        ((TextDelta("One, "), TextDelta("two.")), "complete", "One, two."),
        ((TextDelta("One, "), "two."), "failed", "One, "),
        ((TextDelta("One, "), Ended("complete", "stop")), "failed", "One, "),
    ],
    ids=["events", "mere text", "the event of another"],
)
def test_an_assistant_says_events_and_nothing_else(
    serve_with: Serve, said: tuple[object, ...], status: str, content: str
) -> None:
    with serve_with(Words(*said)) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        reply = user.messages(session)[1]
    assert (reply["status"], reply["content"], text(events)) == (status, content, content)
    assert events[-1].get("errorText") == ("assistant_failed" if status == "failed" else None)


def test_what_a_tool_answers_is_kept_as_far_as_it_is_json(serve_with: Serve) -> None:
    given: dict[str, object] = {
        "list": [1, 2.5, float("nan"), float("inf")],
        "tuple": ("Ü\0", True, None),
        "set": {1},
    }
    kept = {"list": [1, 2.5, None, None], "tuple": ["Ü", True, None], "set": None}
    answers = {"small": given, "limit": "x" * 65_534, "large": "x" * 65_535}
    said: list[Event] = []
    for name, answer in answers.items():
        said += [ToolCall(name, "look", given), ToolResult(name, answer)]
    with serve_with(Scripted(*said)) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        parts = user.messages(session)[1]["parts"]
    assert [part["output"] for part in parts] == [kept, answers["limit"], {"truncated": True}]
    assert [part["input"] for part in parts] == [kept] * 3
    shown = [event["output"] for event in events if event["type"] == "tool-output-available"]
    assert shown == [part["output"] for part in parts]


def test_a_number_that_no_client_can_read_does_not_cost_the_reply(serve_with: Serve) -> None:
    given: dict[str, object] = {"large": 10**300, "larger": 10**309, "least": [-(10**5_000)]}
    kept = {"large": 10**300, "larger": None, "least": [None]}
    said: list[str | Event] = ["One, ", ToolCall("1", "count", given), ToolResult("1", given), "two."]
    with serve_with(Scripted(*said)) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        reply = user.messages(session)[1]
    assert (reply["status"], reply["content"]) == ("complete", "One, \n\ntwo.")
    assert events[-1]["type"] == "finish"
    assert [reply["parts"][1][name] for name in ("input", "output")] == [kept, kept]


class Nameless(Echo):
    """Fails to name a conversation."""

    async def title(self, question: str, answer: str) -> str:
        raise RuntimeError(question, answer)


def test_a_conversation_that_cannot_be_named_keeps_its_first_words(serve_with: Serve) -> None:
    with serve_with(Nameless()) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Hello there"})
        title = user.get(f"/api/conversations/{session}").json()["title"]
    assert (events[-1]["type"], title) == ("finish", "Hello there")


def test_what_the_database_says_is_how_a_reply_ended(serve_with: Serve, postgres: Postgres) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            while next(events)["type"] != "text-delta":
                pass
            # Another process takes it for dead, as after a long pause of this one.
            postgres.rows(
                "UPDATE message SET status = 'interrupted', finish_reason = 'interrupted', lease_until = NULL"
                " WHERE status = 'streaming'"
            )
            before = user.messages(session)
            assistant.go()
            assert list(events)[-1] == {"type": "abort", "reason": "interrupted"}
        assert user.messages(session) == before


def test_a_stop_does_not_wait_for_ever_for_a_process_that_is_silent(
    serve_with: Serve, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.turns.turns.STOP_SECONDS", 0.1)
    with serve_with(Echo()) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        reply = user.post(f"/api/chat/{session}/message", {"message": "Go"}).json()["reply"]
        postgres.rows(
            "UPDATE message SET status = 'streaming', lease_until = now() + interval '1 hour'"
            " WHERE role = 'assistant'"
        )
        stopped = user.post(f"/api/chat/{session}/stop").json()
        assert stopped == {"success": True, "reply": {**reply, "status": "streaming"}}
        assert postgres.rows("SELECT stop_requested FROM message WHERE role = 'assistant'") == [(True,)]


def test_nothing_is_said_after_the_end() -> None:
    async def read() -> list[object]:
        live = LiveReply(1, 2)
        for event in (TextDelta("One"), Ended("complete", "stop"), TextDelta("two"), Ended("failed", "x")):
            live.say(event)
        return [event async for events in live.read(60) for event in events]

    assert asyncio.run(read()) == [TextDelta("One"), Ended("complete", "stop")]


def test_a_reader_may_be_quicker_than_the_one_who_asked(
    serve_with: Serve, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with (
        proxied(postgres) as proxy,
        serve_with(assistant, database_url=proxy.text) as service,
        ThreadPoolExecutor(1) as executor,
    ):
        user, tab = service.user("a@example.com"), service.client
        path = f"/api/chat/{user.conversation()}"
        proxy.delay(b"Who is quicker")
        asked = executor.submit(streamed, user, f"{path}/message", {"message": "Who is quicker?"})
        while postgres.value("SELECT count(*) FROM message") == 0:
            time.sleep(0.005)
        second_tab = User(user.id, user.token, tab(user.token))
        with streaming(second_tab, f"{path}/stream", method="GET") as events:
            shown: list[Line] = [next(events)]
            proxy.release()
            while text(shown) != "One, ":
                shown.append(next(events))
            assistant.go()
            shown += list(events)
        assert text(asked.result()) == text(shown) == "One, two."
        assert asked.result()[-1] == shown[-1]
        assert user.get(f"{path}/stream").status_code == 204
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
