"""Words: what somebody searches for, what a text is made of, and how both are said to Postgres.

A word is letters, marks and digits; everything else only separates. Upper and lower case are alike, whatever
the locale of the database is, for they are compared here.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

LONGEST = 64
"""How many characters of a word count."""

PART = 65_536
"""How many characters of a text make one document: a `tsvector` has at most 1 MB."""

MOST_PLACES = 255
"""How many places of a word in a document are kept: as many as Postgres keeps."""

_UNBROKEN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9ff\uaa60-\uaadf"  # their neighbours
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\uf900-\ufaff"
    "\uff66-\uff9f\U00016fe0-\U00018dff\U0001b000-\U0001b2ff\U00020000-\U0003ffff"  # Chinese, Japanese
)
"""Characters of the languages that put nothing between words, as ranges for a regular expression."""

_OF_UNBROKEN = re.compile(f"[{_UNBROKEN}]+")
_SELECTORS = range(0xFE00, 0xFE10)
"""Marks that only say how the character before them looks."""


_SIGNS = "+#"
_SIGNED = re.compile(f"[^{_SIGNS}]+[{_SIGNS}]+")
"""What means something else without its signs: C++, C#."""

_SHARP_S = re.compile(r"([sS]{2}|[ßẞ])|[sS]\Z")
"""What is one letter for some and two for others, or may be the first of two."""


class _Letters(dict[int, int | str]):
    """For `str.translate`: what is no letter, mark or digit, nor one of the `signs`, becomes a space."""

    def __init__(self, signs: str = "") -> None:
        super().__init__({ord(sign): sign for sign in signs})

    def __missing__(self, code: int) -> int | str:
        kept = unicodedata.category(chr(code))[0] in "LMN" and code not in _SELECTORS
        if code < _SELECTORS.start:  # the scripts beyond have too many to remember
            self[code] = code if kept else " "
        return code if kept else " "


_LETTERS = _Letters()
_LETTERS_AND_SIGNS = _Letters(_SIGNS)


def _split(text: str, letters: _Letters = _LETTERS) -> list[str]:
    return unicodedata.normalize("NFC", text).translate(letters).split()


def _lexeme(owner: int, word: str) -> str:
    """A folded word, quoted, and whose it is: so each user's words stand together in the index."""
    return f"'{owner}/{word[:LONGEST]}'"


def documents(owner: int, text: str) -> Iterator[str]:
    """The words of a text and their places, as `tsvector`s.

    Those of languages that put nothing between words are left out.
    """
    for start in range(0, len(text), PART):
        places = defaultdict(list)
        # A word that begins before the cut is whole.
        part = _OF_UNBROKEN.sub(" ", text[start : start + PART + LONGEST])
        for place, word in enumerate(_split(part.casefold()), 1):
            places[word].append(str(place))
        if places:
            yield " ".join(f"{_lexeme(owner, w)}:{','.join(p[:MOST_PLACES])}" for w, p in places.items())


@dataclass(frozen=True)
class Words:
    """Words that must all be in a text, each perhaps as the beginning of a longer one.

    Those of languages that put nothing between words are found anywhere. A word keeps the `+` and `#` that
    are its end.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Those of a text, each once."""
        words: dict[str, None] = {}
        for word in _split(text, _LETTERS_AND_SIGNS):
            words |= dict.fromkeys([word] if _SIGNED.fullmatch(word) else _split(word))
        return cls(tuple(words))

    @cached_property
    def are_in_documents(self) -> bool:
        """Whether documents have them: no signs, and no languages without breaks between words."""
        return not any(_OF_UNBROKEN.search(word) or _SIGNED.fullmatch(word) for word in self.words)

    def query(self, owner: int) -> str:
        """Finds those of a user's documents that have all of them, as a `tsquery`."""
        return " & ".join(f"{_lexeme(owner, word.casefold())}:*" for word in self.words)

    @property
    def patterns(self) -> list[str]:
        """Regular expressions of Postgres, one a word."""
        return [_pattern(word, f"(?<![{_broken()}])") for word in self.words]

    @property
    def any_pattern(self) -> str:
        """A regular expression of Postgres that finds any of them."""
        return "|".join(f"(?:{pattern})" for pattern in self.patterns)

    @cached_property
    def any(self) -> "re.Pattern[str]":
        """The same for Python, which knows letters without a list of them."""
        return re.compile("|".join(_pattern(word, rf"(?<![^\W_{_UNBROKEN}])") for word in self.words))


def _pattern(word: str, begins: str) -> str:
    """Finds a word in either case where words begin; anywhere, if nothing is put between them.

    Its characters with marks may be composed or not: texts are as they came. A sharp s is two of the others.
    """
    anywhere = _OF_UNBROKEN.match(word[0])
    forms = [unicodedata.normalize(form, word[:LONGEST]) for form in ("NFC", "NFD")]
    either = "|".join(_spelled(form) for form in dict.fromkeys(forms))
    return ("" if anywhere else begins) + (f"(?:{either})" if "|" in either else either)


def _spelled(word: str) -> str:
    spelled, start = "", 0
    for found in _SHARP_S.finditer(word):
        spelled += "".join(map(_either_case, word[start : found.start()]))
        spelled += "(?:[sS]{2}|[ßẞ])" if found[1] else "[sSßẞ]"
        start = found.end()
    return spelled + "".join(map(_either_case, word[start:]))


def _either_case(char: str) -> str:
    cases = dict.fromkeys(case for case in (char, char.lower(), char.upper()) if len(case) == 1)
    return f"[{''.join(cases)}]" if len(cases) > 1 or char in _SIGNS else char


@cache
def _broken() -> str:
    """The letters, marks and digits of languages with word breaks, as ranges for a regular expression.

    What `\\w` means to Postgres depends on the locale of the database. What is not assigned ends no range.
    """
    ranges: list[list[str]] = []
    inside = False
    for char in map(chr, (*range(0xD800), *range(0xF900, 0x10000))):
        category = unicodedata.category(char)
        if category != "Cn":
            kept = category[0] in "LMN" and not _OF_UNBROKEN.match(char)
            if kept and inside:
                ranges[-1][1] = char
            elif kept:
                ranges.append([char, char])
            inside = kept
    return "".join(f"{first}-{last}" for first, last in ranges)
