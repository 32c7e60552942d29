"""Converts a conversation into messages of OpenAI's chat completions."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from ..models.events import ToolCall, ToolResult
from ..models.ui import ui_parts
from .base import Utterance

Message = dict[str, Any]

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_UNFINISHED = "The reply ended here: it is not known whether this was done."


def call_ids() -> Iterator[str]:
    """Yields ids for tool calls that every provider accepts; Mistral requires nine letters and digits."""
    return (f"call{number:05}" for number in count(1))


def tool_name(name: str) -> str:
    """The name in the form that OpenAI accepts: at most 64 ASCII letters, digits, `_` and `-`."""
    return _NOT_IN_NAMES.sub("_", name)[:64] or "unknown"


def transcript(utterances: Iterable[Utterance], ids: Iterator[str]) -> list[Message]:
    """The messages of a conversation, with the tool calls of earlier replies and their results.

    The calls get new `ids`, because a model may reject the ids that another one has made.
    """
    return [message for said in utterances for message in _messages(said, ids)]


def calling(text: str, calls: list[Message]) -> Message:
    """The message of a model that calls tools. Blank text is left out: Anthropic rejects it."""
    return {"role": "assistant", "content": text.strip() or None, "tool_calls": calls}


def called(call: ToolCall) -> Message:
    """A tool call, as an item of such a message."""
    function = {"name": tool_name(call.name), "arguments": json.dumps(call.input)}
    return {"id": call.id, "type": "function", "function": function}


def answering(result: ToolResult) -> Message:
    """The message with the result of a call."""
    told = result.output if result.error is None else {"error": result.error}
    return {"role": "tool", "tool_call_id": result.id, "content": json.dumps(told)}


def _messages(said: Utterance, ids: Iterator[str]) -> Iterator[Message]:
    """Yields the user's message, or those of a reply: text with tool calls, then their results, in turn."""
    if said.role != "assistant":
        yield {"role": said.role, "content": said.content}
        return
    text, calls, results = "", list[Message](), list[Message]()
    for part in ui_parts(said.content, said.parts):
        if part["type"] == "text":
            if calls:
                yield calling(text, calls)
                yield from results
                text, calls, results = "", [], []
            text += part["text"]
        else:
            call = ToolCall(next(ids), part["type"].removeprefix("tool-"), part["input"])
            calls.append(called(call))
            results.append(answering(_result(call, part)))
    if calls:
        yield calling(text, calls)
        yield from results
    elif text.strip():
        yield {"role": "assistant", "content": text}


def _result(call: ToolCall, part: dict[str, Any]) -> ToolResult:
    match part:
        case {"state": "output-available", "output": output}:
            return ToolResult(call.id, output)
        case {"state": "output-error", "errorText": str(error)}:
            return ToolResult(call.id, error=error)
    return ToolResult(call.id, error=_UNFINISHED)
