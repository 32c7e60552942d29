"""How the offline assistant shows what it does: as the tools that a model has."""

import pytest

from app.assistants.base import Utterance
from app.errors import TodoLimitReached, TodoNotFound
from app.models.events import ToolCall, ToolResult
from todos_in_memory import LIMIT, Snatched, Todos, events, say


def used(todos: Todos, text: str) -> list[str]:
    """The tools that were used, each with its input and what it answered."""
    reply = events(todos, Utterance("user", text))
    calls = {event.id: f"{event.name} {event.input}" for event in reply if isinstance(event, ToolCall)}
    results = {event.id: f"{event.error or event.output}" for event in reply if isinstance(event, ToolResult)}
    assert list(calls) == list(results) == [f"call-{number}" for number in range(1, len(calls) + 1)]
    return [f"{call} -> {results[key]}" for key, call in calls.items()]


def shown(key: int, title: str, *, completed: bool = False) -> str:
    return str({"id": key, "title": title, "description": "", "completed": completed})


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("add jam", [f"add_todo {{'title': 'jam'}} -> {shown(300, 'jam')}"]),
        (
            "done 1",
            [f"update_todo {{'id': 100, 'completed': True}} -> {shown(100, 'milk', completed=True)}"],
        ),
        ("reopen 2", [f"update_todo {{'id': 200, 'completed': False}} -> {shown(200, 'eggs')}"]),
        ("rename 1 to jam", [f"update_todo {{'id': 100, 'title': 'jam'}} -> {shown(100, 'jam')}"]),
        ("delete 1", ["delete_todo {'id': 100} -> {'deleted': 100}"]),
        ("clear completed", ["delete_todo {'id': 200} -> {'deleted': 200}"]),
        (
            "delete 1\ndelete 2",
            [
                "delete_todo {'id': 100} -> {'deleted': 100}",
                "delete_todo {'id': 200} -> {'deleted': 200}",
            ],
        ),
        (
            "what is left?",
            [f"list_todos {{'which': 'open'}} -> {{'total': 1, 'todos': [{shown(100, 'milk')}]}}"],
        ),
        (
            "show completed",
            [
                "list_todos {'which': 'completed'} -> "
                f"{{'total': 1, 'todos': [{shown(200, 'eggs', completed=True)}]}}"
            ],
        ),
    ],
)
def test_tools_are_shown(text: str, calls: list[str]) -> None:
    assert used(Todos("milk", "x eggs"), text) == calls


@pytest.mark.parametrize("text", ["find milk", "list"])
def test_reading_is_shown(text: str) -> None:
    [call] = used(Todos("milk", "x eggs"), text)
    assert call.startswith("list_todos")
    assert "'total': 2" in call


@pytest.mark.parametrize(
    "text", ["help", "hello", "thanks", "what is love?", "add", "delete bread", "done 2", "delete all"]
)
def test_talk_uses_no_tool(text: str) -> None:
    assert used(Todos("milk", "x eggs"), text) == []


def test_a_refusal_is_shown() -> None:
    full = Todos(*["milk"] * LIMIT)
    assert used(full, "add eggs") == [f"add_todo {{'title': 'eggs'}} -> {TodoLimitReached.detail}"]
    assert used(Snatched("milk"), "done 1") == [
        f"update_todo {{'id': 100, 'completed': True}} -> {TodoNotFound.detail}"
    ]


def test_what_no_tool_did_is_a_paragraph_of_its_own() -> None:
    assert say(Todos(), "add milk\nthanks\nthanks\nadd eggs") == (
        "Added:\n\n- ☐ 1. milk\n\nYou are welcome!\n\nYou are welcome!\n\nAdded:\n\n- ☐ 2. eggs"
    )
