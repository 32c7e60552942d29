"""Streams a reply in version 1 of the AI SDK's UI message stream.

See https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. Each event is a line of JSON without nulls. Our own
data is in `data-*` parts, which clients ignore if they do not know them.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

from fastapi.responses import StreamingResponse

from ..errors import NotAuthenticated
from ..models.events import Ended, Shown, TextDelta, Title, ToolCall, ToolResult
from ..turns import LiveReply
from ..watch import Reading

Watched = AbstractContextManager[Reading]

PING_SECONDS = 15
"""How long a stream may be silent before a comment is sent: proxies close connections that seem dead."""

PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
    "x-vercel-ai-ui-message-stream": "v1",
}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""Does what `json.dumps` does, without creating an encoder for each token."""

_DELTA = 'data: {"type":"text-delta","id":"text-%d","delta":%s}\n\n'
"""The event that most of a stream consists of."""

_QUALITY = re.compile(r"[01](\.[0-9]{0,3})?", re.ASCII)
_SIGNED_OUT = Ended("failed", NotAuthenticated.code, error=NotAuthenticated.code)
_REASONS = ("stop", "length", "content-filter", "tool-calls", "error", "other")


def is_wanted(accept: str) -> bool:
    """Whether the client accepts the stream, and does not prefer JSON (RFC 9110, section 12.5.1)."""
    liked = {"text/event-stream": 0.0, "application/json": 0.0}
    for media_range in accept.lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        quality = next((part.removeprefix("q=") for part in parameters if part.startswith("q=")), "1")
        if name in liked and _QUALITY.fullmatch(quality):
            liked[name] = float(quality)
    return liked["text/event-stream"] > 0 and liked["text/event-stream"] >= liked["application/json"]


def stream_response(
    live: LiveReply, question: bytes | None, watched: Watched, pause: float = PING_SECONDS
) -> StreamingResponse:
    """Streams the reply from its beginning; a new question, as it is stored, is in a `data-message` part.

    A comment is sent after each `pause` seconds of silence. If the reading is over before the reply has
    ended, the stream ends with an error.
    """
    events = _events(live, question, watched, pause)
    return StreamingResponse(events, headers=HEADERS, media_type="text/event-stream")


async def _events(
    live: LiveReply, question: bytes | None, watched: Watched, pause: float
) -> AsyncIterator[bytes]:
    wire = Wire(live)
    yield wire.begin(question)
    with watched as reading:
        async for events in live.read(pause):
            if reading.over:
                yield wire.event(_SIGNED_OUT)
                break
            yield b"".join(map(wire.event, events)) or PING
    yield DONE


class Wire:
    """Encodes events as lines of the stream. Each text has a start and an end; there is one step."""

    def __init__(self, live: LiveReply) -> None:
        self._live = live
        self._texts = 0
        self._open = False

    def begin(self, question: bytes | None) -> bytes:
        """Returns the first lines: the ids of the reply and its session, and the question if it is new."""
        session = str(self._live.conversation_id)
        start = _line(
            type="start", messageId=str(self._live.reply_id), messageMetadata={"session_id": session}
        )
        if question is not None:
            known = {name: value for name, value in json.loads(question).items() if value is not None}
            start += _line(type="data-message", data=known, transient=True)
        return start + _line(type="start-step")

    def event(self, event: Shown) -> bytes:
        """Returns the lines of an event."""
        match event:
            case TextDelta(text):
                return self._text(text)
            case ToolCall(identity, name, given):
                # Without `providerExecuted` the client would assume that it has to run the tool.
                return self._close() + _line(
                    type="tool-input-available",
                    toolCallId=identity,
                    toolName=name,
                    input=given,
                    providerExecuted=True,
                )
            case ToolResult(identity, output, None):
                return self._close() + _line(type="tool-output-available", toolCallId=identity, output=output)
            case ToolResult(identity, _, error):
                return self._close() + _line(type="tool-output-error", toolCallId=identity, errorText=error)
            case Title(text):
                return _line(type="data-title", data={"title": text}, transient=True)
            case _:
                return self._close() + _line(type="finish-step") + self._end(event)

    def _text(self, text: str) -> bytes:
        start = b""
        if not self._open:
            self._texts += 1
            self._open = True
            start = _line(type="text-start", id=f"text-{self._texts}")
        return start + (_DELTA % (self._texts, _encode(text))).encode()

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = False
        return _line(type="text-end", id=f"text-{self._texts}")

    def _end(self, ended: Ended) -> bytes:
        if ended.error is not None:
            return _line(type="error", errorText=ended.error)
        metadata = {"status": ended.status}
        if ended.status != "complete":
            # `abort` changes nothing in the client, which knows from the metadata that the reply has ended.
            return _line(type="message-metadata", messageMetadata=metadata) + _line(
                type="abort", reason=ended.status
            )
        reason = ended.reason if ended.reason in _REASONS else "other"
        return _line(type="finish", finishReason=reason, messageMetadata=metadata)


def _line(**fields: Any) -> bytes:
    return b"data: " + _encode(fields).encode() + b"\n\n"
