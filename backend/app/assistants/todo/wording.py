"""Markdown that says what the assistant means, whatever the titles of the todos are."""

import re
from collections.abc import Sequence

from ...models.database import Todo

_MOST_NAMED = 10
_CLIPPED = 80

# What could begin emphasis, code, a link, an image, HTML, an entity or a strike-through, and what
# makes a link of a bare address. An underscore within a word is harmless, and so is the rest:
# a title never stands at the beginning of a line.
_MARKUP = re.compile(r"[\\`*\[\]<~]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line of Markdown that shows the text and does nothing else, wherever in a line it stands."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def quoted(text: str) -> str:
    """A title within a sentence: escaped, and clipped if it is long."""
    line = " ".join(text.split())
    return f"“{escaped(line if len(line) <= _CLIPPED else line[: _CLIPPED - 1] + '…')}”"


def enumerated(items: Sequence[str]) -> str:
    """Joins them to "a, b and c"; of many, the first ones and the count of the rest."""
    if len(items) > _MOST_NAMED:
        items = [*items[:_MOST_NAMED], f"{len(items) - _MOST_NAMED:,} more"]
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def count(todos: Sequence[Todo]) -> str:
    return "1 todo" if len(todos) == 1 else f"{len(todos)} todos"


def titles(todos: Sequence[Todo]) -> str:
    """Titles and their verb: "milk" was, "milk" and "eggs" were."""
    verb = "was" if len(todos) == 1 else "were"
    return f"{enumerated([quoted(todo.title) for todo in todos])} {verb}"


def paragraphs(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))
