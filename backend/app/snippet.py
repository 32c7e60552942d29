"""Snippets of search results: a line of text around the first hit, without Markdown."""

import re
import unicodedata

from .words import Words

CHARACTERS = 160
BEFORE = 50
"""How many characters of a snippet come before its first hit, at most."""

ELLIPSIS = "…"

_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\(([^()\s]*)[^()\n]*\)")
_MARKS = re.compile(
    r"^[ \t]*(?:(?:#{1,6}|[-*+>]|\d+\.)[ \t]+)+"  # headings, lists and quotes
    r"|^[ \t]*(?:```|~~~)\w*[ \t]*$"  # fences
    r"|^[ \t]*(?:[-*_][ \t]*){3,}$"  # rules
    r"|`+|~~"  # code and strikethrough
    r"|\*+(?=\S)|(?<=\S)\*+"  # bold and italics: a multiplication sign stands alone
    r"|\]\(\S*"  # links that are cut off
    r"|!?\[(?=\S)",
    re.MULTILINE,
)


def snippet(text: str, words: Words) -> list[dict[str, object]]:
    """Returns a part of the text around its first hit, in pieces that say whether they are hits.

    Markdown syntax is removed; the address of a link stays if it contains a hit.
    """
    line = _plain(text, words)
    first = words.any.search(line)
    start = 0 if first is None else max(0, first.start() - BEFORE)
    part = line[start : start + CHARACTERS]
    before = ELLIPSIS if start > 0 else ""
    after = ELLIPSIS if start + CHARACTERS < len(line) else ""
    pieces, place = [(before, False)], 0
    for hit in words.any.finditer(part):
        pieces += [(part[place : hit.start()], False), (hit[0], True)]
        place = hit.end()
    pieces += [(part[place:] + after, False)]
    return [{"text": piece, "match": match} for piece, match in _joined(pieces)]


def _plain(text: str, words: Words) -> str:
    def shown(link: re.Match[str]) -> str:
        return f"{link[1]} {link[2]}" if words.any.search(link[2]) else link[1]

    text = unicodedata.normalize("NFC", text)
    return " ".join(_MARKS.sub("", _LINK.sub(shown, text)).split())


def _joined(pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    joined: list[tuple[str, bool]] = []
    for text, match in pieces:
        if text and joined and joined[-1][1] == match and not match:
            joined[-1] = (joined[-1][0] + text, match)
        elif text:
            joined.append((text, match))
    return joined
