"""Carrying out commands, and saying in Markdown what came of them."""

from collections.abc import Generator, Iterator, Sequence
from functools import singledispatchmethod
from typing import Any

from ...models.database import MAX_TITLE_BYTES, Todo
from ..tools import AddTodo, DeleteTodo, ListTodos, Tool, UpdateTodo
from .commands import (
    Add,
    Change,
    ClearCompleted,
    Command,
    Complete,
    CompleteAll,
    Delete,
    DeleteAll,
    Greet,
    Rename,
    Reopen,
    ReopenAll,
    Search,
    Show,
    Suggest,
    Target,
    Tell,
    Told,
)
from .deeds import Deeds
from .listing import Listing
from .manners import MANNERS
from .targets import names
from .wording import count, paragraphs, quoted, titles

MOST_ADDED = 100
"""Todos that one command adds."""

_MOST_RELISTED = 10

_REMINDER = "I keep it on your list, but I cannot remind you at a certain time."
_REPEATED = "I answered this before, so I changed nothing now. To have it done once more, say it again."
_UNSURE = "That reply was cut off, so please look at your list: I cannot tell whether its last step was done."
_WHICH = "Which one? Tell me its number, or words of its title."


Steps = Generator[Tool | None, Any, str]
"""Yields a tool and gets its Outcome, or yields None and gets all todos; returns what to say of it."""


class Work:
    """Decides what the commands of one message do, step by step. Whoever asks for the steps takes them.

    Numbers mean the list as it was `before` the message, and what the message adds is counted on
    from there: "delete 1" and "delete 2" on two lines delete what the user saw there.
    """

    def __init__(self, before: Sequence[Todo]) -> None:
        self._numbered = [todo.id for todo in before]

    def steps(self, commands: Sequence[Command], already: Deeds) -> Iterator[Steps]:
        """Those of each command in turn. Where todos are `already` changed, no command changes any."""
        if already and any(isinstance(command, Add | Change) for command in commands):
            yield self._repeat(already)
            commands = [command for command in commands if not isinstance(command, Add | Change)]
        yield from map(self.answer, commands)

    @singledispatchmethod
    def answer(self, command: Command) -> Steps:
        """What it takes, and then what to tell. A command without a method of its own does nothing else."""
        assert isinstance(command, Tell)
        yield from ()
        return MANNERS[command.topic].reply

    @answer.register
    def _add(self, command: Add) -> Steps:
        if not command.titles:
            return "What shall I add? A todo needs a title: `add buy milk`."
        if len(command.titles) > MOST_ADDED:
            return f"Those are {len(command.titles)} todos. I add up to {MOST_ADDED} at once, and added none."
        added: list[Todo] = []
        problems: list[str] = []
        for title in command.titles:
            if problem := _unfit(title):
                problems.append(problem)
                continue
            outcome = yield AddTodo(title=title)
            if outcome.error is not None:
                problems.append(f"I could not add {quoted(title)}. {outcome.error}")
                break
            added.append(Todo(**outcome.output))
        self._numbered += [todo.id for todo in added]
        reminder = _REMINDER if added and command.reminder else ""
        return paragraphs((yield from self._changed("Added", added)), reminder, *problems)

    @answer.register
    def _show(self, command: Show) -> Steps:
        yield ListTodos(which="completed" if command.which == "done" else command.which)
        current = yield from self._list()
        if not current.todos:
            return "Your list is empty. Say for example `add buy milk`."
        if command.which == "open":
            heading = f"{count(current.open)} to do:" if current.open else "Nothing is left. Well done!"
            return paragraphs(heading, current.lines(current.open))
        if command.which == "done":
            heading = f"{count(current.done)} done:" if current.done else "Nothing is done yet."
            return paragraphs(heading, current.lines(current.done))
        heading = f"Your list, {len(current.open)} open and {len(current.done)} done:"
        return paragraphs(heading, current.lines(current.todos))

    @answer.register
    def _search(self, command: Search) -> Steps:
        if not command.words:
            return "What shall I look for? For example: `find milk`."
        yield ListTodos()
        current = yield from self._list()
        found = current.mentioning(command.words)
        if not found:
            return f"No todo mentions {quoted(command.words)}, and I can search nothing else."
        return paragraphs(f"{count(found)} with {quoted(command.words)}:", current.lines(found))

    @answer.register
    def _complete(self, command: Complete) -> Steps:
        return self._mark_named(command.targets, completed=True)

    @answer.register
    def _reopen(self, command: Reopen) -> Steps:
        return self._mark_named(command.targets, completed=False)

    @answer.register
    def _told(self, command: Told) -> Steps:
        current = yield from self._list()
        whole = current.told(command.verb, command.name)
        found = [whole] if whole else [current.told(command.verb, name) for name in names(command.name)]
        if all(len(todos) == 1 for todos in found):
            return (yield from self._mark(current, [todo for [todo] in found], completed=True))
        if similar := current.named(command.name):
            return f"Which one is done? Tell me its number.\n\n{current.lines(similar)}"
        return f"I did not find {quoted(command.name)} on your list, and changed nothing."

    @answer.register
    def _complete_all(self, command: CompleteAll) -> Steps:
        current = yield from self._list()
        if command.number not in (None, len(current.open)):
            return f"{count(current.open)} to do, so I left them alone. {_WHICH}"
        return (
            yield from self._mark(current, current.open, completed=True)
        ) or "Nothing was open. Well done!"

    @answer.register
    def _reopen_all(self, _: ReopenAll) -> Steps:
        current = yield from self._list()
        return (yield from self._mark(current, current.done, completed=False)) or "No todo was done."

    @answer.register
    def _rename(self, command: Rename) -> Steps:
        if not command.readings:
            return "Which one, and to what? For example: `rename 2 to buy oat milk`."
        current = yield from self._list()
        readings = command.readings
        if len(readings) > 1:
            readings = tuple(reading for reading in readings if current.titled(str(reading[0])))
        if len(readings) != 1:
            return 'Where does the old title end? Use quotes: `rename "old title" to "new title"`.'
        [(target, title)] = readings
        if problem := _unfit(title):
            return problem
        todos, problems = current.find([target], self._numbered)
        if len(todos) != 1:
            return paragraphs(*problems) or "Those are several todos. I rename one at a time."
        yield UpdateTodo(id=todos[0].id, title=title)
        return (yield from self._changed(f"Renamed {quoted(todos[0].title)}", todos))

    @answer.register
    def _delete(self, command: Delete) -> Steps:
        if not command.targets:
            return _WHICH
        todos, problems = (yield from self._list()).find(command.targets, self._numbered)
        yield from self._delete_each(todos)
        report = f"{titles(todos)} deleted." if todos else ""
        return paragraphs(report, *problems, (yield from self._rest()) if todos else "")

    @answer.register
    def _delete_all(self, command: DeleteAll) -> Steps:
        todos = (yield from self._list()).todos
        if not todos:
            return "Your list is empty already."
        if not command.confirmed:
            return (
                f"That would delete {count(todos)}, done ones included, and nothing brings them back."
                " If you mean it, say exactly `delete all todos`."
            )
        yield from self._delete_each(todos)
        return f"Deleted {count(todos)}. Your list is empty."

    @answer.register
    def _clear_completed(self, _: ClearCompleted) -> Steps:
        cleared = (yield from self._list()).done
        if not cleared:
            return "There is no completed todo to clear."
        yield from self._delete_each(cleared)
        report = f"Cleared {len(cleared)} completed todo{'s' * (len(cleared) > 1)}."
        return paragraphs(report, (yield from self._rest()))

    @answer.register
    def _greet(self, _: Greet) -> Steps:
        current = yield from self._list()
        left = f"You have {count(current.open)} to do." if current.open else "There is nothing to do."
        return f"Hello! {left} Say `help` to see what I understand."

    @answer.register
    def _suggest(self, command: Suggest) -> Steps:
        yield from ()
        return f"Did you mean {quoted(command.line)}? I changed nothing yet: please say it that way."

    def _repeat(self, already: Deeds) -> Steps:
        deleted = f"{already.deleted} todo{'s' * (already.deleted > 1)} deleted then."
        return paragraphs(
            _REPEATED,
            (yield from self._changed("What I changed then, as it is now", [*already.changed.values()])),
            deleted if already.deleted else "",
            _UNSURE if already.unsure else "",
        )

    def _list(self) -> Generator[None, Sequence[Todo], Listing]:
        """The list as it is now. That is a look of the assistant's own, and no use of a tool."""
        return Listing((yield None))

    def _mark_named(self, targets: Sequence[Target], *, completed: bool) -> Steps:
        if not targets:
            return _WHICH
        current = yield from self._list()
        todos, problems = current.find(targets, self._numbered, completed=completed)
        before = [todo for todo in todos if todo.completed is completed]
        changing = [todo for todo in todos if todo.completed is not completed]
        already = f"{titles(before)} {'done' if completed else 'open'} already." if before else ""
        marked = yield from self._mark(current, changing, completed=completed)
        return paragraphs(marked, already, *problems)

    def _mark(self, current: Listing, todos: Sequence[Todo], *, completed: bool) -> Steps:
        for todo in todos:
            yield UpdateTodo(id=todo.id, completed=completed)
        left = len(current.open) - len(todos)
        return (
            yield from self._changed(f"Done, {left or 'nothing'} left" if completed else "Open again", todos)
        )

    def _delete_each(self, todos: Sequence[Todo]) -> Generator[Tool, Any, None]:
        for todo in todos:
            yield DeleteTodo(id=todo.id)

    def _changed(self, heading: str, todos: Sequence[Todo]) -> Steps:
        """How the todos look now; empty without any. One may have been deleted by another request."""
        current = yield from self._list()
        shown = current.pick({todo.id for todo in todos})
        gone = [todo for todo in todos if todo.id not in {todo.id for todo in shown}]
        return paragraphs(
            f"{heading}:" if shown else "",
            current.lines(shown),
            f"{titles(gone)} deleted in the meantime." if gone else "",
        )

    def _rest(self) -> Steps:
        """The list after a deletion, since its numbers are new."""
        current = yield from self._list()
        if not current.todos:
            return "Your list is empty now."
        if len(current.todos) > _MOST_RELISTED:
            return "The todos have new numbers now: say `list` to see them."
        return paragraphs("Your list now:", current.lines(current.todos))


def _unfit(title: str) -> str:
    """What is wrong with a title; empty if nothing is."""
    if not title:
        return "A todo needs a title, so I changed nothing."
    if len(title.encode()) > MAX_TITLE_BYTES:
        return f"A title has {MAX_TITLE_BYTES} bytes at most, and {quoted(title)} is longer: I left it out."
    return ""
