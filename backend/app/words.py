"""What somebody searches for: words, what they mean to Postgres, and where they are in a text."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

SNIPPET_CHARACTERS = 160
BEFORE_CHARACTERS = 50
"""How much of a snippet comes before its first hit, at most."""

_EDGE = "[a-zA-Z0-9]"
ELLIPSIS = "…"


@dataclass(frozen=True)
class Words:
    """Words that must all be in a text, the last one perhaps as the beginning of a longer one.

    Upper and lower case are alike, whatever the locale of the database is. A word that begins with an ASCII
    letter or digit is found where a word begins; any other one anywhere, as many languages put no space
    between words.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Those of a text: its letters, marks and digits. Everything else only separates them."""
        kept = (char if unicodedata.category(char)[0] in "LMN" else " " for char in text)
        return cls(tuple("".join(kept).split()))

    @cached_property
    def patterns(self) -> list[str]:
        """Regular expressions, one a word, that mean the same to Postgres and to Python."""
        *whole, last = self.words
        return [*(_pattern(word, whole=True) for word in whole), _pattern(last, whole=False)]

    @property
    def any_pattern(self) -> str:
        """Finds any of them."""
        return "|".join(f"(?:{pattern})" for pattern in self.patterns)

    def snippet(self, text: str) -> list[dict[str, object]]:
        """A part of the text around its first hit, in pieces that say whether they are hits."""
        first = re.search(self.any_pattern, text)
        start = 0 if first is None else max(0, first.start() - BEFORE_CHARACTERS)
        part = text[start : start + SNIPPET_CHARACTERS]
        before = ELLIPSIS if start > 0 else ""
        after = ELLIPSIS if start + SNIPPET_CHARACTERS < len(text) else ""
        pieces, place = [(before, False)], 0
        for hit in re.finditer(self.any_pattern, part):
            pieces += [(part[place : hit.start()], False), (hit[0], True)]
            place = hit.end()
        pieces += [(part[place:] + after, False)]
        return [{"text": piece, "match": match} for piece, match in _joined(pieces)]


def _pattern(word: str, *, whole: bool) -> str:
    begins = f"(?<!{_EDGE})" if word[0].isascii() else ""
    ends = f"(?!{_EDGE})" if whole and word[-1].isascii() else ""
    return begins + "".join(map(_either_case, word)) + ends


def _either_case(char: str) -> str:
    cases = dict.fromkeys(case for case in (char, char.lower(), char.upper()) if len(case) == 1)
    return char if len(cases) == 1 else f"[{''.join(cases)}]"


def _joined(pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    joined: list[tuple[str, bool]] = []
    for text, match in pieces:
        if text and joined and joined[-1][1] == match and not match:
            joined[-1] = (joined[-1][0] + text, match)
        elif text:
            joined.append((text, match))
    return joined
