"""How much of a long conversation an assistant is shown."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.assistants.base import Prompt
from app.db.database import Database
from app.models.events import ToolCall, ToolResult
from app.repositories.turns import OpenedTurn, TurnRepository
from app.turns.context import utterances
from assistants_for_tests import Echo, Scripted
from support import Postgres, Service, User

Serve = Callable[..., AbstractContextManager[Service]]


def shown(prompt: Prompt) -> list[str]:
    return [message.content for message in prompt.messages]


@pytest.mark.parametrize(("room", "seen"), [(99, 0), (108, 0), (109, 1), (125, 1), (126, 2)])
def test_whole_turns_are_shown_as_far_as_they_fit_beside_the_question(
    serve_with: Serve, room: int, seen: int
) -> None:
    assistant = Echo()
    with serve_with(assistant, context_characters=room) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        # With their answers they have 17 and 9 characters.
        for message in ("0123456", "abc", "q" * 100):
            user.post(f"/api/chat/{session}/message", {"message": message})
    before = ["0123456", "1. 0123456", "abc", "2. abc"]
    assert shown(assistant.prompts[-1]) == [*before[4 - 2 * seen :], "q" * 100]


@pytest.mark.parametrize(("room", "seen"), [(1_000, 1), (100, 0)])
def test_what_tools_were_given_and_answered_counts(serve_with: Serve, room: int, seen: int) -> None:
    call = ToolCall("1", "look", {"for": "x" * 100})
    assistant = Scripted(call, ToolResult("1", ["y" * 400]), "Done.")
    with serve_with(assistant, context_characters=room) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        for message in ("look", "and?"):
            user.post(f"/api/chat/{session}/message", {"message": message})
    assert shown(assistant.prompts[-1]) == [*["look", "Done."][: 2 * seen], "and?"]


def test_what_a_tool_answered_may_nest_deep(serve_with: Serve) -> None:
    answer: list[Any] = []
    for _ in range(300):
        answer = [answer]
    assistant = Scripted(ToolCall("1", "look", {}), ToolResult("1", answer), "Done.")
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        for message in ("look", "and?"):
            assert user.post(f"/api/chat/{session}/message", {"message": message}).status_code == 200
    parts = assistant.prompts[-1].messages[1].parts
    assert parts is not None
    assert parts[0]["output"] == answer


def test_what_is_too_long_to_be_shown_is_not_read(alice: User, postgres: Postgres) -> None:
    """Two hundred of the longest messages would have 200 MB, and hold up all other users meanwhile."""
    conversation = alice.conversation()
    for letter in "abcdefg":
        alice.say(conversation, letter * 1_000_000)

    async def opened() -> OpenedTurn:
        database = Database(postgres.url)
        turn = await TurnRepository(database, alice.id).ask(conversation, "And now?")
        await database.close()
        return turn

    context = asyncio.run(opened()).context
    assert context is not None
    assert [said.content[0] for said in utterances(context)] == list("defg")
