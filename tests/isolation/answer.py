"""What comes back, and what of it can tell one thing from another."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

STREAM = "text/event-stream"

_DIFFERENT_IN_EACH = ("x-request-id", "date", "ratelimit")
"""What is left of a limit tells how much was asked before, and not of what."""

_ID = re.compile(r"\b\d{10,19}\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")


@dataclass(frozen=True)
class Answer:
    """An answer as far as it was read."""

    path: str
    status: int
    headers: httpx.Headers
    content: bytes
    seconds: float
    """From the request to the end of what was read."""

    @classmethod
    def read(cls, answer: httpx.Response, enough: Callable[[bytes], bool], began: float) -> "Answer":
        """Reads to the end, or until it is enough: some streams have no end of their own.

        `began` is when the request was sent, on the monotonic clock.
        """
        content = b""
        for piece in answer.iter_bytes():
            content += piece
            if enough(content):
                break
        seconds = time.monotonic() - began
        return cls(answer.request.url.path, answer.status_code, answer.headers, content, seconds)

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def seen(self) -> tuple[int, str, list[tuple[str, str]]]:
        """All of a refusal, byte for byte; of what is one's own, all but its ids and its moment."""
        headers = [(name, value) for name, value in self.headers.multi_items()]
        shown = self.content.decode()
        if self.status < 400:
            shown = _without_own(_said(shown) if self._streamed else shown)
        return (
            self.status,
            shown,
            sorted(header for header in headers if header[0] not in _DIFFERENT_IN_EACH),
        )

    @property
    def _streamed(self) -> bool:
        return str(self.headers.get("content-type")).startswith(STREAM)

    def __str__(self) -> str:
        return f"{self.path}: {self.status} {self.content[:200]!r}"


def _said(stream: str) -> str:
    """The events of a stream, and its text in one: into how many pieces it was cut, is chance."""
    lines = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: {")]
    events = [json.loads(line) for line in lines]
    text = "".join(event.get("delta", "") for event in events)
    return json.dumps([text, *(event for event in events if "delta" not in event)])


def _without_own(text: str) -> str:
    """The text without the ids and the moments of what was made just now."""
    return _MOMENT.sub("now", _ID.sub("new", text))
