"""Structured logs: each line has an event name, fields and the request's id, never what a user wrote.

Lines are readable text on a terminal, and elsewhere JSON, one object per line.
"""

import contextvars
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any

from .sink import Sink

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


def configure(level: str) -> None:
    """Sends this service's log lines from `level` on to standard error, even if nobody reads them.

    Libraries log only from WARNING on: their other lines may contain what a user wrote, or a secret.
    """
    handler = Sink(sys.stderr.fileno())
    handler.setFormatter(Readable() if sys.stderr.isatty() else Json())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("app").setLevel(level)
    # uvicorn's own command line gives these levels, handlers and an access log with whole URLs.
    for wordy in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(wordy)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


def flush() -> None:
    """Waits until all lines are written; each handler waits a second at most."""
    for handler in logging.getLogger().handlers:
        handler.flush()


class Json(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _moment(record).isoformat(), "level": record.levelname.lower(), **_fields(record)}
        return json.dumps(line, default=str)


class Readable(logging.Formatter):
    """Formats a record as a line of text for people."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        event = fields.pop("event")
        said = " ".join(f"{name}={value}" for name, value in fields.items())
        return f"{_moment(record):%H:%M:%S} {record.levelname.lower():8}{event} {said}".rstrip()


def described(error: BaseException) -> dict[str, str]:
    """Returns an error's type, SQLSTATE and source lines, but not its message, which may quote a user."""
    frames = extract_tb(error.__traceback__)
    where = " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    sqlstate = getattr(error, "sqlstate", None)
    return {
        "error": type(error).__name__,
        **({"sqlstate": str(sqlstate)} if sqlstate else {}),
        "where": where,
    }


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {"event": record.getMessage(), "logger": record.name}
    if identity := request_id.get():
        fields["request_id"] = identity
    fields.update((name, value) for name, value in vars(record).items() if name not in _STANDARD)
    if record.exc_info and record.exc_info[1] is not None:
        fields.update(described(record.exc_info[1]))
    return fields
