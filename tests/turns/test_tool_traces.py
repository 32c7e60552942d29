"""What a tool is about to do is in the database before it is done: a process may be killed at any moment."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta, ToolCall, ToolResult
from support import Postgres, Service
from turns.reading import streamed
from turns.test_ui_turns import chat

Serve = Callable[..., AbstractContextManager[Service]]

STORED = "SELECT content, parts FROM message WHERE role = 'assistant'"


class Looking:
    """Looks, when it does what its tool is for, at what there would be of its reply if it were killed."""

    name = "looking"

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.seen: list[Any] = []

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        for number in ("1", "2"):
            yield TextDelta("I look. ")
            yield ToolCall(number, "look", {"at": "this"})
            self.seen += await asyncio.to_thread(self._postgres.rows, STORED)
            yield ToolResult(number, "there")
        yield TextDelta("Bye.")


def test_a_tool_call_is_stored_before_the_tool_is_used(
    serve_with: Serve, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.turns.turns.FLUSH_SECONDS", 3_600)
    assistant = Looking(postgres)
    with serve_with(assistant) as service:
        streamed(service.user("alice@example.com"), "/api/chat", chat("q-1", "Look"))
    text = {"type": "text", "text": "I look. "}
    first = {"type": "tool-look", "toolCallId": "1", "state": "input-available", "input": {"at": "this"}}
    answered = {**first, "state": "output-available", "output": "there"}
    second = {**first, "toolCallId": "2"}
    assert assistant.seen == [
        ("I look. ", [text, first]),
        ("I look. \n\nI look. ", [text, answered, {**text, "text": "\n\nI look. "}, second]),
    ]
    [(content, parts)] = postgres.rows(STORED)
    assert content == "I look. \n\nI look. \n\nBye."
    assert [part.get("state", "text") for part in parts].count("output-available") == 2
