"""The offline assistant and todos in memory, for tests without a database."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from app.assistants.base import Prompt, Utterance
from app.assistants.todo import TodoAssistant
from app.errors import TodoLimitReached, TodoNotFound
from app.models.database import MAX_TITLE_BYTES, Todo
from app.models.events import Event, TextDelta
from app.repositories.todos import TodoRepository
from app.turns.draft import Draft

LIMIT = 1_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Todos(TodoRepository):
    """A user's todos, kept in memory instead of a database. A title that begins with an x is done."""

    def __init__(self, *titles: str) -> None:
        self.rows: dict[int, Todo] = {}
        for title in titles:
            self._insert(title.removeprefix("x "), completed=title.startswith("x "))

    def __str__(self) -> str:
        return ", ".join("x " * todo.completed + todo.title for todo in self.rows.values())

    def _insert(self, title: str, *, description: str = "", completed: bool = False) -> Todo:
        todo = Todo(
            id=100 + max(self.rows, default=0),  # unlike any number in the list
            user_id=1,
            title=title,
            description=description,
            completed=completed,
            created_at=NOW,
            updated_at=NOW,
        )
        self.rows[todo.id] = todo
        return todo

    async def all(self) -> list[Todo]:
        return [todo.model_copy() for todo in self.rows.values()]

    async def get(self, todo_id: int) -> Todo:
        if todo_id not in self.rows:
            raise TodoNotFound
        return self.rows[todo_id]

    async def add(self, title: str, description: str = "") -> Todo:
        if len(self.rows) >= LIMIT:
            raise TodoLimitReached
        assert title.strip()
        assert len(title.encode()) <= MAX_TITLE_BYTES
        return self._insert(title, description=description)

    async def update(
        self,
        todo_id: int,
        *,
        title: str | None = None,
        description: str | None = None,
        completed: bool | None = None,
    ) -> Todo:
        todo = await self.get(todo_id)
        todo.title = todo.title if title is None else title
        todo.description = todo.description if description is None else description
        todo.completed = todo.completed if completed is None else completed
        return todo

    async def delete(self, todo_id: int) -> None:
        del self.rows[(await self.get(todo_id)).id]


class Snatched(Todos):
    """Another request deletes each todo just before it is changed here."""

    async def get(self, todo_id: int) -> Todo:
        self.rows.pop(todo_id, None)
        return await super().get(todo_id)


def events(todos: Todos, *messages: Utterance, replaced: Sequence[Utterance] = ()) -> list[Event]:
    async def read() -> list[Event]:
        return [event async for event in TodoAssistant().reply(Prompt(messages, todos, replaced))]

    return asyncio.run(read())


def content(events: Iterable[Event]) -> str:
    """The text of a reply, as it is stored."""
    draft = Draft(1_000_000)
    shown = [draft.add(event) for event in events]
    return "".join(event.text for event in shown if isinstance(event, TextDelta))


def say(todos: Todos, text: str, *replaced: Utterance) -> str:
    return content(events(todos, Utterance("user", text), replaced=replaced))


def stored(events: Iterable[Event]) -> Utterance:
    """A reply as it is found again later; one that ended before a tool had answered has the call."""
    draft = Draft(1_000_000)
    for event in events:
        draft.add(event)
    parts = draft.all_parts()
    return Utterance("assistant", draft.take()[1], None if parts is None else json.loads(parts))
