"""What a client sees of the tools that an assistant uses."""

import json
from typing import Any

from support import Service, User


def asked(user: User, *messages: str) -> dict[str, Any]:
    """The reply to the last of the messages, in a conversation of its own."""
    session = user.post("/api/chat/start").json()["session_id"]
    for message in messages:
        answer = user.post(f"/api/chat/{session}/message", {"message": message})
        assert answer.status_code == 200, answer.text
    return dict(answer.json()["reply"])


def shown(user: User, conversation: int) -> list[dict[str, Any]]:
    """The conversation as the AI SDK shows it."""
    answer = user.get(f"/api/chat/{conversation}/history", params={"format": "ui"})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_a_tool_is_a_part_of_the_reply(alice: User) -> None:
    reply = asked(alice, "add buy milk")
    [todo] = alice.get("/api/todos").json()["items"]
    added = {name: todo[name] for name in ("id", "title", "description", "completed")}
    assert reply["content"] == "Added:\n\n- ☐ 1. buy milk"
    assert reply["parts"] == [
        {
            "type": "tool-add_todo",
            "toolCallId": "call-1",
            "state": "output-available",
            "input": {"title": "buy milk"},
            "output": added,
        },
        {"type": "text", "text": reply["content"]},
    ]


def test_a_refusal_of_a_tool_is_a_part_of_the_reply(alice: User, service: Service) -> None:
    service.postgres.rows(
        "INSERT INTO todo (user_id, title) SELECT %s, 'milk' FROM generate_series(1, 1000)", alice.id
    )
    reply = asked(alice, "add eggs")
    [tool, text] = reply["parts"]
    assert (tool["type"], tool["state"]) == ("tool-add_todo", "output-error")
    assert tool["errorText"] == "The list is full. Delete or clear completed todos first."
    assert "output" not in tool
    assert text["text"] == reply["content"] == f"I could not add “eggs”. {tool['errorText']}"
    assert (reply["status"], reply["finish_reason"]) == ("complete", "stop")


def test_the_content_of_several_commands_reads_like_one_text(alice: User) -> None:
    reply = asked(alice, "add milk\nadd eggs\nthanks\ndelete 1")
    assert [part["type"] for part in reply["parts"]] == [
        "tool-add_todo",
        "text",
        "tool-add_todo",
        "text",
        "tool-delete_todo",
        "text",
    ]
    ids = [part["toolCallId"] for part in reply["parts"] if part["type"] != "text"]
    assert ids == ["call-1", "call-2", "call-3"]
    assert reply["content"] == (
        "Added:\n\n- ☐ 1. milk\n\nAdded:\n\n- ☐ 2. eggs\n\nYou are welcome!\n\n"
        "“milk” was deleted.\n\nYour list now:\n\n- ☐ 1. eggs"
    )
    texts = [part["text"] for part in reply["parts"] if part["type"] == "text"]
    assert "".join(texts) == reply["content"]


def test_talk_has_no_parts(alice: User) -> None:
    reply = asked(alice, "help")
    assert reply["content"].startswith("I keep your todo list.")
    assert reply["parts"] is None
    assert [part["type"] for part in shown(alice, reply["conversation_id"])[-1]["parts"]] == ["text"]


def test_the_history_of_the_ai_sdk_shows_tools(alice: User, bob: User) -> None:
    reply = asked(alice, "add milk", "what is left?")
    messages = shown(alice, reply["conversation_id"])
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    tool, text = messages[-1]["parts"]
    # No client shall use the tool itself.
    assert [tool, text] == [reply["parts"][0] | {"providerExecuted": True}, reply["parts"][1]]
    assert tool["output"]["todos"][0]["title"] == "milk"
    foreign = bob.get(f"/api/chat/{reply['conversation_id']}/history", params={"format": "ui"})
    assert foreign.status_code == 404


def test_a_stream_shows_a_tool_before_the_text_that_reports_it(alice: User) -> None:
    session = alice.post("/api/chat/start").json()["session_id"]
    headers = {"Accept": "text/event-stream"}
    answer = alice.post(f"/api/chat/{session}/message", {"message": "add milk"}, headers=headers)
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    events = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: {")
    ]
    kinds = [event["type"] for event in events]
    tool, output, text = map(kinds.index, ("tool-input-available", "tool-output-available", "text-start"))
    assert tool < output < text
    assert (events[tool]["toolName"], events[tool]["input"]) == ("add_todo", {"title": "milk"})
    assert events[output]["toolCallId"] == events[tool]["toolCallId"]
    assert events[output]["output"]["title"] == "milk"
    assert "".join(event.get("delta", "") for event in events) == "Added:\n\n- ☐ 1. milk"
