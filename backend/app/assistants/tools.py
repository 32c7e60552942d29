"""The tools with which a model reads and changes the user's todos.

A tool is the Pydantic model of its arguments. The language model gets it as a JSON schema, and the arguments
are validated before anything is done: they are as untrusted as any client's input.
"""

import json
import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from ..errors import ChatError
from ..models.database import MAX_ID, Todo
from ..models.text import TodoDescription, TodoTitle
from ..repositories.todos import TodoRepository

MOST_LISTED = 100
"""How many todos one call shows: what a model reads costs its user money."""

_DESCRIPTION_CHARACTERS = 500
_MOST_FAULTS = 3

TodoId = Annotated[int, Field(ge=1, le=MAX_ID, description="The id of the todo, as list_todos tells it.")]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A tool's output as a JSON value, or why it failed: `error` is a sentence for the model."""

    output: Any = None
    error: str | None = None


class Tool(BaseModel):
    """The arguments of a tool. A subclass's docstring is the description that the model gets."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @abstractmethod
    async def use(self, todos: TodoRepository) -> Any:
        """Runs the tool and returns a JSON value. Raises ChatError."""


class ListTodos(Tool):
    """Lists the user's todos, oldest first. `total` says how many there are if not all are listed."""

    which: Literal["all", "open", "completed"] = "all"
    containing: str = Field("", description="Only todos with these words in title or description.")

    async def use(self, todos: TodoRepository) -> Any:
        words = self.containing.casefold()
        found = [
            todo
            for todo in await todos.all()
            if (self.which == "all" or todo.completed is (self.which == "completed"))
            and words in f"{todo.title}\n{todo.description}".casefold()
        ]
        return {"total": len(found), "todos": [_shown(todo) for todo in found[:MOST_LISTED]]}


class AddTodo(Tool):
    """Adds a todo to the user's list."""

    title: TodoTitle
    description: TodoDescription = ""

    async def use(self, todos: TodoRepository) -> Any:
        return _shown(await todos.add(self.title, self.description))


class UpdateTodo(Tool):
    """Renames a todo, describes it, completes it or opens it again. What is left out stays as it is."""

    id: TodoId
    title: TodoTitle | SkipJsonSchema[None] = None
    description: TodoDescription | SkipJsonSchema[None] = None
    completed: bool | SkipJsonSchema[None] = None

    async def use(self, todos: TodoRepository) -> Any:
        changes = self.model_dump(exclude={"id"})
        return _shown(await todos.update(self.id, **changes))


class DeleteTodo(Tool):
    """Deletes a todo for good. To mark it as done, use update_todo."""

    id: TodoId

    async def use(self, todos: TodoRepository) -> Any:
        await todos.delete(self.id)
        return {"deleted": self.id}


TOOLS: dict[str, type[Tool]] = {
    "list_todos": ListTodos,
    "add_todo": AddTodo,
    "update_todo": UpdateTodo,
    "delete_todo": DeleteTodo,
}


async def run(todos: TodoRepository, name: str, arguments: str) -> Outcome:
    """Runs the tool `name` with a model's JSON `arguments`. The outcome says what is wrong with them."""
    tool = TOOLS.get(name)
    if tool is None:
        return Outcome(error=f"There is no such tool. There are: {', '.join(TOOLS)}.")
    try:
        return Outcome(await tool.model_validate_json(arguments or "{}").use(todos))
    except ValidationError as error:
        return Outcome(error=_sentence(tool, error))
    except ChatError as error:
        return Outcome(error=error.detail)


def plain_arguments(arguments: str) -> dict[str, Any]:
    """The members of a model's arguments that are scalars, as those of all tools; none if not an object."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
    return {name: one for name, one in value.items() if _is_plain(one)} if isinstance(value, dict) else {}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | None) or (isinstance(value, float) and math.isfinite(value))


def definitions() -> list[dict[str, Any]]:
    """The tools in the form that a request to a model has them."""
    return [
        {
            "type": "function",
            "function": {"name": name, "description": tool.__doc__, "parameters": _schema(tool)},
        }
        for name, tool in TOOLS.items()
    ]


def _schema(tool: type[Tool]) -> dict[str, Any]:
    """The schema without keywords that providers reject: Google, `additionalProperties` and null defaults."""
    schema = tool.model_json_schema()
    properties = {
        name: {keyword: value for keyword, value in told.items() if keyword not in {"default", "title"}}
        for name, told in schema["properties"].items()
    }
    return {"type": "object", "properties": properties, "required": schema.get("required", [])}


def _sentence(tool: type[Tool], error: ValidationError) -> str:
    """Says what is wrong in terms of the schema, without repeating the input."""
    faults = []
    for fault in error.errors(include_input=False, include_context=False, include_url=False)[:_MOST_FAULTS]:
        name = fault["loc"][0] if fault["loc"] else None
        where = f"{name}: " if name in tool.model_fields else ""
        faults.append(where + fault["msg"].rstrip("."))
    return f"Nothing was done. {'; '.join(faults)}."


def _shown(todo: Todo) -> dict[str, Any]:
    description = todo.description
    if len(description) > _DESCRIPTION_CHARACTERS:
        description = description[: _DESCRIPTION_CHARACTERS - 1] + "…"
    return {"id": todo.id, "title": todo.title, "description": description, "completed": todo.completed}
