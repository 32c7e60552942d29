"""How much of a long conversation an assistant is shown."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from app.assistants.base import Prompt
from app.models.events import ToolCall, ToolResult
from assistants_for_tests import Echo, Scripted
from support import Service

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
