"""From what a person writes to the commands that they mean.

Ordinary talk must never change a list by accident. So all of a line has to fit a phrasing,
courtesies aside, and if one line of a message is not a command, none of them is.
"""

import re

from .commands import Command
from .phrases import PHRASES, VOCABULARY
from .titles import BULLET

LONGEST_MESSAGE = 8_000
"""Characters. More than that is no command, whatever it says: reading stays a matter of milliseconds."""

MOST_COMMANDS = 20
"""In one message, one a line. A text with more lines than that is more likely a text."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_BEFORE = re.compile(
    r"(?:(?:please|pls|kindly|ok|okay|so|and|then|now|also|just|go ahead and|let['\u2019]?s"
    r"|(?:can|could|would|will) (?P<asked>you)|i (?:want|would like|need) you to"
    r"|(?:hi|hello|hey)(?: there)?(?=[,.!])|(?:hi|hello|hey)(?! there| again)"
    r"|(?:thanks|thank you|great|perfect|cool|good morning)(?=[,.!])|yes(?=,)|no(?=,))[,.!]* )*",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?:,? (?:please|pls|thanks|thank you|thx|for me)){1,3}$", re.IGNORECASE)


def parse(text: str) -> list[Command]:
    """The commands of a message, one a line. Empty if any part of it is not one."""
    if len(text) > LONGEST_MESSAGE:
        return []
    statements = _statements(text)
    if len(statements) > MOST_COMMANDS:
        return []
    commands = []
    for statement in statements:
        command = _command(statement)
        if command is None:
            return []
        commands.append(command)
    return commands


def _statements(text: str) -> list[str]:
    """Lines that are not empty, each with its bullets, or with the lines that a colon announces."""
    statements: list[str] = []
    heading = False
    for raw in text.splitlines():
        line = " ".join(_CONTROLS.sub(" ", raw).split())
        if not line:
            heading = False
        elif statements and (heading or BULLET.match(line)):
            statements[-1] += "\n" + line
            heading = heading and not BULLET.match(line)
        else:
            statements.append(_without_courtesies(line))
            heading = line.endswith(":")
    return statements


def _without_courtesies(line: str) -> str:
    courtesies = _BEFORE.match(line)
    assert courtesies is not None, "it matches the empty text too"
    rest = line[courtesies.end() :].rstrip(" .!…")
    if courtesies["asked"]:
        rest = rest.rstrip(" ?")
    return _AFTER.sub("", rest).rstrip(" .!…")


def _command(statement: str) -> Command | None:
    for pattern, meaning in _PATTERNS:
        if found := pattern.fullmatch(statement + " "):
            command = meaning(found[1]) if callable(meaning) else meaning
            if command is not None:
                return command
    return None


def _expanded(phrasing: str) -> str:
    return re.sub(r"[A-Z]{2,}", lambda word: f"({_expanded(VOCABULARY[word[0]])})", phrasing)


def _pattern(phrasing: str) -> re.Pattern[str]:
    """Matches a line that ends in a space. What is at the end of it keeps its question mark."""
    syntax = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|", "...": "(.+?) "}
    tokens = re.findall(r"[\[\]()|]|[^\[\]()|\s]+", _expanded(phrasing))
    pattern = "".join(syntax.get(token) or _word(token) for token in tokens)
    return re.compile(pattern if tokens[-1] == "..." else pattern + r"(?:\?+ )?", re.IGNORECASE | re.DOTALL)


def _word(token: str) -> str:
    """What may follow a word directly, belongs to what comes next: "add: milk", "what is left?"."""
    return re.escape(token).replace("'", "['\u2019]?") + r"(?: |(?=[:?\n]))"


_PATTERNS = [
    (_pattern(phrasing), meaning)
    for meaning, phrasings in PHRASES
    for phrasing in phrasings.strip().splitlines()
]
