"""The words of a search and of a text, and how they are written for Postgres.

A word consists of letters, marks and digits; everything else only separates words. Upper and lower case are
alike, whatever the locale of the database is, because this module handles them.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

LONGEST = 64
"""How many characters of a word count; the rest is ignored."""

PART = 65_536
"""How many characters of a text make one document: a `tsvector` has at most 1 MB."""

MOST_PLACES = 255
"""How many places of a word in a document are stored: as many as Postgres keeps."""

_UNBROKEN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9ff\uaa60-\uaadf"  # their neighbours
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\uf900-\ufaff"
    "\uff66-\uff9f\U00016fe0-\U00018dff\U0001b000-\U0001b2ff\U00020000-\U0003ffff"  # Chinese, Japanese
)
"""Characters of languages without spaces between words, as ranges for a regular expression."""

_OF_UNBROKEN = re.compile(f"[{_UNBROKEN}]+")
_SELECTORS = range(0xFE00, 0xFE10)
"""Variation selectors: marks that only change how the character before them looks."""


_SIGNS = "+#"
_SIGNED = re.compile(f"[^{_SIGNS}]+[{_SIGNS}]+")
"""A word that means something else without its signs: C++, C#."""

_SHARP_S = re.compile(r"([sS]{2}|[ßẞ])|[sS]\Z")
"""Finds ß and ss, which are alike, and an s at the end, which may be the first of two."""


def _is_kept(code: int, category: str) -> bool:
    return category[0] in "LMN" and code not in _SELECTORS


class _Letters(dict[int, int | str]):
    """For `str.translate`: everything but letters, marks, digits and the `signs` becomes a space."""

    def __init__(self, signs: str = "") -> None:
        super().__init__({ord(sign): sign for sign in signs})

    def __missing__(self, code: int) -> int | str:
        kept = _is_kept(code, unicodedata.category(chr(code)))
        if code < _SELECTORS.start:  # the scripts beyond have too many to cache
            self[code] = code if kept else " "
        return code if kept else " "


_LETTERS = _Letters()
_LETTERS_AND_SIGNS = _Letters(_SIGNS)


def _split(text: str, letters: _Letters = _LETTERS) -> list[str]:
    return unicodedata.normalize("NFC", text).translate(letters).split()


def _lexeme(owner: int, word: str) -> str:
    """Returns a folded word with its owner, quoted: so the index keeps each user's words together."""
    return f"'{owner}/{word[:LONGEST]}'"


def documents(owner: int, text: str) -> Iterator[str]:
    """Yields the words of a text and their places, as `tsvector`s.

    Words of languages without spaces between words are left out.
    """
    for start in range(0, len(text), PART):
        places = defaultdict(list)
        # Includes the whole of a word that begins before the cut.
        part = _OF_UNBROKEN.sub(" ", text[start : start + PART + LONGEST])
        for place, word in enumerate(_split(part.casefold()), 1):
            places[word].append(str(place))
        if places:
            yield " ".join(f"{_lexeme(owner, w)}:{','.join(p[:MOST_PLACES])}" for w, p in places.items())


@dataclass(frozen=True)
class Words:
    """Words that must all occur in a text, each as a whole word or as the beginning of one.

    Words of languages without spaces between words are found anywhere. A word keeps the `+` and `#` at its
    end.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Returns the words of a text, each once."""
        words: dict[str, None] = {}
        for word in _split(text, _LETTERS_AND_SIGNS):
            words |= dict.fromkeys([word] if _SIGNED.fullmatch(word) else _split(word))
        return cls(tuple(words))

    @cached_property
    def are_in_documents(self) -> bool:
        """Whether documents have them: no signs, and no languages without spaces between words."""
        return not any(_OF_UNBROKEN.search(word) or _SIGNED.fullmatch(word) for word in self.words)

    def query(self, owner: int) -> str:
        """Returns a `tsquery` that finds a user's documents with all of the words."""
        return " & ".join(f"{_lexeme(owner, word.casefold())}:*" for word in self.words)

    @property
    def patterns(self) -> list[str]:
        """Regular expressions of Postgres, one per word."""
        return [_pattern(word, f"(?<![{_broken()}])") for word in self.words]

    @property
    def any_pattern(self) -> str:
        """A regular expression of Postgres that finds any of the words."""
        return "|".join(f"(?:{pattern})" for pattern in self.patterns)

    @cached_property
    def any(self) -> "re.Pattern[str]":
        """Finds any of the words in Python, whose regular expressions need no list of letters."""
        return re.compile("|".join(_pattern(word, rf"(?<![^\W_{_UNBROKEN}])") for word in self.words))


def _pattern(word: str, begins: str) -> str:
    """Returns a pattern that finds a word in either case where words begin, or anywhere without spaces.

    Texts are stored as they came: characters with marks may be composed, also further than in normalized
    texts, or not. ß is like ss.
    """
    anywhere = _OF_UNBROKEN.match(word[0])
    composed, decomposed = (unicodedata.normalize(form, word[:LONGEST]) for form in ("NFC", "NFD"))
    further = _composable().sub(lambda found: _others()[found[0]], composed)
    either = "|".join(_spelled(form) for form in dict.fromkeys((composed, decomposed, further)))
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
    cases |= dict.fromkeys("".join(_others().get(case, "") for case in cases))
    return f"[{''.join(cases)}]" if len(cases) > 1 or char in _SIGNS else char


@cache
def _others() -> dict[str, str]:
    """Returns the characters that no normalized text has, by what replaces them there.

    For K, this is the sign of kelvin; for a Chinese character, its doubles for the sake of older encodings.
    """
    others: dict[str, str] = defaultdict(str)
    for char in map(chr, (*range(0xD800), *range(0xF900, 0x30000))):
        if not unicodedata.is_normalized("NFC", char):
            others[unicodedata.normalize("NFC", char)] += char
    return dict(others)


@cache
def _composable() -> "re.Pattern[str]":
    """Finds what could be one character, but is not in normalized texts: a Hindi letter with a dot."""
    several = sorted((text for text in _others() if len(text) > 1), key=len, reverse=True)
    return re.compile("|".join(several))


@cache
def _broken() -> str:
    """Returns the letters, marks and digits of languages with word breaks, as ranges of a regular expression.

    The meaning of `\\w` in Postgres depends on the database's locale. Unassigned characters end no range.
    """
    ranges: list[list[str]] = []
    inside = False
    for char in map(chr, (*range(0xD800), *range(0xF900, 0x10000))):
        category = unicodedata.category(char)
        if category != "Cn":
            kept = _is_kept(ord(char), category) and not _OF_UNBROKEN.match(char)
            if kept and inside:
                ranges[-1][1] = char
            elif kept:
                ranges.append([char, char])
            inside = kept
    return "".join(f"{first}-{last}" for first, last in ranges)
