"""What the todo assistant can be asked for."""

from dataclasses import dataclass
from typing import Literal

Target = int | str
"""A todo as a person names it: its number in the list (-1 is the last one) or words of its title.

A name that was written in quotes still is in them: it stands for one todo.
"""


@dataclass(frozen=True, slots=True)
class Add:
    """Without a title: somebody said "add" and no more. So it is with the targets of the others."""

    titles: tuple[str, ...]
    reminder: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    which: Literal["all", "open", "done"]


@dataclass(frozen=True, slots=True)
class Search:
    words: str


@dataclass(frozen=True, slots=True)
class Complete:
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Reopen:
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody says to have done, in other words than the list: "I bought the eggs"."""

    verb: str
    """As a title would have it: "buy"."""
    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """`readings` are (todo, new title): several when "to" may also be a word of a title."""

    readings: tuple[tuple[Target, str], ...]


@dataclass(frozen=True, slots=True)
class CompleteAll:
    number: int | None = None
    """Said to be open, as in "complete both"."""


@dataclass(frozen=True, slots=True)
class ReopenAll:
    pass


@dataclass(frozen=True, slots=True)
class ClearCompleted:
    pass


@dataclass(frozen=True, slots=True)
class DeleteAll:
    """`confirmed`: by the exact words "delete all todos", which nobody says by accident."""

    confirmed: bool


@dataclass(frozen=True, slots=True)
class Suggest:
    """A line that is probably meant. Whoever means it has to say it."""

    line: str


@dataclass(frozen=True, slots=True)
class Greet:
    pass


Topic = Literal["help", "deletion", "undo", "several", "answer", "fine", "thanks", "bye"]


@dataclass(frozen=True, slots=True)
class Tell:
    topic: Topic


Change = Complete | Told | Reopen | Rename | Delete | CompleteAll | ReopenAll | ClearCompleted | DeleteAll
"""What changes todos that exist."""

Command = Add | Show | Search | Change | Suggest | Greet | Tell
