"""What happens while a reply is written, in the order in which it happens.

An assistant says text, tool calls with their results, what it used and why it stopped. The turn adds the
title of the conversation, if it got one, and at last how the reply ended.
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
    """The assistant uses a tool. `id` is its own within the reply; `input` is a JSON object."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the tool of an earlier call answered: any JSON value, or, with `error`, why it could not."""

    id: str
    output: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the model, as its provider counts them; several of them in a reply add up."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the assistant stopped by itself; without one, it is `stop`."""

    reason: FinishReason


Event = TextDelta | ToolCall | ToolResult | Usage | Finish
"""What an assistant may say."""


@dataclass(frozen=True, slots=True)
class Title:
    """The conversation got a title."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more is said.

    Without `error`, the reply ended as `status` and is stored; with it, a stable code, it failed, was
    deleted, or cannot be followed to its end.
    """

    status: Status
    reason: str
    error: str | None = None


Shown = TextDelta | ToolCall | ToolResult | Title | Ended
"""What a reader of a turn may see."""
