"""Assistants that do wrong: their reply fails with the text it has, and all else goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from app.assistants.base import Prompt
from app.models.events import Event, Finish, TextDelta, ToolCall, ToolResult, Usage
from assistants_for_tests import Echo, Scripted
from support import Postgres, Service, until
from turns.reading import kinds, streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]

CALL = ToolCall("1", "look", {})
WRONG: dict[str, tuple[Any, ...]] = {
    "nothing": (None,),
    "an object": (object(),),
    "no text": (TextDelta(5),),  # type: ignore[arg-type]
    "an input that is a list": (ToolCall("1", "look", [1]),),  # type: ignore[arg-type]
    "an input that is null": (ToolCall("1", "look", None),),  # type: ignore[arg-type]
    "a call without an id": (ToolCall(None, "look", {}),),  # type: ignore[arg-type]
    "two calls with one id": (CALL, CALL),
    "a result of no call": (ToolResult("2", 1),),
    "two results of one call": (CALL, ToolResult("1", 1), ToolResult("1", 2)),
    "an error that is no text": (CALL, ToolResult("1", error=5)),  # type: ignore[arg-type]
    "half a token": (Usage(1.5, 1),),  # type: ignore[arg-type]
    "tokens as text": (Usage("1", "2"),),  # type: ignore[arg-type]
    "an unknown reason": (Finish("weird"),),  # type: ignore[arg-type]
    "no reason": (Finish(None),),  # type: ignore[arg-type]
}


class Says:
    """Says just this, whatever it is; raises it if it is an exception."""

    name = "says"

    def __init__(self, *said: object) -> None:
        self.said = said

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        for each in self.said:
            if isinstance(each, BaseException):
                raise each
            yield each  # type: ignore[misc]  # that is what is tried


def asked(service: Service, name: str = "a@example.com") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The events of a reply, and the reply as it is stored."""
    user = service.user(name)
    session = user.conversation()
    return streamed(user, f"/api/chat/{session}/message", {"message": "Go"}), user.messages(session)[1]


def fails(serve_with: Serve, *said: object) -> dict[str, Any]:
    with serve_with(Says(TextDelta("Half an ans"), *said, TextDelta("wer"))) as service:
        events, reply = asked(service)
    assert events[-1] == {"type": "error", "errorText": "assistant_failed"}
    assert (reply["status"], reply["finish_reason"]) == ("failed", "assistant_failed")
    assert text(events) == reply["content"] == "Half an ans"
    return reply


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_what_is_no_event_is_a_fault(serve_with: Serve, said: tuple[object, ...]) -> None:
    fails(serve_with, *said)


def test_plain_text_is_a_fault_and_not_half_a_success(serve_with: Serve) -> None:
    fails(serve_with, "just text")


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(3)])
def test_what_only_looks_like_an_end_is_a_fault(serve_with: Serve, error: BaseException) -> None:
    fails(serve_with, error)


def test_token_counts_are_numbers_that_every_client_can_read(serve_with: Serve) -> None:
    with serve_with(Says(Usage(-5, 10**30), Usage(2, 1))) as service:
        _, reply = asked(service)
    assert reply["usage"] == {"input_tokens": 2, "output_tokens": 2**53 - 1}


def test_a_call_that_nobody_answered_says_so(serve_with: Serve) -> None:
    with serve_with(Scripted(CALL)) as service:
        events, reply = asked(service)
    assert [event["errorText"] for event in events if event["type"] == "tool-output-error"] == ["no_result"]
    assert (reply["status"], reply["parts"][0]["errorText"]) == ("complete", "no_result")


class CancelsWriters(Echo):
    """Cancels tasks that are not its own."""

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        async for event in super().reply(prompt):
            yield event
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if getattr(task.get_coro(), "__name__", "") == "write":
                task.cancel()
        await asyncio.Event().wait()


def test_a_stream_ends_also_with_a_writer_that_is_cancelled(serve_with: Serve) -> None:
    with serve_with(CancelsWriters()) as service:
        user = service.user("a@example.com")
        events = streamed(user, f"/api/chat/{user.conversation()}/message", {"message": "Go"})
    assert events[-1] == {"type": "error", "errorText": "internal_error"}


class BadTitles(Echo):
    """Its titles are none."""

    def __init__(self, title: object) -> None:
        super().__init__()
        self._title = title

    async def title(self, _question: str, _answer: str) -> object:
        if isinstance(self._title, BaseException):
            raise self._title
        return self._title


@pytest.mark.parametrize(
    "title", [asyncio.CancelledError(), SystemExit(3), RuntimeError(), "   ", "", None, 42, "\0\n \n"]
)
def test_what_is_no_title_changes_nothing(serve_with: Serve, title: object) -> None:
    with serve_with(BadTitles(title)) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Hi"})
        assert kinds(events)[-1] == "finish"
        assert "data-title" not in kinds(events)
        assert user.get(f"/api/conversations/{session}").json()["title"] == "Hi"


def test_a_title_is_made_to_fit(serve_with: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.turns.writer.SHOWN_TITLE_SECONDS", 60)
    with serve_with(BadTitles("\n  Much\0 \ud800 more\nthan a line")) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        streamed(user, f"/api/chat/{session}/message", {"message": "Hi"})
        assert user.get(f"/api/conversations/{session}").json()["title"] == "Much ? more"


@contextmanager
def refused_updates(postgres: Postgres) -> Iterator[Callable[[], bool]]:
    """No message can be changed, by a fault that is none of those that pass; tells whether one was tried."""
    postgres.rows(
        "CREATE SEQUENCE tried;"
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$"
        "BEGIN PERFORM nextval('tried'); RAISE 'refused'; END $$;"
        "CREATE TRIGGER refuse BEFORE UPDATE ON message EXECUTE FUNCTION refuse()"
    )
    try:
        yield lambda: bool(postgres.value("SELECT is_called FROM tried"))
    finally:
        postgres.rows("DROP FUNCTION refuse CASCADE; DROP SEQUENCE tried")


def test_a_flush_that_fails_by_a_fault_of_ours_is_not_the_last(service: Service, serve_with: Serve) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as writing:
        user = writing.user("a@example.com")
        session = user.conversation()
        path = f"/api/chat/{session}/message"
        with streaming(user, path, {"message": "Go"}) as events:
            with refused_updates(service.postgres) as tried:
                until(tried)
            until(lambda: user.messages(session)[1]["content"] == "One, ")
            assistant.go()
            assert text(list(events)) == "One, two."
