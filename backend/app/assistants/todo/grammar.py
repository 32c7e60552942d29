"""The table of phrasings as patterns, and the command that a line is by them."""

import re

from .commands import Change, Command, DeleteAll
from .phrases import PHRASES, VOCABULARY


def meaning(line: str) -> Command | None:
    """The first phrasing that fits all of the line decides. A question changes nothing that exists."""
    question = line.endswith("?")
    for pattern, meant in _PATTERNS:
        if found := pattern.fullmatch(line + " "):
            command = meant(found[1]) if callable(meant) else meant
            if question and isinstance(command, Change):
                command = DeleteAll(confirmed=False) if isinstance(command, DeleteAll) else None
            if command is not None:
                return command
    return None


def _expanded(phrasing: str) -> str:
    return re.sub(r"[A-Z]{2,}", lambda word: f"({_expanded(VOCABULARY[word[0]])})", phrasing)


def _pattern(phrasing: str) -> re.Pattern[str]:
    """Matches a line that ends in a space. What is at the end of it keeps its question mark."""
    syntax = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|", "...": "(.+?) "}
    tokens = re.findall(r"[\[\]()|]|[^\[\]()|\s]+", phrasing)
    pattern = "".join(syntax.get(token) or _word(token) for token in tokens)
    return re.compile(pattern if tokens[-1] == "..." else pattern + r"(?:\?+ )?", re.IGNORECASE | re.DOTALL)


def _word(token: str) -> str:
    """What may follow a word directly, belongs to what comes next: "add: milk", "what is left?"."""
    return re.escape(token).replace("'", "['\u2019]?") + r"(?: |(?=[:?\n]))"


_LINES = [
    (_expanded(phrasing), meaning)
    for meaning, phrasings in PHRASES
    for phrasing in phrasings.strip().splitlines()
]
_PATTERNS = [(_pattern(phrasing), meaning) for phrasing, meaning in _LINES]

WORDS = sorted({word for phrasing, _ in _LINES for word in re.findall(r"[a-z]{2,}", phrasing)})
"""What commands are made of, beside numbers and titles."""
