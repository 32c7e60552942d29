"""Connections to a model's server: used again, never shared at the same time, and not hoarded."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.assistants.base import Prompt, Utterance
from app.assistants.connections import MOST_IDLE, Connections
from app.assistants.model import ModelAssistant
from model_server import Answer, Gate, says, serving, texts
from model_talk import text, with_assistant
from todos_in_memory import Todos

AT_ONCE = 100


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is over is read to its end, however slow the machine: else its connection is closed."""
    monkeypatch.setattr("app.assistants.endpoint.LAST_SECONDS", 60)


async def ask(assistant: ModelAssistant) -> str:
    return text([event async for event in assistant.reply(Prompt([Utterance("user", "hi")], Todos()))])


def test_a_reply_uses_the_connection_of_the_one_before() -> None:
    async def ask_twice(assistant: ModelAssistant) -> list[str]:
        return [await ask(assistant), await ask(assistant)]

    with serving(says("Hello")) as server:
        assert with_assistant(server, ask_twice) == ["Hello"] * 2
        assert (server.calls, server.connections) == (2, 1)


def test_replies_at_once_have_a_connection_each() -> None:
    gate = Gate()

    async def ask_at_once(assistant: ModelAssistant) -> list[str]:
        first = await ask(assistant)  # its connection is free when all others want one
        asking = [asyncio.create_task(ask(assistant)) for _ in range(AT_ONCE)]
        for _ in asking:
            await asyncio.to_thread(gate.wait_until_reached)
        gate.open()
        return [first, *await asyncio.gather(*asking)]

    with serving(says("Hello"), Answer([*texts("Hel"), gate, *says("lo").steps])) as server:
        assert with_assistant(server, ask_at_once) == ["Hello"] * (AT_ONCE + 1)
        assert (server.calls, server.connections) == (AT_ONCE + 1, AT_ONCE)


def test_only_so_many_idle_connections_are_kept() -> None:
    async def lend_many() -> tuple[int, list[bool], bool]:
        connections = Connections({}, encrypted=False)
        async with AsyncExitStack() as lent:
            clients = [await lent.enter_async_context(connections.lend()) for _ in range(MOST_IDLE + 1)]
        closed = [client.is_closed for client in clients]
        async with connections.lend() as again:
            known = again in clients
        await connections.close()
        return sum(closed), [client.is_closed for client in clients], known

    closed, closed_at_last, known = asyncio.run(lend_many())
    assert (closed, known) == (1, True)
    assert all(closed_at_last)
