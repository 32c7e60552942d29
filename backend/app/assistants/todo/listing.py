"""A user's todos at one moment, as the assistant finds and shows them."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence

from ...models.database import Todo
from .commands import Target
from .quotes import unquoted
from .targets import names
from .wording import enumerated, escaped, quoted

MOST_SHOWN = 50

_PUNCTUATION = ".,;:!?\"'()“”\u2018\u2019"

_ARTICLES = {"the", "a", "an", "my", "our", "some"}


def folded(text: str) -> str:
    """What two spellings of the same words have in common: no case, accents, outer punctuation."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(word.strip(_PUNCTUATION) or word for word in letters.split())


class Listing:
    """All todos of a user, numbered from 1 in the order of their creation."""

    def __init__(self, todos: Sequence[Todo]) -> None:
        self.todos = todos
        self.open = [todo for todo in todos if not todo.completed]
        self.done = [todo for todo in todos if todo.completed]
        self._numbers = {todo.id: number for number, todo in enumerate(todos, start=1)}
        self._by_id = {todo.id: todo for todo in todos}
        self._folded = [(f" {folded(todo.title)} ", todo) for todo in todos]

    def lines(self, todos: Sequence[Todo]) -> str:
        """A Markdown list of some of the todos, with their numbers: the first MOST_SHOWN of them."""
        lines = [
            f"- {'☑' if todo.completed else '☐'} {self._numbers[todo.id]}. {escaped(todo.title)}"
            for todo in todos[:MOST_SHOWN]
        ]
        if len(todos) > MOST_SHOWN:
            lines += ["", f"… and {len(todos) - MOST_SHOWN} more."]
        return "\n".join(lines)

    def pick(self, ids: Collection[int]) -> list[Todo]:
        """Those of the given ones that are on the list, in its order."""
        return [todo for todo in self.todos if todo.id in ids]

    def mentioning(self, words: str) -> list[Todo]:
        wanted = folded(words)
        return [todo for title, todo in self._folded if wanted in title]

    def titled(self, name: str) -> list[Todo]:
        """Those with exactly this title, as far as case, accents and punctuation go."""
        wanted = f" {folded(unquoted(name))} "
        return [todo for title, todo in self._folded if title == wanted]

    def told(self, verb: str, name: str) -> list[Todo]:
        """The open ones that are called just so, or so with the verb: "eggs", "buy the eggs"."""
        wanted = _essence(unquoted(name))
        return [todo for todo in self.open if _essence(todo.title) in (wanted, f"{verb} {wanted}")]

    def named(self, name: str) -> list[Todo]:
        """Those that the name can mean: by the whole title, else by whole words, else by how words begin.

        One or two letters begin no word: "delete a" must not find the apples.
        """
        wanted = f" {folded(unquoted(name))}"
        begins = wanted if len(wanted) > len(" an") else f"{wanted} "
        return (
            self.titled(name)
            or [todo for title, todo in self._folded if f"{wanted} " in title]
            or [todo for title, todo in self._folded if begins in title]
        )

    def find(
        self, targets: Sequence[Target], numbered: Sequence[int], *, completed: bool | None = None
    ) -> tuple[list[Todo], list[str]]:
        """The todos that are meant, once each, and a sentence for each problem with the others.

        `numbered` are the ids behind the numbers. Of several todos with one title, those are meant
        that are not `completed` (or not open) yet. An ambiguous name means none.
        """
        found: dict[int, Todo] = {}
        missing: list[str] = []
        problems: list[str] = []
        for target in self._one_by_one(targets):
            candidates = (
                [self._by_id[key] for key in _numbered(target, numbered) if key in self._by_id]
                if isinstance(target, int)
                else self._to_change(target, completed) or self.named(target)
            )
            if len(candidates) == 1:
                found[candidates[0].id] = candidates[0]
            elif candidates:
                problems.append(
                    f"{_called(target)} could be any of these, so I left them alone."
                    f" Tell me the number.\n\n{self.lines(candidates)}"
                )
            else:
                missing.append(_called(target))
        if missing:
            problems.append(f"I did not find {enumerated(missing)} on your list.")
        return list(found.values()), problems

    def _one_by_one(self, targets: Sequence[Target]) -> Iterator[Target]:
        """Takes "fish and chips" for two todos only if it is not the name of one."""
        for target in targets:
            if isinstance(target, int) or self.named(target):
                yield target
            else:
                yield from names(target)

    def _to_change(self, name: str, completed: bool | None) -> list[Todo]:
        return [todo for todo in self.titled(name) if completed in (not todo.completed, None)]


def _numbered(number: int, ids: Sequence[int]) -> Sequence[int]:
    """One id, or none: also for 0, which is no number of a list."""
    return ids[number : number + 1 or None] if number < 0 else ids[number - 1 : number]


def _essence(text: str) -> str:
    return " ".join(word for word in folded(text).split() if word not in _ARTICLES)


def _called(target: Target) -> str:
    if isinstance(target, str):
        return quoted(unquoted(target))
    if target >= 0:
        return f"number {target}"
    return "the last one" if target == -1 else f"number {-target} from the end"
