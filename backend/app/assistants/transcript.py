"""A conversation as OpenAI's chat completions have it."""

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
    """Ids for tool calls that every provider takes; Mistral wants nine letters and digits."""
    return (f"call{number:05}" for number in count(1))


def tool_name(name: str) -> str:
    """The name as far as OpenAI accepts it: at most 64 ASCII letters, digits, `_` and `-`."""
    return _NOT_IN_NAMES.sub("_", name)[:64] or "unknown"


def transcript(utterances: Iterable[Utterance], ids: Iterator[str]) -> list[Message]:
    """The messages of a conversation, with the tools that earlier replies used and what came of them.

    Their calls get new `ids`: those of the model that made them may be none to the one that reads them.
    """
    return [message for said in utterances for message in _messages(said, ids)]


def calling(text: str, calls: list[Message]) -> Message:
    """What a model said that used tools. Blank text is left out: Anthropic refuses it."""
    return {"role": "assistant", "content": text.strip() or None, "tool_calls": calls}


def called(call: ToolCall) -> Message:
    """One of the calls."""
    function = {"name": tool_name(call.name), "arguments": json.dumps(call.input)}
    return {"id": call.id, "type": "function", "function": function}


def answering(result: ToolResult) -> Message:
    """What came of a call."""
    told = result.output if result.error is None else {"error": result.error}
    return {"role": "tool", "tool_call_id": result.id, "content": json.dumps(told)}


def _messages(said: Utterance, ids: Iterator[str]) -> Iterator[Message]:
    """A message of the user, or a reply: alternately text and calls with their results."""
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
