"""Lines that are no phrasing as they stand, or that may be something else than the command they look like.

What changes todos that exist is then not done but asked about, unless numbers or quotes say for certain
which ones are meant.
"""

import re

from .commands import (
    Add,
    Change,
    Command,
    Complete,
    Delete,
    DeleteAll,
    Rename,
    Reopen,
    Search,
    Show,
    Suggest,
    Target,
    Tell,
)
from .grammar import WORDS, meaning
from .quotes import is_quoted, split
from .typos import mended

_LONG = 300
"""Characters. A longer line is read as it stands."""

_VERB = (
    "(?:add|put|show|list|what|what['\u2019]?s|delete|remove|erase|clear|complete|done|finish|mark|set|tick"
    "|check|cross|undo|reopen|uncheck|rename|change)"
)
_BEGINS = re.compile(rf"{_VERB}\b", re.IGNORECASE)
_NEXT = re.compile(
    rf"(?:,? and then|,? then|,? and also|,? and| &|[.;,])(?: please)? (?={_VERB}\b)|(?<!\bto) (?=add )",
    re.IGNORECASE,
)
_OF_THE_ONE_BEFORE = re.compile(
    r"(?:delete|remove|erase|complete|done|finish|mark|set|tick|check|cross|undo|reopen|rename|change)"
    r" (?:off )?(?:it|that|this|them|those|these|both)\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"(?:i|we) ?(?:(?P<request>want to|wanna|would like to|['\u2019]?d like to)"
    r"|need to|have to|got to|gotta|must) (?=\w)",
    re.IGNORECASE,
)


def read(line: str) -> list[Command]:
    """The commands of a line without courtesies: none, one or several."""
    short = len(line) <= _LONG and "\n" not in line
    if short and (commands := _several(line)):
        return commands
    command = (short and _wish(line)) or meaning(line) or (short and _mended(line))
    return [command] if command else []


def _several(line: str) -> list[Command]:
    """Reads "add milk and delete 2"; empty if that is one command. What may be a title is asked about."""
    parts = split(_NEXT, line)
    if len(parts) == 1 or not _BEGINS.match(line):
        return []
    commands = [meaning(part) for part in parts]
    known = [command for command in commands if command is not None]
    if len(known) == len(parts) and all(map(_is_certain, parts[1:], known[1:])):
        return [Tell("several")] if isinstance(known[0], DeleteAll) else known
    whole = meaning(line)
    if isinstance(whole, Add) and len(whole.titles) > len(parts):
        return []
    doubtful = any(isinstance(command, Change) for command in commands[1:])
    return [Tell("several")] if doubtful or any(map(_OF_THE_ONE_BEFORE.match, parts[1:])) else []


def _wish(line: str) -> Command | None:
    """Reads "I want to see my list". What people have to do is a todo, unless its number is told."""
    wish = _WISH.match(line)
    if wish is None:
        return None
    line = line[wish.end() :]
    command = meaning(line)
    if isinstance(command, Show) or (
        wish["request"] and isinstance(command, Delete) and _is_certain(line, command)
    ):
        return command
    if isinstance(command, Change) and (wish["request"] or _is_certain(line, command)):
        return _doubted(command, line)
    return None


def _mended(line: str) -> Command | None:
    """Reads a line with a slip in it. Of what changes todos, a question is a slip too."""
    asked = [(0, line.rstrip("? "))] if line.endswith("?") else []
    for position, text in (*asked, *mended(line.rstrip("? "), WORDS)):
        command = _wish(text) or meaning(text)
        if isinstance(command, Change) and not _BEGINS.match(text):
            continue
        if command and not (position and isinstance(command, Add | Search | Suggest)):
            return _doubted(command, text)
    return None


def _doubted(command: Command, line: str) -> Command:
    if isinstance(command, DeleteAll):
        return DeleteAll(confirmed=False)
    return Suggest(line) if isinstance(command, Change) else command


def _is_certain(line: str, command: Command) -> bool:
    """Whether this can be no words of a title, and says which todos it means."""
    if isinstance(command, Complete | Reopen | Delete):
        return bool(command.targets) and (
            line.lower().startswith(("mark ", "set ")) or all(map(_is_exact, command.targets))
        )
    if isinstance(command, Rename):
        return len(command.readings) == 1 and _is_exact(command.readings[0][0])
    return isinstance(command, Show) or (isinstance(command, Add) and bool(command.titles))


def _is_exact(target: Target) -> bool:
    return isinstance(target, int) or is_quoted(target)
