"""Assistants that will not be ended: what is waited for is the reply, not they."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta
from assistants_for_tests import Stubborn
from support import Service, User
from turns.reading import kinds, streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]


def reply_of(user: User, session: int) -> dict[str, Any]:
    return user.messages(session)[1]


def test_a_stop_does_not_wait_for_it_and_nothing_later_counts(serve_with: Serve) -> None:
    assistant = Stubborn()
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            while next(events)["type"] != "text-delta":
                pass
            stopped = user.post(f"/api/chat/{session}/stop").json()["reply"]
            rest = list(events)
        assert (stopped["status"], stopped["content"]) == ("stopped", "First, ")
        assert kinds(rest)[-1] == "abort"
        assert text(rest) == ""
        assistant.go()
        assert reply_of(user, session) == stopped
        assert not assistant.gave_up


def test_its_time_is_over_when_it_is_over(serve_with: Serve) -> None:
    assistant = Stubborn()
    with serve_with(assistant, max_reply_seconds=0.2) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        assert (events[-1]["type"], events[-1]["finishReason"]) == ("finish", "length")
        assert text(events) == reply_of(user, session)["content"] == "First, "
        assert not assistant.gave_up
        assistant.go()


class TidiesUp:
    """Waits for ever when it releases what it holds."""

    name = "tidies up"

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        try:
            while True:
                yield TextDelta("word ")
        finally:
            await asyncio.Event().wait()


def test_a_full_reply_does_not_wait_for_it_to_tidy_up(serve_with: Serve) -> None:
    with serve_with(TidiesUp(), max_reply_characters=12) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        assert text(events) == reply_of(user, session)["content"] == "word word wo"
        assert reply_of(user, session)["finish_reason"] == "length"


class Spills(TidiesUp):
    """Fails when it releases what it holds."""

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        try:
            while True:
                yield TextDelta("word ")
        finally:
            raise ValueError("spilt")


def test_a_fault_after_the_end_changes_nothing(serve_with: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with serve_with(Spills(), max_reply_characters=12) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        assert (events[-1]["type"], events[-1]["finishReason"]) == ("finish", "length")
        reply = reply_of(user, session)
    assert (reply["status"], reply["finish_reason"], reply["content"]) == (
        "complete",
        "length",
        "word word wo",
    )
    assert "assistant.failed_late" in caplog.messages


def test_the_end_of_the_process_does_not_wait_for_it(service: Service, serve_with: Serve) -> None:
    assistant = Stubborn()
    with serve_with(assistant, shutdown_grace=0.1) as ending:
        user = ending.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            while next(events)["type"] != "text-delta":
                pass
    assert not assistant.gave_up
    reply = reply_of(service.user_of(user.id), session)
    assert (reply["status"], reply["content"]) == ("interrupted", "First, ")


def test_no_reader_and_no_process_waits_for_a_title(service: Service, serve_with: Serve) -> None:
    assistant = Stubborn(titles=True)
    with serve_with(assistant, shutdown_grace=0.1) as ending:
        user = ending.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Hi"})
        assert kinds(events)[-1] == "finish"
    assert not assistant.gave_up
    assert service.user_of(user.id).get(f"/api/conversations/{session}").json()["title"] == "Hi"
