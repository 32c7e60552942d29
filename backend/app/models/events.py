"""The events of a reply, in the order in which they happen.

An assistant yields text, tool calls and their results, the tokens it used and why it stopped. The turn adds
the title of the conversation, if it got one, and finally how the reply ended.
"""

from dataclasses import dataclass
from typing import Any, Literal

FinishReason = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]
Status = Literal["complete", "stopped", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the reply's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The assistant calls a tool. `id` is unique within the reply; `input` is a JSON object."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of an earlier tool call: any JSON value or, in `error`, why the tool failed."""

    id: str
    output: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the model used, as its provider counts them. Several such events in a reply add up."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the assistant stopped by itself. Without this event, the reason is `stop`."""

    reason: FinishReason


Event = TextDelta | ToolCall | ToolResult | Usage | Finish
"""An event that an assistant may yield."""


@dataclass(frozen=True, slots=True)
class Title:
    """The conversation got a title."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of a reply.

    Without `error`, the reply ended as `status` and is stored. With `error`, which is a stable code, it
    failed, was deleted, or cannot be followed to its end.
    """

    status: Status
    reason: str
    error: str | None = None


Shown = TextDelta | ToolCall | ToolResult | Title | Ended
"""An event that a reader of a reply may receive."""
