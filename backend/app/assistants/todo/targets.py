"""How the words after "done", "delete" or "rename" are read.

Targets are numbers ("2", "#2", "1-3", "1 and 3", "the last one") or words of a title. "Fish and
chips" stays one name here: only the list knows whether that is one todo or two. What looks like
talk is no name, except in quotes.
"""

import re
from collections.abc import Callable

from .commands import Complete, Delete, Rename, Reopen, Search, Target
from .quotes import COMMA_OR_AND, are_quoted, cuts, is_quoted, split, unquoted
from .talk import is_talk
from .titles import title

# Longer than that, a name is more likely a sentence; longer than that, a range is a slip.
_NAME_WORDS = 10
_NAME_CHARACTERS = 200
_RANGE_NUMBERS = 1_000
_MOST_TARGETS = 100

_NUMBERS = re.compile(r"#?\d{1,4}(?:(?: |, ?)#?\d{1,4})*")
_RANGE = re.compile(
    r"(?:from )?#?(\d{1,4}) ?(?:-|\u2013|\u2014|to|through|until) ?#?(\d{1,4})", re.IGNORECASE
)
_ORDINAL = re.compile(r"(?:(\d{1,4})(?:st|nd|rd|th)|(first|second|third|last))", re.IGNORECASE)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "last": -1}
_BEFORE_TARGET = re.compile(
    r"(?:(?:the|my|a|an) )?(?:(?:todo|to-do|task|item|number)s? |no\. ?)?", re.IGNORECASE
)
_AFTER_TARGET = re.compile(r"(?<=\S) (?:one|todo|to-do|task|item)s?$", re.IGNORECASE)


def complete(text: str) -> Complete | None:
    return Complete(found) if (found := _targets(text)) else None


def complete_numbers(text: str) -> Complete | None:
    """Reads "finish ..." and "... done", which are said of many things: only numbers count."""
    found = _targets(text)
    return Complete(found) if found and all(isinstance(target, int) for target in found) else None


def reopen(text: str) -> Reopen | None:
    return Reopen(found) if (found := _targets(text)) else None


def delete(text: str) -> Delete | None:
    return Delete(found) if (found := _targets(text)) else None


def search(text: str) -> Search | None:
    name = _name(text)
    return Search(unquoted(name)) if name else None


def rename(separator: str) -> Callable[[str], Rename | None]:
    """Makes the reader of "2 to oat milk", with the words that may stand for "to" as `separator`."""
    pattern = re.compile(rf" (?:{separator}) ", re.IGNORECASE)

    def read(text: str) -> Rename | None:
        readings: list[tuple[Target, str]] = []
        for cut in cuts(pattern, text):
            found, new = _targets(text[: cut.start()]), title(text[cut.end() :])
            if not found or len(found) > 1 or "\n" in new:
                break
            readings.append((found[0], new))
            if isinstance(found[0], int):
                break
        return Rename(tuple(readings)) if readings else None

    return read


def names(text: str) -> list[str]:
    """The names in "fish and chips", if that is not the name of one todo."""
    return [unquoted(_trimmed(part)) for part in split(COMMA_OR_AND, text) if part] or [text]


def _targets(text: str) -> tuple[Target, ...] | None:
    text = text.lstrip(": ")
    parts = split(COMMA_OR_AND, text)
    if not are_quoted(text) and not any(map(_target_numbers, parts)):
        parts = [text]
    if len(parts) > _MOST_TARGETS:
        return None
    targets: list[Target] = []
    for part in parts:
        found = _target_numbers(part) or _name(part)
        if not found:
            return None
        targets += [found] if isinstance(found, str) else found
    return tuple(dict.fromkeys(targets))


def _target_numbers(text: str) -> list[int]:
    text = _trimmed(text)
    if found := _ORDINAL.fullmatch(text):
        return [int(found[1]) if found[1] else _ORDINALS[found[2].lower()]]
    if found := _RANGE.fullmatch(text):
        first, last = sorted((int(found[1]), int(found[2])))
        return list(range(first, last + 1)) if last - first < _RANGE_NUMBERS else []
    if _NUMBERS.fullmatch(text):
        return [int(digits) for digits in re.findall(r"\d+", text)]
    return []


def _trimmed(text: str) -> str:
    return _AFTER_TARGET.sub("", _BEFORE_TARGET.sub("", text, count=1))


def _name(text: str) -> str:
    """Empty if it is not a name."""
    text = text.strip()
    if is_quoted(text):
        return text if unquoted(text) else ""
    if len(text) > _NAME_CHARACTERS or len(text.split()) > _NAME_WORDS or is_talk(text):
        return ""
    return _trimmed(text)
