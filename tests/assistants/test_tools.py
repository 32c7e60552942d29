"""What a model may do with todos, and what becomes of arguments that nobody would write."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.assistants.tools import MOST_LISTED, TOOLS, Outcome, definitions, plain_arguments, run
from app.errors import DatabaseUnavailable
from app.models.database import Todo
from todos_in_memory import LIMIT, Todos

FIRST = 100
"""The id of the first todo of a list."""


def use(todos: Todos, name: str, arguments: Any = None) -> Outcome:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return asyncio.run(run(todos, name, text))


def shown(
    title: str, description: str = "", *, completed: bool = False, identity: int = FIRST
) -> dict[str, Any]:
    return {"id": identity, "title": title, "description": description, "completed": completed}


def test_add() -> None:
    todos = Todos()
    assert use(todos, "add_todo", {"title": "milk"}) == Outcome(shown("milk"))
    assert (
        use(todos, "add_todo", {"title": "rent", "description": "by Friday"}).output["description"]
        == "by Friday"
    )
    assert str(todos) == "milk, rent"


@pytest.mark.parametrize("which", ["all", "open", "completed"])
def test_list(which: str) -> None:
    listed = use(Todos("milk", "x rent"), "list_todos", {"which": which}).output
    expected = [shown("milk"), shown("rent", completed=True, identity=2 * FIRST)]
    assert listed["todos"] == {"all": expected, "open": expected[:1], "completed": expected[1:]}[which]
    assert listed["total"] == len(listed["todos"])


def test_list_with_words() -> None:
    todos = Todos("Buy MILK", "rent")
    use(todos, "update_todo", {"id": 2 * FIRST, "description": "with the milkman"})
    assert use(todos, "list_todos", {"containing": "milk"}).output["total"] == 2
    assert use(todos, "list_todos", {"containing": "BUY"}).output["total"] == 1
    assert use(todos, "list_todos", {"containing": "no such thing"}).output == {"total": 0, "todos": []}


def test_a_long_list_is_cut_and_says_so() -> None:
    listed = use(Todos(*map(str, range(MOST_LISTED + 1))), "list_todos").output
    assert (listed["total"], len(listed["todos"])) == (MOST_LISTED + 1, MOST_LISTED)


def test_a_long_description_is_cut() -> None:
    added = use(Todos(), "add_todo", {"title": "milk", "description": "x" * 501}).output
    assert added["description"] == "x" * 499 + "…"
    assert (
        use(Todos(), "add_todo", {"title": "milk", "description": "x" * 500}).output["description"]
        == "x" * 500
    )


def test_update_changes_what_is_given() -> None:
    todos = Todos("milk")
    assert use(todos, "update_todo", {"id": FIRST, "title": "oat milk"}).output == shown("oat milk")
    assert use(todos, "update_todo", {"id": FIRST, "completed": True}).output == shown(
        "oat milk", completed=True
    )
    assert use(todos, "update_todo", {"id": FIRST, "completed": False}).output == shown("oat milk")
    assert use(todos, "update_todo", {"id": FIRST, "description": "two"}).output == shown("oat milk", "two")
    assert use(todos, "update_todo", {"id": FIRST, "description": ""}).output == shown("oat milk")
    assert use(todos, "update_todo", {"id": FIRST, "title": None}).output == shown("oat milk")


def test_delete() -> None:
    todos = Todos("milk", "rent")
    assert use(todos, "delete_todo", {"id": FIRST}) == Outcome({"deleted": FIRST})
    assert str(todos) == "rent"


@pytest.mark.parametrize("tool", ["update_todo", "delete_todo"])
def test_a_todo_that_is_not_there_is_told(tool: str) -> None:
    assert use(Todos("milk"), tool, {"id": 7}) == Outcome(error="There is no such todo.")


def test_a_full_list_is_told() -> None:
    full = use(Todos(*["milk"] * LIMIT), "add_todo", {"title": "one more"})
    assert full.error is not None
    assert full.error.startswith("The list is full")


def test_a_database_that_is_away_is_told() -> None:
    class Away(Todos):
        async def all(self) -> list[Todo]:
            raise DatabaseUnavailable

    assert use(Away(), "list_todos") == Outcome(error=DatabaseUnavailable.detail)


REFUSED: list[tuple[str, Any, str]] = [
    ("drop_tables", {}, "There is no such tool"),
    ("", {}, "There is no such tool"),
    ("__class__", {}, "There is no such tool"),
    ("add_todo", "", "title"),
    ("add_todo", "{", "Invalid JSON"),
    ("add_todo", "[" * 100_000, "Invalid JSON"),
    ("add_todo", '{"title": "\ud800"}', "unicode"),
    ("add_todo", r'{"title": "\ud800"}', "Invalid JSON"),
    ("add_todo", "[]", "object"),
    ("add_todo", "null", "object"),
    ("add_todo", {}, "title"),
    ("add_todo", {"title": 5}, "title"),
    ("add_todo", {"title": " "}, "Must not be blank"),
    ("add_todo", {"title": "a\0b"}, "Contains a NUL character"),
    ("add_todo", {"title": "x" * 1_025}, "Longer than 1024 characters"),
    ("add_todo", {"title": "é" * 600}, "Longer than 1024 bytes"),
    ("add_todo", {"title": "milk", "description": "x" * 4_001}, "description: Longer than"),
    ("add_todo", {"title": "milk", "due": "tomorrow"}, "not permitted"),
    ("list_todos", {"which": "some"}, "which"),
    ("update_todo", {"id": FIRST, "completed": "perhaps"}, "completed"),
    ("delete_todo", {"id": "the first"}, "id"),
    ("delete_todo", {"id": 0}, "id"),
    ("delete_todo", {"id": 2**63}, "id"),
    ("delete_todo", {"id": 1.5}, "id"),
    ("delete_todo", '{"id": 1e400}', "id"),
    ("delete_todo", '{"id": NaN}', "id"),
    ("delete_todo", f'{{"id": {"9" * 5_000}}}', "number"),
]


@pytest.mark.parametrize(("name", "arguments", "why"), REFUSED)
def test_what_cannot_be_is_refused_with_a_sentence(name: str, arguments: Any, why: str) -> None:
    todos = Todos("milk")
    refused = use(todos, name, arguments)
    assert refused.output is None
    assert refused.error is not None
    assert why in refused.error
    assert len(refused.error) < 300
    assert str(todos) == "milk"


@given(
    name=st.sampled_from([*TOOLS]),
    arguments=st.text() | st.dictionaries(st.text(), st.text()).map(json.dumps),
)
def test_nothing_is_raised_whatever_the_arguments(name: str, arguments: str) -> None:
    outcome = use(Todos("milk"), name, arguments)
    assert (outcome.output is None) == (outcome.error is not None)
    json.dumps(plain_arguments(arguments), allow_nan=False)


def test_what_of_the_arguments_is_shown() -> None:
    assert plain_arguments('{"title": "milk", "id": 1, "done": true, "due": null}') == {
        "title": "milk",
        "id": 1,
        "done": True,
        "due": None,
    }
    assert plain_arguments('{"deep": {"x": 1}, "list": [], "huge": 1e400, "none": NaN}') == {}
    for text in ("", "{", "[1]", "5", "[" * 100_000, f'{{"x": {"9" * 5_000}}}'):
        assert plain_arguments(text) == {}


def test_every_tool_is_told_with_what_all_providers_understand() -> None:
    told = {one["function"]["name"]: one["function"] for one in definitions()}
    assert told.keys() == TOOLS.keys()
    for function in told.values():
        assert function["description"]
        assert set(function["parameters"]) == {"type", "properties", "required"}
        assert function["parameters"]["properties"], "Google refuses a tool without parameters"
        for one in function["parameters"]["properties"].values():
            assert one["type"] in {"string", "integer", "boolean"}
            assert not {"anyOf", "default", "const", "$ref"} & set(one)
    assert told["add_todo"]["parameters"]["required"] == ["title"]
    assert told["update_todo"]["parameters"]["required"] == ["id"]
