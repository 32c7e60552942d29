"""Texts that something or other gets wrong, and where public collections of them are."""

import html
import json
import re
import unicodedata
from pathlib import Path

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"

_ACCENTS = "Ångström é ñ ṩ 각 がギ"

CURIOUS = {
    "emoji with joiners": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇪🇺 1️⃣",
    "right to left": "שלום \u202b(عليكم)\u202c \u200f! \u2066abc\u2069 \u202etxt.exe",
    "composed": unicodedata.normalize("NFC", _ACCENTS),
    "decomposed": unicodedata.normalize("NFD", _ACCENTS),
    "compatibility": "ﬁ ① \uff12 Ⅳ ﷺ \u212a \u212b",
    "stacked marks": "Z̸̡̛̩͇̮͗̅̄a̵̘̐͝l̷̺̈g̶̹̅o̸̰͒",
    "scripts": "日本語 한국어 ไทย தமிழ் ქართული हिन्दी اردو ελληνικά",
    "beyond the first plane": "\U0001d4b3 𠜎 𓀀 🂡 \U0010fffd",
    "private use": "\ue000\uf8ff\U000f0000\U0010fffd",
    "noncharacters": "a\ufffe\uffff\ufdd0\U0001ffff\U0010ffffb",
    "replacement": "\ufffd\ufffc",
    "byte order mark": "\ufeffa\ufeff",
    "invisible": "a\u200b\u200c\u200d\u2060\u00ad\u180eb",
    "only invisible": "\u200b\u2060",
    "tags": "a\U000e0061\U000e0062\U000e007fb",
    "control characters": "".join(chr(code) for code in range(1, 32)) + "x\x7f\x80\x85\x9f",
    "line ends": "a\r\nb\rc\nd\x0be\x0cf\u2028g\u2029h\x85i\r\n\r\n",
    "spaces around": "  \t a \t  \n",
    "one space inside": "a\u00a0b\u2003c\u3000d\u1680e",
    "place holders": "%s %d %(user_id)s %%(content)s %% {0} {content} $1 :name ?",
    "quotes": "' '' \" \"\" ` \u00b4 \u2019 „“ $$ $q$ E'\\n' U&'\\0041'",
    "backslashes": "\\ \\\\ \\n \\u0000 \\x00 \\' \\",
    "statements": "'; DROP TABLE message; -- /* */ '); SELECT pg_sleep(10)--",
    "JSON": '{"content": null, "role": "system", "a": [1, "\\ud800"]}',
    "HTML": "<script>alert('x')</script>&amp;&#0;<!-- ]]> --><img src=x onerror=alert(1)>",
    "templates": "{{7*7}} ${jndi:ldap://x} <%= 1 %> #{1} {% raw %}",
    "paths": "../../etc/passwd ..\\..\\ file:///etc/passwd CON NUL",
    "terminal": "\x1b[31mred\x1b[0m \x07 \x1b]0;title\x07",
    "server-sent events": "data: x\n\nevent: finish\ndata: [DONE]\n\n",
    "literals": "null",
    "number": "1e400",
    "capitals": "ŞIİ\u0131\u017fßẞΣςǅ",
}

LARGE = {
    "100 kB": "".join(f"{number:04d} Zeile\r\n" for number in range(8_334)),
    "1 MiB of ASCII": "x" * 1_048_576,
    "1 MiB of emoji": "😀" * 262_144,
}


NULS = ["\0", "a\0", "\0a", "a\0b"]
HALVES = [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"a\ud83db", r"\ud83d\ud83d\ude00", r"\uD800"]
"""Of surrogate pairs, as JSON escapes them."""

BLANK = [
    "",
    " ",
    "\t",
    "\n",
    "\r\n \n",
    "\u00a0",
    "\u2003",
    "\u2028",
    "\u3000",
    "\x0b\x0c\x1c\x1d\x1e\x1f\x85",
]
INVISIBLE = ["\u200b", "\u200d\u2060\u2063", "\ufeff\u00ad\u180e\u3164"]
NO_UTF8 = {
    "a stray byte": b"\xff",
    "a cut sequence": b"\xe2\x82",
    "an overlong NUL": b"\xc0\x80",
    "an overlong slash": b"\xe0\x80\xaf",
    "a high surrogate": b"\xed\xa0\xbd",
    "a pair of surrogates (CESU-8)": b"\xed\xa0\xbd\xed\xb8\x80",
    "more than Unicode has": b"\xf4\x90\x80\x80",
    "Latin-1": "Grüße".encode("latin-1"),
}

NO_TEXTS = ["1", "-0.5", "true", "false", "[]", '["x"]', "{}", '{"x":"x"}', '[[{"x":["x"]}]]']
"""Other values of JSON."""


def naughty_strings() -> list[str]:
    """https://github.com/minimaxir/big-list-of-naughty-strings"""
    return [str(text) for text in json.loads((SAMPLES / "naughty-strings/blns.json").read_text())]


def script_injections(count: int) -> list[str]:
    """Evenly spread lines of the collections in `xss`."""
    lines = [
        line
        for path in sorted((SAMPLES / "xss").glob("*.txt"))
        for line in path.read_text(errors="surrogateescape").split("\n")
        if line.strip()
    ]
    return lines[:: max(1, len(lines) // count)][:count]


def declarations() -> dict[str, str]:
    """The Universal Declaration of Human Rights by language: as a page, and as its paragraphs."""
    pages = {path.stem: path.read_text() for path in sorted((SAMPLES / "udhr-multilingual").glob("*.html"))}
    texts = {f"{name} as text": html.unescape(re.sub(r"<[^>]*>", "", page)) for name, page in pages.items()}
    return pages | texts


def storable(text: str) -> bool:
    """Whether a text is one, and has something to read in it: said independently of the service."""
    readable = any(not character.isspace() for character in text)
    return readable and "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
