"""How the words after "done", "delete" or "rename" are read.

Targets are numbers (see `places`) or words of a title. "Fish and chips" stays one name here: only the
list knows whether that is one todo or two. What looks like talk is no name, except in quotes.
"""

import re
from collections.abc import Callable

from .commands import Complete, CompleteAll, Delete, Rename, Reopen, Search, Suggest, Target, Told
from .places import digits, is_count, is_word, places, trimmed
from .quotes import COMMA_OR_AND, are_quoted, cuts, is_quoted, split, unquoted
from .talk import is_talk
from .titles import title

# Longer than that, a name is more likely a sentence.
_NAME_WORDS = 10
_NAME_CHARACTERS = 200
_MOST_TARGETS = 100


# How people tell that a chore is done, and how its title says it.
_VERBS = {
    "bought": "buy", "got": "get", "picked up": "pick up", "paid": "pay", "called": "call", "rang": "ring",
    "emailed": "email", "texted": "text", "messaged": "message", "sent": "send", "booked": "book",
    "ordered": "order", "returned": "return", "cleaned": "clean", "washed": "wash", "fixed": "fix",
    "fed": "feed", "walked": "walk", "watered": "water", "cooked": "cook", "made": "make", "wrote": "write",
    "submitted": "submit", "handed in": "hand in", "turned in": "turn in", "studied": "study",
}  # fmt: skip
_DID = re.compile(rf"({'|'.join(_VERBS)}) ", re.IGNORECASE)

_BRIEF_WORDS = 4
_NOT_BRIEFLY = re.compile(
    r"\b(?:is|are|was|were|be|been|being|am|will|has|have|had|get|gets|getting|got|not|never|almost|nearly|half"
    r"|mostly|partly|easier|said|or|than|to|by|no|who|what|well|job|deal|all|everything|consider)\b|n['\u2019]?t\b",
    re.IGNORECASE,
)


def complete(text: str) -> Complete | None:
    if is_count(text) and not is_word(text):
        return Complete(())
    return Complete(found) if (found := _targets(text)) else None


def complete_all(text: str) -> CompleteAll | None:
    """Reads "complete all three"."""
    count = digits(text.removesuffix(" of them"))
    return CompleteAll(int(count)) if count.isdecimal() else None


def complete_digits(text: str) -> Complete | None:
    """Reads "check ...": "check one, two" tries a microphone."""
    return None if text != digits(text) else complete_numbers(text)


def completed(text: str) -> Complete | None:
    """Reads "I finished ...", where "two" tells how many, but not which ones."""
    return Complete(()) if is_count(text) else complete(text)


def complete_numbers(text: str) -> Complete | None:
    """Reads "finish ...", which is said of many things: only numbers count."""
    found = _targets(text)
    return Complete(found) if found and all(isinstance(target, int) for target in found) else None


def completed_briefly(text: str) -> Complete | None:
    """Reads "milk done", and not "well done", "almost done" or "get things done"."""
    if len(text.split()) > _BRIEF_WORDS or _NOT_BRIEFLY.search(text):
        return None
    return completed(text)


def told(text: str) -> Told | None:
    """Reads "bought the eggs": what somebody did, in words that the list need not have."""
    did = _DID.match(text)
    name = _name(text[did.end() :]) if did else ""
    return Told(_VERBS[did[1].lower()], name) if did and name else None


def reopen(text: str) -> Reopen | None:
    return Reopen(found) if (found := _targets(text)) else None


def delete(text: str) -> Delete | None:
    """Asks back for "delete two", which may tell the number or how many."""
    if is_count(text):
        return Delete(())
    return Delete(found) if (found := _targets(text)) else None


def suggest_delete(text: str) -> Suggest | None:
    """Reads "drop ...", which may be something to do as well."""
    return Suggest(f"delete {text}") if _targets(text) else None


def rename_unsaid(text: str) -> Rename | None:
    """Reads "rename milk", without the new title."""
    return Rename(()) if _targets(text) else None


def search(text: str) -> Search | None:
    name = _name(text.rstrip("? "))
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
    return [unquoted(trimmed(part)) for part in split(COMMA_OR_AND, text) if part] or [text]


def _targets(text: str) -> tuple[Target, ...] | None:
    text = text.lstrip(": ")
    parts = split(COMMA_OR_AND, text)
    if not are_quoted(text) and not any(map(places, parts)):
        parts = [text]
    if len(parts) > _MOST_TARGETS:
        return None
    targets: list[Target] = []
    for part in parts:
        found = places(part) or _name(part)
        if not found:
            return None
        targets += [found] if isinstance(found, str) else found
    return tuple(dict.fromkeys(targets))


def _name(text: str) -> str:
    """Empty if it is not a name."""
    text = text.strip()
    if is_quoted(text):
        return text if unquoted(text) else ""
    if len(text) > _NAME_CHARACTERS or len(text.split()) > _NAME_WORDS or is_talk(text):
        return ""
    return trimmed(text)
