"""Numbers as people say them: "2", "#2", "1-3", "1 3", "two", "the last one", "the first two"."""

import re

_RANGE_NUMBERS = 1_000
"""A longer range is a slip."""

_CARDINALS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_PLACES = {"last": -1} | {word: place for place, word in enumerate(_ORDINALS, start=1)}

_CARDINAL = re.compile(rf"\b(?:{'|'.join(_CARDINALS)})\b", re.IGNORECASE)
_ORDINAL = re.compile(rf"(\d{{1,4}})(?:st|nd|rd|th)|({'|'.join(_PLACES)})", re.IGNORECASE)
_NUMBERS = re.compile(r"#?\d{1,4}(?:(?: |, ?)#?\d{1,4})*")
_RANGE = re.compile(
    r"(?:from )?#?(\d{1,4}) ?(?:-|\u2013|\u2014|to|through|thru|until) ?#?(\d{1,4})", re.IGNORECASE
)
_FIRST_OR_LAST = re.compile(r"(first|last) (\d{1,2})", re.IGNORECASE)
_COUNT = re.compile(
    rf"(?:(?:the|my|all|just|any|these|those|another) )*(?:{_CARDINAL.pattern}"
    rf"|(?:\d{{1,4}}|{_CARDINAL.pattern}) (?:more|others?|of (?:the|my|them|these|those)"
    r"|(?:of (?:the|my) )?(?:todos?|to-dos?|tasks?|items?|entry|entries|things?)))",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:(?:the|my|a|an|both) )?(?:(?:todo|to-do|task|item|number)s? |no\. ?)?", re.IGNORECASE
)
_AFTER = re.compile(r"(?<=\S) (?:one|todo|to-do|task|item)s?$", re.IGNORECASE)


def places(text: str) -> list[int]:
    """The numbers of the todos that are meant, from 1 or, backwards, from -1. Empty if this names none."""
    if is_count(text) and not is_word(text):
        return []
    text = trimmed(text)
    if _NUMBERS.fullmatch(text):
        return [int(number) for number in re.findall(r"\d+", text)]
    if found := _ORDINAL.fullmatch(text):
        return [int(found[1] or _PLACES[found[2].lower()])]
    return _from_to(digits(text))


def is_count(text: str) -> bool:
    """Whether this tells how many, as "2 todos" does. "Two" may: it is a number, too."""
    return _COUNT.fullmatch(text) is not None


def is_word(text: str) -> bool:
    """Whether this is just "two"."""
    return _CARDINAL.fullmatch(text) is not None


def digits(text: str) -> str:
    """With digits for its number words."""
    return _CARDINAL.sub(lambda word: str(1 + _CARDINALS.index(word[0].lower())), text)


def trimmed(text: str) -> str:
    """Without what names of todos come with: "the task ..."."""
    return _AFTER.sub("", _BEFORE.sub("", text, count=1))


def _from_to(text: str) -> list[int]:
    if found := _FIRST_OR_LAST.fullmatch(text):
        number = int(found[2])
        return list(range(1, number + 1) if found[1].lower() == "first" else range(-number, 0))
    if found := _RANGE.fullmatch(text):
        first, last = sorted((int(found[1]), int(found[2])))
        return list(range(first, last + 1)) if last - first < _RANGE_NUMBERS else []
    return [int(text)] if text.isdecimal() else []
