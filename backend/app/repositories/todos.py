"""A user's todos."""

from sqlalchemy import bindparam, delete, func, insert, literal, select, update
from sqlmodel import col

from ..db.connection import Row
from ..db.statement import read, write
from ..errors import TodoLimitReached, TodoNotFound
from ..models.database import Todo, User
from .base import Repository, owned

CAPACITY = 1_000
"""How many todos one user may have, so that the list stays short."""

COLUMNS = (
    col(Todo.id),
    col(Todo.title),
    col(Todo.description),
    col(Todo.completed),
    col(Todo.created_at),
    col(Todo.updated_at),
)
_NAMES = tuple(select(*COLUMNS).selected_columns.keys())
_THIS = (col(Todo.id) == bindparam("todo_id"), owned(Todo))

_LIST = read(select(*COLUMNS).where(owned(Todo)).order_by(col(Todo.id)).limit(CAPACITY))
_GET = read(select(*COLUMNS).where(*_THIS))
# Concurrent requests of the same user wait here, so that the insert counts the todos that they added.
_LOCK = select(col(User.id)).where(col(User.id) == bindparam("user_id")).with_for_update(key_share=True)
_ADD = write(
    _LOCK,
    insert(Todo)
    .from_select(
        ["user_id", "title", "description"],
        select(bindparam("user_id"), bindparam("title"), bindparam("description")).where(
            select(func.count()).select_from(Todo).where(owned(Todo)).scalar_subquery() < literal(CAPACITY)
        ),
        include_defaults=False,
    )
    .returning(*COLUMNS),
)
_UPDATE = write(
    update(Todo)
    .where(*_THIS)
    .values(
        title=func.coalesce(bindparam("title"), col(Todo.title)),
        description=func.coalesce(bindparam("description"), col(Todo.description)),
        completed=func.coalesce(bindparam("completed"), col(Todo.completed)),
        updated_at=func.now(),
    )
    .returning(*COLUMNS)
)
_DELETE = write(delete(Todo).where(*_THIS).returning(col(Todo.id)))


class TodoRepository(Repository):
    """The todos of one user, in the order in which they were added."""

    async def all(self) -> list[Todo]:
        """Returns all todos, at most CAPACITY."""
        return [_todo(row) for row in await self._rows(_LIST)]

    async def get(self, todo_id: int) -> Todo:
        """Returns a todo. Raises TodoNotFound."""
        return _found(await self._row(_GET, todo_id=todo_id))

    async def add(self, title: str, description: str = "") -> Todo:
        """Adds a todo. Raises TodoLimitReached if the user already has CAPACITY todos."""
        row = await self._row(_ADD, title=title, description=description)
        if row is None:
            raise TodoLimitReached
        return _todo(row)

    async def update(
        self,
        todo_id: int,
        *,
        title: str | None = None,
        description: str | None = None,
        completed: bool | None = None,
    ) -> Todo:
        """Changes the fields that are not None. Raises TodoNotFound."""
        row = await self._row(
            _UPDATE, todo_id=todo_id, title=title, description=description, completed=completed
        )
        return _found(row)

    async def delete(self, todo_id: int) -> None:
        """Deletes a todo. Raises TodoNotFound."""
        if await self._row(_DELETE, todo_id=todo_id) is None:
            raise TodoNotFound


def _todo(row: Row) -> Todo:
    return Todo(**dict(zip(_NAMES, row, strict=True)))


def _found(row: Row | None) -> Todo:
    if row is None:
        raise TodoNotFound
    return _todo(row)
