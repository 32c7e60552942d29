"""The content of a reply while it is written, in the form that the database stores."""

import json
from typing import Any, get_args

from ..assistants.base import InvalidEvent
from ..models.events import Event, Finish, FinishReason, TextDelta, ToolCall, ToolResult, Usage
from ..models.text import storable, storable_json

PARAGRAPH = "\n\n"
MAX_OUTPUT_CHARACTERS = 65_536
"""The limit for a tool's output as JSON. A longer output is not stored."""

MOST_TOKENS = 2**53 - 1
"""The largest integer that every client represents exactly."""

Part = dict[str, Any]

_REASONS = get_args(FinishReason)


class Draft:
    """Text, parts and token usage of a reply, with at most `limit` characters of the assistant's text.

    The text is always what users read: the texts of all parts, joined. Without tools there are no parts.
    """

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._pieces: list[str] = []
        self._unflushed: list[str] = []
        self._characters = 0
        self._flushed = 0
        self._parts: list[Part] = []
        self._calls: dict[str, Part] = {}
        self._parts_flushed = True
        self._breaks = False
        self._usage = Usage(0, 0)
        self.reason: FinishReason = "stop"

    @property
    def full(self) -> bool:
        """Whether there is no room for more text."""
        return self._room <= 0

    @property
    def unflushed_characters(self) -> int:
        """How many characters of the text are not in the database yet."""
        return self._characters - self._flushed

    @property
    def changed(self) -> bool:
        """Whether there is anything that is not in the database yet."""
        return bool(self._unflushed) or not self._parts_flushed

    @property
    def usage(self) -> dict[str, int] | None:
        """The tokens used in all rounds together; None if the model did not report any."""
        if self._usage == Usage(0, 0):
            return None
        return {"input_tokens": self._usage.input_tokens, "output_tokens": self._usage.output_tokens}

    def add(self, event: Event) -> TextDelta | ToolCall | ToolResult | None:
        """Adds an event of the assistant. Returns it as readers see it, or None if they do not see it.

        Raises InvalidEvent, and adds nothing, if the event is not valid, so that all stored parts have the
        form that the API declares.
        """
        match event:
            case TextDelta(str(text)):
                return self._add_text(text)
            case ToolCall(str(identity), str(name), dict(given)):
                event = ToolCall(storable(identity), storable(name), storable_json(given))
                self._call(event)
            case ToolResult(str(identity), output, None | str() as error):
                event = ToolResult(storable(identity), _bounded(output), _storable(error))
                self._answer(event)
            case Usage(int(asked), int(answered)):
                self._usage = Usage(
                    _tokens(self._usage.input_tokens, asked), _tokens(self._usage.output_tokens, answered)
                )
                return None
            case Finish(reason) if reason in _REASONS:
                self.reason = reason
                return None
            case _:
                raise InvalidEvent
        self._parts_flushed = False
        return event

    def unanswered(self) -> list[str]:
        """The ids of the tool calls without a result."""
        return [identity for identity, part in self._calls.items() if part["state"] == "input-available"]

    def take(self) -> tuple[int, str, str | None]:
        """Returns what to store: a position, the text after it, and the parts as JSON if they changed.

        Until `flushed` is called, the next call returns all of it again.
        """
        parts = None if self._parts_flushed else json.dumps(self._parts)
        return self._flushed, "".join(self._unflushed), parts

    def flushed(self, text: str, parts: str | None) -> None:
        """Records that the database has stored this text and these parts."""
        self._flushed += len(text)
        rest = "".join(self._unflushed)[len(text) :]
        self._unflushed = [rest] if rest else []
        self._parts_flushed = self._parts_flushed or parts == json.dumps(self._parts)

    def all_text(self) -> str:
        """The text of the whole reply."""
        told = [part["text"] for part in self._parts if part["type"] == "text"]
        return "".join([*told, *self._pieces])

    def all_parts(self) -> str | None:
        """The parts of the finished reply as JSON; None for plain text."""
        if not self._parts:
            return None
        self._close_text()
        return json.dumps(self._parts)

    def _add_text(self, text: str) -> TextDelta | None:
        text = storable(text)[: self._room]
        if not text:
            return None
        self._room -= len(text)
        if self._breaks:
            # A new paragraph begins after a tool, also for clients that only read `content`.
            text, self._breaks = PARAGRAPH + text, False
        self._characters += len(text)
        self._pieces.append(text)
        self._unflushed.append(text)
        return TextDelta(text)

    def _close_text(self) -> None:
        if self._pieces:
            self._parts.append({"type": "text", "text": "".join(self._pieces)})
            self._pieces.clear()
            self._breaks = True

    def _call(self, call: ToolCall) -> None:
        if call.id in self._calls:
            raise InvalidEvent
        self._close_text()
        part: Part = {
            "type": f"tool-{call.name}",
            "toolCallId": call.id,
            "state": "input-available",
            "input": call.input,
        }
        self._calls[call.id] = part
        self._parts.append(part)

    def _answer(self, result: ToolResult) -> None:
        part = self._calls.get(result.id)
        if part is None or part["state"] != "input-available":
            raise InvalidEvent
        if result.error is None:
            part.update(state="output-available", output=result.output)
        else:
            part.update(state="output-error", errorText=result.error)


def _tokens(before: int, more: int) -> int:
    return min(before + max(more, 0), MOST_TOKENS)


def _bounded(output: Any) -> Any:
    """A tool's output as it is stored. The assistant got all of an output that is too long to store."""
    output = storable_json(output)
    if len(json.dumps(output)) > MAX_OUTPUT_CHARACTERS:
        return {"truncated": True}
    return {} if output is None else output


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)
