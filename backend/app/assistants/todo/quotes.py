"""Lists as people write them, in which quotes keep words together."""

import re
from collections.abc import Iterator

COMMA = re.compile(r"\s*,\s+(?:and\s+)?", re.IGNORECASE)
COMMA_AND = re.compile(r"\s*,\s+and\s+", re.IGNORECASE)
AND = re.compile(r"\s+(?:and|&)\s+", re.IGNORECASE)
COMMA_OR_AND = re.compile(rf"{COMMA.pattern}|{AND.pattern}", re.IGNORECASE)

# An opening quote ends the search for the closing one of the quote before it: so the search stays
# linear however many quotes are never closed.
_QUOTED = re.compile(
    r""""[^"]*"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»"""
    r"|\u2018[^\u2018\u2019]*\u2019|(?<!\w)'[^']*'(?!\w)"
)


def is_quoted(text: str) -> bool:
    """Whether one pair of quotes is around all of it."""
    return _QUOTED.fullmatch(text) is not None


def are_quoted(text: str) -> bool:
    """Whether each part of a list is in quotes."""
    return all(map(is_quoted, split(COMMA_OR_AND, text)))


def unquoted(text: str) -> str:
    """Without the quotes around all of it, if there are any."""
    return text[1:-1].strip() if is_quoted(text) else text


def cuts(separator: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Where the separator is, outside of quotes."""
    position = 0
    for quoted in [*_QUOTED.finditer(text), None]:
        end = quoted.start() if quoted else len(text)
        yield from separator.finditer(text, position, end)
        position = quoted.end() if quoted else end


def split(separator: re.Pattern[str], text: str) -> list[str]:
    """The parts between the separators, stripped; some may be empty."""
    parts, position = [], 0
    for cut in cuts(separator, text):
        parts.append(text[position : cut.start()].strip())
        position = cut.end()
    return [*parts, text[position:].strip()]
