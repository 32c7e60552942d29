"""How the words after "add" are read.

* Lines, bullets and semicolons always separate todos.
* Commas do, with a last "and", in a list of at least three parts of at most five words each, as in
  "milk, eggs and bread", and so do two times "and". After "add:" two parts are enough, and with ", and"
  between them, which one thing does not need; after "add todos" an "and" is. So "buy bread and butter"
  is one todo, and so is a sentence with commas in it.
* Quoted text is never separated. "Add a todo ..." and "remind me to ..." speak of one todo.
"""

import re

from .commands import Add, Suggest
from .quotes import AND, COMMA, COMMA_AND, COMMA_OR_AND, are_quoted, split, unquoted
from .talk import is_talk

_LIST_WORDS = 5
_LISTED = 3
_CHORE_WORDS = 10

BULLET = re.compile(r"(?:^|(?<=\s))(?:[-*+•·\u2013\u2014]|\d{1,3}[.)])\s+(?:\[[ xX]?\]\s+)?")
_SEMICOLON = re.compile(";")
_ARITHMETIC = re.compile(r"[\d\s.,+*/=()^-]*\d(?: and \d+)?")

# "I have to say ..." is no chore, and neither is "I have to go" or "I need to do it".
_NO_CHORE = re.compile(
    r"(?:say|admit|know|ask|tell|confess|agree|disagree|understand|apologi[sz]e|explain|be|have)\b"
    r"|(?:go|leave|run|sleep|think|stop|talk)(?: now)?$"
    r"|.*\b(?:it|this|that)$",
    re.IGNORECASE,
)

_ERRAND = re.compile(
    r"(?:buy|call|pay|email|text|book|pick up|feed|wash|clean|fix|order|return|water|walk) ",
    re.IGNORECASE,
)

_TIMED = re.compile(
    r"((?:today|tonight|tomorrow|later|(?:at|on|in|next|this) [\w: ]{1,20}?)) to (.+)", re.IGNORECASE
)


def add(text: str) -> Add | None:
    """None for a sum ("add 2 and 2"): that is not about todos."""
    body = text.lstrip(": ")
    if _ARITHMETIC.fullmatch(body):
        return None
    return Add(_titles(body, comma_parts=2 if text.startswith(":") else _LISTED))


def add_several(text: str) -> Add:
    return Add(_titles(text.lstrip(": "), comma_parts=2, separator=COMMA_OR_AND))


def add_following(text: str) -> Add | None:
    """Reads "add these: ...". Without the colon it may be anything."""
    return add_several(text) if text.startswith(":") else None


def add_one(text: str) -> Add | None:
    """None for "add a todo list ...": there is one list, and who says that may want a program."""
    return None if text.lower().startswith("list") else Add(_lines(text.lstrip(": ")))


def add_labelled(text: str) -> Add | None:
    """Reads "todo: buy milk". Without the colon it is a sentence about todos."""
    return add_one(text) if text.startswith(":") else None


def remind(text: str) -> Add:
    return Add(_lines(text.lstrip(": ")), reminder=True)


def remind_thing(text: str) -> Add | None:
    """Reads "don't forget the dentist" and "remind me tomorrow to pay", whose title is "pay tomorrow"."""
    if found := _TIMED.fullmatch(text):
        return remind(f"{found[2]} {found[1]}")
    return None if is_talk(text) or len(text.split()) > _CHORE_WORDS else remind(text)


def chore(text: str) -> Add | None:
    """Reads "I have to ...", which people also say of things that belong on no list."""
    if is_talk(text) or _NO_CHORE.match(text) or len(text.split()) > _CHORE_WORDS:
        return None
    return Add(_lines(text))


def suggest_add(text: str) -> Suggest | None:
    """Reads "we need milk", which may be talk."""
    return None if chore(text) is None or len(text.split()) > _LIST_WORDS else Suggest(f"add {text}")


def suggest_errand(text: str) -> Suggest | None:
    """Reads "buy milk", which says nothing of a list."""
    return suggest_add(text) if _ERRAND.match(text) else None


def title(text: str) -> str:
    """Without its final full stop, and without its quotes."""
    return unquoted(text.strip().rstrip(".…").rstrip())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(found for line in text.split("\n") if (found := title(BULLET.sub("", line, 1))))


def _titles(text: str, comma_parts: int, separator: re.Pattern[str] = COMMA) -> tuple[str, ...]:
    parts: list[str] = []
    for line in text.split("\n"):
        if BULLET.match(line):
            parts += split(BULLET, line)
        elif len(items := split(_SEMICOLON, line)) > 1:
            parts += items
        else:
            parts += _list(line, comma_parts, separator)
    return tuple(found for part in parts if (found := title(part)))


def _list(line: str, least: int, separator: re.Pattern[str]) -> list[str]:
    if are_quoted(line):
        return split(COMMA_OR_AND, line)
    parts = split(separator, line)
    last = split(AND, parts[-1])
    *before, behind = split(COMMA_AND, line)
    if before and behind == parts[-1]:  # as in ", and fish and chips"
        least = 2
    elif len(parts) > 1 or len(last) >= _LISTED:
        parts[-1:] = last
    short = all(part and len(part.split()) <= _LIST_WORDS for part in parts)
    return parts if len(parts) >= least and short else [line]
