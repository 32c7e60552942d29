"""Talking to a model through its assistant, without a service around it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import pytest

from app.assistants import make_assistant
from app.assistants.base import AssistantError, Prompt, Utterance
from app.assistants.model import ModelAssistant
from app.models.events import Event, TextDelta
from app.settings import Settings
from model_server import ModelServer
from todos_in_memory import Todos

Result = TypeVar("Result")


def made(server: ModelServer, **changes: Any) -> ModelAssistant:
    """The assistant of a model on this server, by settings alone."""
    given = {"chat_model": "openai:m", "openai_base_url": server.url, **changes}
    assistant = make_assistant(Settings(_env_file=None, **given))
    assert isinstance(assistant, ModelAssistant)
    return assistant


@asynccontextmanager
async def replying(
    server: ModelServer, messages: Iterable[Utterance], todos: Todos | None, **changes: Any
) -> AsyncIterator[AsyncIterator[Event]]:
    """A reply under way."""
    assistant = made(server, **changes)
    prompt = Prompt(list(messages) or [Utterance("user", "hello")], todos or Todos())
    try:
        async with aclosing(assistant.reply(prompt)) as reply:
            yield reply
    finally:
        await assistant.close()


def talk(
    server: ModelServer, *messages: Utterance, todos: Todos | None = None, **changes: Any
) -> list[Event]:
    """All events of a reply."""

    async def read() -> list[Event]:
        async with replying(server, messages, todos, **changes) as reply:
            return [event async for event in reply]

    return asyncio.run(read())


def fails(
    server: ModelServer, fault: type[AssistantError], todos: Todos | None = None, **changes: Any
) -> list[Event]:
    """The events of a reply that ends with this fault."""
    events: list[Event] = []

    async def read() -> None:
        async with replying(server, [], todos, **changes) as reply:
            async for event in reply:
                events.append(event)  # noqa: PERF401  # what came before the fault must be there

    with pytest.raises(fault) as raised:
        asyncio.run(read())
    assert raised.type is fault
    return events


def with_assistant(
    server: ModelServer, use: Callable[[ModelAssistant], Coroutine[Any, Any, Result]], **changes: Any
) -> Result:
    """Runs `use` with the assistant, and closes it."""

    async def run() -> Result:
        assistant = made(server, **changes)
        try:
            return await use(assistant)
        finally:
            await assistant.close()

    return asyncio.run(run())


def text(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
