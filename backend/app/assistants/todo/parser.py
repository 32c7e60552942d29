"""From what a person writes to the commands that they mean.

Ordinary talk must never change a list by accident. So all of a line has to fit a phrasing,
courtesies aside, and if one line of a message is not a command, none of them is.
"""

import re

from .caution import read
from .commands import Command
from .titles import BULLET

LONGEST_MESSAGE = 8_000
"""Characters. More than that is no command, whatever it says: reading stays a matter of milliseconds."""

MOST_COMMANDS = 20
"""In one message. A text with more lines than that is more likely a text."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_BEFORE = re.compile(
    r"(?:(?:please(?: to)?|pls|plz|kindly|ok|okay|so|and|then|now|also|just|go ahead and|let['\u2019]?s"
    r"|actually|oh|omg|ugh|bruh|anyway|oops|um|uh|hmm?|wait|sorry|yo|bro|dude|man|alright|real quick|quick"
    r"|(?:can|could|would|will) (?P<asked>you|u)|i (?:want|would like|need) you to"
    r"|(?:hi|hello|hey)(?: there)?(?=[,.!])|(?:hi|hello|hey)(?! there| again)"
    r"|(?:thanks|thank you|great|perfect|cool|good morning|well|yes|yeah|no)(?=[,.!]))[,.!]* )*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:,? (?:please|pls|plz|thanks|thank you|thx|for me|right now|rn|lol)){1,3}$", re.IGNORECASE
)

_STAYS_A_QUESTION = "delete all todos"
"""Nobody shall lose a list for asking whether "you can delete all todos?"."""


def parse(text: str) -> list[Command]:
    """The commands of a message, mostly one a line. Empty if any line is none."""
    if len(text) > LONGEST_MESSAGE:
        return []
    statements = _statements(text)
    if len(statements) > MOST_COMMANDS:
        return []
    commands: list[Command] = []
    for statement in statements:
        found = read(statement)
        if not found:
            return []
        commands += found
    return commands if len(commands) <= MOST_COMMANDS else []


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
    if courtesies["asked"] and not rest.lower().startswith(_STAYS_A_QUESTION):
        rest = rest.rstrip(" ?")
    return _AFTER.sub("", rest).rstrip(" .!…")
