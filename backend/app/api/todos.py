"""Routes for the todos, which the offline assistant manages as well."""

from fastapi import Response

from ..errors import TodoLimitReached, TodoNotFound
from ..models import database
from ..models.api import Todo, TodoCreate, TodoList, TodoUpdate
from .deps import TodoId, Todos
from .openapi import answers, links
from .strict import strict_router

router = strict_router("/api/todos", "todos")

_LINKS = links({"todo_id": "$response.body#/id"}, get="get_todo", update="update_todo", delete="delete_todo")


@router.get("", responses=answers(TodoList))
async def list_todos(todos: Todos) -> TodoList:
    """Lists your todos. The response has all of them, in the order in which they were added."""
    return TodoList.model_validate({"items": await todos.all()})


@router.post(
    "",
    status_code=201,
    response_model=Todo,
    responses=answers(None, TodoLimitReached, status=201, links=_LINKS),
)
async def create_todo(todos: Todos, wanted: TodoCreate, response: Response) -> database.Todo:
    """Adds a todo. The assistant sees it, too."""
    todo = await todos.add(wanted.title, wanted.description)
    response.headers["Location"] = f"/api/todos/{todo.id}"
    return todo


@router.get("/{todo_id}", response_model=Todo, responses=answers(None, TodoNotFound))
async def get_todo(todos: Todos, todo_id: TodoId) -> database.Todo:
    """Reads a todo. The assistant sees and changes the same one."""
    return await todos.get(todo_id)


@router.patch("/{todo_id}", response_model=Todo, responses=answers(None, TodoNotFound))
async def update_todo(todos: Todos, todo_id: TodoId, wanted: TodoUpdate) -> database.Todo:
    """Completes, reopens or renames a todo. Fields that are omitted or null stay as they are."""
    return await todos.update(todo_id, **wanted.model_dump())


@router.delete("/{todo_id}", status_code=204, responses=answers(None, TodoNotFound, status=204))
async def delete_todo(todos: Todos, todo_id: TodoId) -> None:
    """Deletes a todo. The others keep their ids."""
    await todos.delete(todo_id)
