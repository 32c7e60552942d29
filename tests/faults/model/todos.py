"""Todos: added, read, finished and dropped, by their user and by the other one."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from faults.model.world import Todo, World, which, who, words


class Todos(World):
    @rule(owner=who, title=words)
    def add_todo(self, owner: int, title: str) -> None:
        self.step("add todo")
        made = self.users[owner].post("/api/todos", {"title": title})
        assert made.status_code == 201, made.text
        self.todos[made.json()["id"]] = Todo(owner, title)

    @precondition(lambda self: self.todos)
    @rule(place=which, user=who)
    def read_todo(self, place: int, user: int) -> None:
        self.step("read todo")
        number = self._todo(place)
        todo = self.todos[number]
        answer = self.users[user].get(f"/api/todos/{number}")
        assert answer.status_code == (200 if user == todo.owner else 404)
        if user == todo.owner:
            shown = answer.json()
            assert (shown["id"], shown["title"], shown["completed"]) == (number, todo.title, todo.completed)

    @precondition(lambda self: self.todos)
    @rule(place=which, user=who, completed=st.booleans())
    def finish_todo(self, place: int, user: int, completed: bool) -> None:
        self.step("finish todo")
        number = self._todo(place)
        todo = self.todos[number]
        answer = self.users[user].patch(f"/api/todos/{number}", {"completed": completed})
        assert answer.status_code == (200 if user == todo.owner else 404)
        if user == todo.owner:
            todo.completed = completed

    @precondition(lambda self: self.todos)
    @rule(place=which, user=who)
    def drop_todo(self, place: int, user: int) -> None:
        self.step("drop todo")
        number = self._todo(place)
        is_own = user == self.todos[number].owner
        assert self.users[user].delete(f"/api/todos/{number}").status_code == (204 if is_own else 404)
        if is_own:
            del self.todos[number]

    def _todo(self, place: int) -> int:
        return list(self.todos)[place % len(self.todos)]
