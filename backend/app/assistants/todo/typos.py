"""Slips of the finger in the words of commands."""

from collections.abc import Iterator, Sequence

_MOST_WORDS = 10
_SHORTEST = 2
_SUBSTITUTED = 5
"""Letters from which one of a word may be wrong: "dine" is not "done", but "dalete" is "delete"."""


def mended(line: str, vocabulary: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The line with one word put right, for each word that can be, with the position of that word.

    A slip is one letter too many, too few or wrong, or two that changed places; the first one is right.
    """
    words = line.split()
    if len(words) > _MOST_WORDS:
        return
    for position, word in enumerate(words):
        written = word.lower()
        if len(written) < _SHORTEST or written in vocabulary:
            continue
        for meant in vocabulary:
            if _slipped(written, meant):
                yield position, " ".join([*words[:position], meant, *words[position + 1 :]])


def _slipped(written: str, meant: str) -> bool:
    if written[0] != meant[0] or abs(len(written) - len(meant)) > 1:
        return False
    if len(written) != len(meant):
        shorter, longer = sorted((written, meant), key=len)
        return any(_without(longer, place) == shorter for place in range(len(longer)))
    place = next(place for place in range(len(meant)) if written[place] != meant[place])
    swapped = meant[:place] + meant[place : place + 2][::-1] + meant[place + 2 :]
    return written == swapped or (
        len(meant) >= _SUBSTITUTED and _without(written, place) == _without(meant, place)
    )


def _without(word: str, place: int) -> str:
    return word[:place] + word[place + 1 :]
