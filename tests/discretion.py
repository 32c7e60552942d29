"""What no log may tell, whatever test it is written in: who somebody is, what proves it, what they wrote."""

import logging
import re

from app.logs import Json

SECRET = re.compile(
    r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[a-z]{2}"  # an e-mail address
    r"|eyJ[\w-]{8}"  # a token, or a part of one
    r"|\bq[0-9a-f]{32}"  # a word that tests look for
    r"|://[^/\s:]+:[^/\s@]+@",  # an address with its password
)
EVENT = re.compile(r"[a-z]+([._][a-z]+)*|(Preparing|Recovering|Copying) [\w ()]+ \.\.\.")

WORD, NUMBER, PLACE = r"[\w-]{1,64}", r"-?\d+(\.\d+)?", r"[\w./{}<>:\\-]+"
FIELDS = {
    **dict.fromkeys(("error", "code", "method", "limit", "sqlstate"), WORD),
    **dict.fromkeys(("status", "ms", "seconds", "keys", "usable", "reply_id", "port"), NUMBER),
    **dict.fromkeys(("open", "idle", "waiting"), NUMBER),
    **dict.fromkeys(("sent", "silent"), "True|False"),
    **dict.fromkeys(("version", "needed"), WORD),
    **dict.fromkeys(("page", "data_directory"), PLACE),
    "route": r"(/[a-zA-Z_{}.-]*)+|/assets/[\w./{}:-]+|unknown",  # not with an id in it
    "where": rf"({PLACE}( {PLACE})*)?",  # the places of the code that an error came through
    "missing": r"\[[\w', ./@-]*\]",  # files of the page
    "reason": r"[\w .,:/()'-]{1,150}",  # why a token was refused, or an issuer's keys
}
"""What the application logs beside the name of an event, and how that may look: not like what users write."""

_STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "color_message", "taskName"}


class Watch(logging.Handler):
    """Reads every record, in the form in which the product writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Json())
        self.lines = 0
        self._found: list[str] = []

    def begin(self) -> None:
        """Reads all that is logged in this process from now on. None of it is shown."""
        logging.getLogger().addHandler(self)
        logging.getLogger("app").setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        line = self.format(record)
        if SECRET.search(line) or (record.name.startswith("app.") and _unforeseen(record)):
            self._found.append(line)

    def taken(self) -> list[str]:
        """The lines since the last time that tell of somebody."""
        found, self._found = self._found, []
        return found

    def check(self) -> None:
        """Raises AssertionError if a line since the last time tells of somebody."""
        found = self.taken()
        assert found == [], f"{len(found)} lines of logs tell of somebody, such as {found[0]}"


def told(text: str) -> list[str]:
    """The lines of a process's output that tell of somebody."""
    return [line for line in text.splitlines() if SECRET.search(line)]


def _unforeseen(record: logging.LogRecord) -> bool:
    """Whether the application says something that is not foreseen: it may be a user's words."""
    given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return not EVENT.fullmatch(record.getMessage()) or any(
        name not in FIELDS or not re.fullmatch(FIELDS[name], str(value)) for name, value in given.items()
    )
