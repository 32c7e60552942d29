"""Streams: what a reader is shown, from the first token to the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from app.models.events import Event, Finish, TextDelta, ToolCall, ToolResult, Usage
from assistants_for_tests import Echo, Scripted
from support import Service, User
from turns.reading import kinds, known, streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]


def test_a_streamed_reply_is_the_stored_one(alice: User) -> None:
    session = alice.conversation()
    events = streamed(alice, f"/api/chat/{session}/message", {"message": "add buy milk"})
    history = alice.get(f"/api/chat/{session}/history").json()["items"]
    assert [item["status"] for item in history] == ["complete", "complete"]
    assert text(events) == history[1]["content"]
    assert events[0] == {
        "type": "start",
        "messageId": str(history[1]["id"]),
        "messageMetadata": {"session_id": str(session)},
    }
    assert events[1] == {"type": "data-message", "data": known(history[0]), "transient": True}
    assert events[-1] == {
        "type": "finish",
        "finishReason": "stop",
        "messageMetadata": {"status": "complete"},
    }


def test_text_and_tools_come_in_their_order(serve_with: Serve) -> None:
    said: list[Event] = [
        TextDelta("Let me "),
        TextDelta("look."),
        ToolCall("1", "list_todos", {"all": True}),
        ToolResult("1", [{"title": "Milk"}]),
        ToolCall("2", "delete_todo", {"id": 9}),
        ToolResult("2", error="There is no such todo."),
        TextDelta("Milk it is."),
        Usage(10, 3),
        Usage(5, 4),
        Finish("length"),
    ]
    with serve_with(Scripted(*said)) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "What is there?"})
        reply = user.messages(session)[1]
        again = user.get(f"/api/chat/{session}/history", params={"format": "ui"}).json()["items"][1]
    assert kinds(events) == [
        "start",
        "data-message",
        "start-step",
        "text-start",
        "text-delta",
        "text-end",
        "tool-input-available",
        "tool-output-available",
        "tool-input-available",
        "tool-output-error",
        "text-start",
        "text-delta",
        "text-end",
        "finish-step",
        "finish",
    ]
    assert reply["content"] == text(events) == "Let me look.\n\nMilk it is."
    assert (reply["usage"], reply["finish_reason"]) == ({"input_tokens": 15, "output_tokens": 7}, "length")
    assert reply["timings"].keys() == {"first_token_ms", "total_ms"}
    ours = {"providerExecuted": True}
    assert again["parts"] == [part if part["type"] == "text" else part | ours for part in reply["parts"]]
    assert [part["type"] for part in again["parts"]] == [
        "text",
        "tool-list_todos",
        "tool-delete_todo",
        "text",
    ]
    assert again["parts"][1] == {
        "type": "tool-list_todos",
        "toolCallId": "1",
        "state": "output-available",
        "input": {"all": True},
        "output": [{"title": "Milk"}],
        "providerExecuted": True,
    }
    assert again["parts"][2]["errorText"] == "There is no such todo."


def test_the_first_token_is_shown_before_the_second_is_said(serve_with: Serve) -> None:
    assistant = Scripted("First", ", last", waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "Go"}) as events:
            for event in events:
                if event["type"] == "text-delta":
                    assert event["delta"] == "First"
                    break
            assistant.go()
            assert text(list(events)) == ", last"


def test_a_fault_ends_the_stream_with_its_code(serve_with: Serve) -> None:
    with serve_with(Scripted("Half an ans", fault=RuntimeError("secret"))) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        events = streamed(user, f"/api/chat/{session}/message", {"message": "Go"})
        assert kinds(events)[-3:] == ["text-end", "finish-step", "error"]
        assert events[-1] == {"type": "error", "errorText": "assistant_failed"}
        reply = user.messages(session)[1]
        assert (reply["status"], reply["content"]) == ("failed", "Half an ans")
        assert streamed(user, f"/api/chat/{session}/message", {"message": "Go"})[-1]["type"] == "error"


def test_what_is_refused_is_refused_before_the_first_byte(alice: User, bob: User) -> None:
    session = alice.conversation()
    for user, body, status in ((bob, {"message": "x"}, 404), (alice, {"message": " "}, 422)):
        refused = user.post(f"/api/chat/{session}/message", body, headers={"Accept": "text/event-stream"})
        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"


def test_a_retry_streams_the_same_reply_again(alice: User) -> None:
    session = alice.conversation()
    body = {"message": "add buy milk", "client_id": "q-1"}
    first = streamed(alice, f"/api/chat/{session}/message", body)
    again = streamed(alice, f"/api/chat/{session}/message", body)
    assert (again[0], again[1], again[-1]) == (first[0], first[1], first[-1])
    assert text(again) == text(first)
    assert len(alice.get("/api/todos").json()["items"]) == 1


def test_the_header_is_as_good_as_the_body(alice: User) -> None:
    key = {"Idempotency-Key": "k-1"}
    started = alice.post("/api/chat/start", headers=key).json()
    assert alice.post("/api/chat/start", headers=key).json() == started
    session = started["session_id"]
    for path, body in (
        (f"/api/chat/{session}/message", {"message": "help"}),
        (f"/api/conversations/{session}/messages", {"content": "Noted"}),
    ):
        key = {"Idempotency-Key": path}
        first = alice.post(path, body, headers=key)
        assert first.is_success
        assert alice.post(path, body, headers=key).json() == first.json()
    assert len(alice.messages(int(session))) == 3


def test_an_assistant_is_shown_the_newest_turns_that_fit(serve_with: Serve) -> None:
    assistant = Echo()
    with serve_with(assistant, context_characters=15) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        for message in ("One", "Two", "Three", "A question of its own length"):
            user.post(f"/api/chat/{session}/message", {"message": message})
    shown = [[said.content for said in prompt.messages] for prompt in assistant.prompts]
    assert shown == [
        ["One"],
        ["One", "1. One", "Two"],
        ["Two", "2. Two", "Three"],
        ["A question of its own length"],
    ]
