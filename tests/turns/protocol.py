"""The AI SDK's UI message stream, version 1, to the letter: what a stream must be as bytes.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol; of it, what clients of its versions 5 to 7 understand.
"""

import json
from typing import Any

Event = dict[str, Any]

FIELDS: dict[str, dict[str, type]] = {
    "start": {"messageId": str, "messageMetadata?": dict},
    "start-step": {},
    "text-start": {"id": str},
    "text-delta": {"id": str, "delta": str},
    "text-end": {"id": str},
    "tool-input-available": {"toolCallId": str, "toolName": str, "input": dict, "providerExecuted?": bool},
    "tool-output-available": {"toolCallId": str, "output": object},
    "tool-output-error": {"toolCallId": str, "errorText": str},
    "data-message": {"data": dict, "transient?": bool},
    "data-title": {"data": dict, "transient?": bool},
    "message-metadata": {"messageMetadata": dict},
    "finish-step": {},
    "finish": {"finishReason?": str, "messageMetadata?": dict},
    "error": {"errorText": str},
    "abort": {"reason?": str},
}
"""Each event with its fields; those with a question mark may be absent. None may be null."""

REASONS = {"stop", "length", "content-filter", "tool-calls", "error", "other"}
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-vercel-ai-ui-message-stream": "v1",
    "x-accel-buffering": "no",
}
PING = ": ping"
DONE = "data: [DONE]"


def checked(stream: bytes) -> list[Event]:
    """The events of a whole stream. Raises AssertionError unless everything in it is right."""
    *blocks, rest = stream.decode().split("\n\n")
    assert rest == "", "ends in the middle of an event"
    lines = [block for block in blocks if block != PING]
    assert lines.pop() == DONE, "does not end with [DONE]"
    assert all(line.startswith("data: {") and "\n" not in line for line in lines)
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    for event in events:
        _check_fields(event)
    _check_order(events)
    _check_texts(events)
    _check_tools(events)
    return events


def message(events: list[Event]) -> list[Event]:
    """The parts of the message that a client makes of the events."""
    parts: list[Event] = []
    for event in events:
        kind = event["type"]
        if kind == "text-start":
            parts.append({"text": ""})
        elif kind == "text-delta":
            parts[-1]["text"] += event["delta"]
        elif kind == "tool-input-available":
            parts.append(event)
        elif kind.startswith("tool-output"):
            (called,) = (part for part in parts if part.get("toolCallId") == event["toolCallId"])
            called.update(event)
    return parts


def _check_fields(event: Event) -> None:
    fields = FIELDS[event["type"]]
    assert event.keys() <= {"type"} | {name.rstrip("?") for name in fields}, event
    for name, kind in fields.items():
        if name.endswith("?") and name[:-1] not in event:
            continue
        assert isinstance(event[name.rstrip("?")], kind), event
    # What tools take and answer is theirs, nulls included.
    assert None not in event.values()
    assert not _has_null({name: event[name] for name in event.keys() - {"input", "output"}}), event
    assert event.get("finishReason", "stop") in REASONS


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None


def _check_order(events: list[Event]) -> None:
    kinds = [event["type"] for event in events]
    for once in ("start", "start-step", "finish-step"):
        assert kinds.count(once) == 1, f"{once}: {kinds.count(once)} times"
    assert kinds[0] == "start"
    assert kinds[-1] in {"finish", "error", "abort"}
    assert not {"finish", "error", "abort"} & set(kinds[:-1])
    begin, end = kinds.index("start-step"), kinds.index("finish-step")
    within = {"text-start", "text-delta", "text-end"} | {kind for kind in kinds if kind.startswith("tool-")}
    assert not within & {*kinds[:begin], *kinds[end:]}


def _check_texts(events: list[Event]) -> None:
    known: set[str] = set()
    running: str | None = None
    for event in events:
        match event["type"]:
            case "text-start":
                assert running is None
                assert event["id"] not in known
                running = event["id"]
                known.add(event["id"])
            case "text-delta":
                assert event["id"] == running
                assert event["delta"] != ""
            case "text-end":
                assert event["id"] == running
                running = None
            case kind if not kind.startswith("data-"):
                assert running is None, f"{kind} within a text"


def _check_tools(events: list[Event]) -> None:
    called: set[str] = set()
    for event in events:
        if event["type"] == "tool-input-available":
            assert event["toolCallId"] not in called
            called.add(event["toolCallId"])
        elif event["type"].startswith("tool-output"):
            assert event["toolCallId"] in called
