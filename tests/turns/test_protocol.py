"""Every kind of stream, byte by byte."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import httpx
import pytest

from app.api.stream import DONE, PING, stream_response
from app.models.caller import Caller
from app.models.events import Ended, Finish, TextDelta, ToolCall, ToolResult
from app.turns import LiveReply
from app.watch import Reading
from assistants_for_tests import Scripted, Titling
from support import Service, User
from turns.protocol import HEADERS, Event, checked, message
from turns.reading import STREAM, kinds, text

Serve = Callable[..., AbstractContextManager[Service]]

TOOLS = (
    TextDelta("Let me look.\n\n: ping\n\ndata: [DONE]\r\n\u2028\x85"),
    ToolCall("a", "list_todos", {"due": None, "title": "Ü\ud800\0"}),
    ToolCall("b", "delete_todo", {}),
    ToolResult("b", error="There is no such todo."),
    ToolResult("a", [None, {"title": None}]),
    ToolCall("c", "clear", {}),
    ToolResult("c"),
    TextDelta(""),
    TextDelta("🎈"),
    Finish("tool-calls"),
)


@contextmanager
def stream(user: User, method: str, path: str, body: object = None) -> Iterator[httpx.Response]:
    with user.client.stream(method, path, json=body, headers=STREAM) as answer:
        assert answer.status_code == 200, answer.read()
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        yield answer


def whole(user: User, method: str, path: str, body: object = None) -> bytes:
    with stream(user, method, path, body) as answer:
        return answer.read()


def read_until(parts: Iterator[bytes], shown: bytes) -> bytes:
    read = b""
    while shown not in read:
        read += next(parts)
    return read


def chat(text: str) -> dict[str, object]:
    """The request of the AI SDK."""
    message = {"id": "q-1", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"id": "chat-1", "messages": [message], "trigger": "submit-message"}


@pytest.mark.parametrize(
    ("assistant", "last"),
    [
        (Scripted("Hello ", "world."), "finish"),
        (Scripted(), "finish"),
        (Scripted(*TOOLS), "finish"),
        (Scripted(*TOOLS[:2]), "finish"),
        (Titling(), "finish"),
        (Scripted("Half an ans", fault=RuntimeError("secret")), "error"),
        (Scripted(*TOOLS[:3], fault=RuntimeError("secret")), "error"),
        (Scripted(fault=RuntimeError("secret")), "error"),
    ],
    ids=["text", "nothing", "tools", "unanswered", "title", "fault", "fault in tools", "fault at once"],
)
def test_every_way_to_a_reply_is_right_to_the_letter(
    serve_with: Serve, assistant: Scripted, last: str, record_property: Callable[[str, object], None]
) -> None:
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        streams = [whole(user, "POST", "/api/chat", chat("Go")) for _ in range(2)]
        streams.append(whole(user, "POST", "/api/chat/chat-1/regenerate"))
        streams.append(whole(user, "POST", "/api/chat/chat-1/message", {"message": "Go on"}))
    found = list(map(checked, streams))
    assert [events[-1]["type"] for events in found] == [last] * 4
    first, replayed, *_ = found
    assert (replayed[0], replayed[1], replayed[-1]) == (first[0], first[1], first[-1])
    assert message(replayed) == message(first)
    assert b"secret" not in b"".join(streams)
    record_property("events", sum(map(len, found)))
    print(f"{sum(map(len, found))} events in {len(found)} streams, 0 against the protocol")


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("end", ["go", "stop", "delete"])
def test_however_it_ends_the_stream_ends_well(serve_with: Serve, end: str, elsewhere: bool) -> None:
    assistant = Scripted("One, ", ToolCall("a", "wait", {}), "two.", waits=True)
    with serve_with(assistant) as service, serve_with(Scripted("Not me")) as other:
        user = service.user("a@example.com")
        session = user.conversation()
        reader = other.user_of(user.id) if elsewhere else user
        body = {"message": "Go"}
        with stream(user, "POST", f"/api/chat/{session}/message", body) as first:
            parts = first.iter_raw()
            streams = [read_until(parts, b"tool-input-available")]
            with stream(reader, "GET", f"/api/chat/{session}/stream") as second:
                others = second.iter_raw()
                streams.append(read_until(others, b"tool-input-available"))
                if end == "go":
                    assistant.go()
                elif end == "stop":
                    assert user.post(f"/api/chat/{session}/stop").status_code == 200
                else:
                    assert user.delete(f"/api/conversations/{session}").status_code == 204
                streams = [streams[0] + b"".join(parts), streams[1] + b"".join(others)]
    written, resumed = map(checked, streams)
    assert "data-message" not in kinds(resumed)
    endings: dict[str, list[Event]] = {
        "go": [{"type": "finish", "finishReason": "stop", "messageMetadata": {"status": "complete"}}],
        "stop": [
            {"type": "message-metadata", "messageMetadata": {"status": "stopped"}},
            {"type": "abort", "reason": "stopped"},
        ],
        "delete": [{"type": "error", "errorText": "conversation_not_found"}],
    }
    last = endings[end]
    assert written[-len(last) :] == last
    assert resumed[-len(last) :] == last
    assert text(resumed) == text(written)


def test_a_server_that_stops_ends_its_streams_well(serve_with: Serve) -> None:
    with httpx.Client(timeout=60, headers=STREAM) as client:
        with serve_with(Scripted("One, ", "two.", waits=True), shutdown_grace=0.2) as service:
            user = service.user("a@example.com")
            url = f"{service.url}/api/chat/{user.conversation()}/message"
            headers = {"Authorization": f"Bearer {user.token}"}
            request = client.build_request("POST", url, json={"message": "Go"}, headers=headers)
            parts = client.send(request, stream=True).iter_raw()
            read = read_until(parts, b"One, ")
        events = checked(read + b"".join(parts))
    assert text(events) == "One, "
    assert events[-2:] == [
        {"type": "message-metadata", "messageMetadata": {"status": "interrupted"}},
        {"type": "abort", "reason": "interrupted"},
    ]


def test_silence_is_filled_with_comments() -> None:
    async def read() -> bytes:
        live = LiveReply(1, 2)
        watched = nullcontext(Reading(Caller(1, 0), live.wake))
        parts = aiter(stream_response(live, None, watched, pause=0.001).body_iterator)
        stream = [await anext(parts) for _ in range(3)]
        assert stream[1:] == [PING, PING]
        live.say(TextDelta("At last"))
        while stream[-1] == PING:
            stream.append(await anext(parts))
        stream.append(await anext(parts))
        assert stream[-1] == PING
        live.say(Ended("complete", "stop"))
        stream += [part async for part in parts]
        assert stream[-1] == DONE
        return b"".join(part for part in stream if isinstance(part, bytes))

    assert text(checked(asyncio.run(read()))) == "At last"


GOOD = (
    {"type": "start", "messageId": "2"},
    {"type": "start-step"},
    {"type": "text-start", "id": "t"},
    {"type": "text-delta", "id": "t", "delta": "x"},
    {"type": "text-end", "id": "t"},
    {"type": "tool-input-available", "toolCallId": "a", "toolName": "b", "input": {}},
    {"type": "tool-output-available", "toolCallId": "a", "output": 1},
    {"type": "finish-step"},
    {"type": "finish", "finishReason": "stop"},
)


def as_bytes(*events: object, end: bytes = DONE) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + end


def test_the_check_accepts_what_is_right() -> None:
    assert checked(as_bytes(*GOOD[:3]).removesuffix(DONE) + PING + as_bytes(*GOOD[3:])) == list(GOOD)


@pytest.mark.parametrize("missing", [0, 1, 2, 4, 5, 7, 8])
def test_the_check_misses_what_is_needed(missing: int) -> None:
    with pytest.raises(AssertionError):
        checked(as_bytes(*GOOD[:missing], *GOOD[missing + 1 :]))


@pytest.mark.parametrize(
    "wrong",
    [
        as_bytes(*GOOD, end=b""),
        as_bytes(*GOOD, end=DONE + DONE),
        as_bytes(*GOOD) + PING[:-1],
        as_bytes(*GOOD, end=DONE + as_bytes(GOOD[-1], end=b"")),
        as_bytes(*GOOD[:-1], {"type": "finish", "finishReason": None}),
        as_bytes(*GOOD[:-1], {"type": "finish", "finishReason": "interrupted"}),
        as_bytes(*GOOD[:-1], {"type": "finish", "messageMetadata": {"usage": None}}),
        as_bytes(*GOOD[:-1], {"type": "finish", "reason": "stop"}),
        as_bytes(*GOOD[:6], {**GOOD[6], "output": None}, *GOOD[7:]),
        as_bytes(*GOOD[:3], {**GOOD[3], "id": "u"}, *GOOD[4:]),
        as_bytes(*GOOD[:5], *GOOD[2:]),
        as_bytes(*GOOD[:4], GOOD[5], GOOD[4], *GOOD[6:]),
        as_bytes(*GOOD[:5], GOOD[6], GOOD[5], *GOOD[7:]),
        as_bytes(GOOD[1], GOOD[0], *GOOD[2:]),
        as_bytes(*GOOD, {"type": "error", "errorText": "late"}),
        b"event: x\n" + as_bytes(*GOOD),
    ],
)
def test_the_check_refuses_what_is_wrong(wrong: bytes) -> None:
    with pytest.raises(AssertionError):
        checked(wrong)
