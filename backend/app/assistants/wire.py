"""Parses OpenAI's chat-completions stream.

https://platform.openai.com/docs/api-reference/chat-streaming describes the events, and
https://html.spec.whatwg.org/multipage/server-sent-events.html how they are sent. Of the latter,
only what all model servers use is supported: an event is one `data` line.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from ..models.events import FinishReason, Usage
from .base import AssistantError, ModelBusy, ModelFailed

MAX_LINE_BYTES = 1_048_576
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_CALLS = 32
MAX_ARGUMENT_CHARACTERS = 65_536
"""The limit for all calls of an answer together."""

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
_BUSY = {
    "429",
    "503",
    "529",
    "overloaded",
    "overloaded_error",
    "rate_limit_error",
    "rate_limit_exceeded",
    "resource_exhausted",
    "unavailable",
}


@dataclass(slots=True)
class Call:
    """A tool call as the model wrote it. `extra` has the provider's own fields, which go back unchanged."""

    id: str
    name: str
    extra: dict[str, Any]
    fragments: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """The arguments as the model wrote them: meant to be a JSON object, but possibly invalid."""
        return "".join(self.fragments)


class Answer:
    """An answer of a model, assembled from its stream as it arrives."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.usage: Usage | None = None
        self.reason: FinishReason | None = None
        """Why the answer ended; None until the model says so."""
        self.done = False
        """Whether the stream has sent its end marker. Anything after it is ignored."""
        self.fault: AssistantError | None = None
        """ModelFailed for an invalid stream, or the error that the server reported. Nothing follows."""
        self._begun = False
        self._told = False
        self._texts: list[str] = []
        self._half_character = ""
        self._line = bytearray()
        self._open_calls: dict[object, Call] = {}
        self._argument_characters = 0

    @property
    def ended(self) -> bool:
        """Whether the answer is complete."""
        return self.done or self.reason is not None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    def feed(self, data: bytes) -> tuple[bool, str]:
        """Adds a chunk of the stream. Returns whether it says anything, and its text up to a `fault`.

        Chunks may be cut anywhere. Empty events keep a connection alive, and say nothing.
        """
        whole, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._hold(data)
            return False, ""
        self._line += whole
        lines = self._line.split(b"\n")
        if not self._begun:
            lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
            self._begun = True
        self._line = bytearray()
        self._told = False
        said = ""
        try:
            for line in lines:
                if line.startswith(b"data:"):
                    said += self._read(line[5:])
        except AssistantError as fault:
            self.fault = fault
        else:
            self._hold(rest)
        text = self._readable(said)
        if text:
            self._texts.append(text)
        return self._told, text

    def _hold(self, data: bytes) -> None:
        self._line += data
        if len(self._line) > MAX_LINE_BYTES:
            self.fault = ModelFailed()

    def _readable(self, text: str) -> str:
        """The text without what cannot be stored. Half a surrogate pair waits for the other half."""
        text = (self._half_character + text).replace("\0", "")
        self._half_character = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        text = text.removesuffix(self._half_character)
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _read(self, payload: bytearray) -> str:
        """Parses one `data` line and returns its text."""
        payload = payload.strip()
        if self.done or not payload:
            return ""
        if payload == b"[DONE]":
            self.done = self._told = True
            return ""
        try:
            event = json.loads(payload)
        except (ValueError, RecursionError):
            raise ModelFailed from None
        if not isinstance(event, dict):
            raise ModelFailed
        return self._take(event)

    def _take(self, event: dict[str, Any]) -> str:
        if error := event.get("error"):
            raise _fault(error)
        if usage := event.get("usage"):
            self.usage = _usage(_object(usage))
            self._told = True
        choice = _object(_first(event.get("choices")))
        if reason := choice.get("finish_reason"):
            if reason == "error":
                raise ModelFailed
            self.reason = _REASONS.get(str(reason), "other")
            self._told = True
        delta = _object(choice.get("delta"))
        # Text, a call, or reasoning, which has another name with each provider.
        if not self._told and any(value for name, value in delta.items() if name != "role"):
            self._told = True
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for fragment in calls:
                self._take_call(_object(fragment))
        # A model that refuses says why in words.
        return _text(delta.get("content")) + _text(delta.get("refusal"))

    def _take_call(self, fragment: dict[str, Any]) -> None:
        """Adds a fragment. A call begins with its id, and fragments with the same index continue it.

        Some servers send the same index for all calls, or none, so another id begins another call, too.
        """
        place, identity = str(fragment.get("index")), _text(fragment.get("id"))
        function = _object(fragment.get("function"))
        call = self._open_calls.get(place)
        if call is None or (identity and identity != call.id):
            if len(self.calls) == MAX_CALLS:
                raise ModelFailed
            call = self._open_calls[place] = Call(identity, _text(function.get("name")), {})
            self.calls.append(call)
        if extra := _object(fragment.get("extra_content")):
            # Google puts its signature of the call here, and rejects the results of unsigned calls.
            call.extra["extra_content"] = extra
        arguments = _text(function.get("arguments"))
        self._argument_characters += len(arguments)
        if self._argument_characters > MAX_ARGUMENT_CHARACTERS:
            raise ModelFailed
        call.fragments.append(arguments)


def _fault(error: object) -> AssistantError:
    said = {str(_object(error).get(name)).lower() for name in ("code", "type", "status")}
    return ModelBusy() if said & _BUSY else ModelFailed()


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: object) -> int:
    return max(value, 0) if isinstance(value, int) else 0


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
