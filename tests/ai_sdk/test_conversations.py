"""What a user of a frontend with `useChat` does when nothing is in the way."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from ai_sdk.frontend import HERE, Frontend, agree, texts
from app.models.events import TextDelta, ToolCall, ToolResult, Usage
from assistants_for_tests import Echo, Scripted, Titling
from support import Service

Serve = Callable[..., AbstractContextManager[Service]]

FINISHED = {"isAbort": False, "isDisconnect": False, "isError": False, "finishReason": "stop"}


def asked(echo: Echo) -> list[list[str]]:
    """What the assistant was shown, each time."""
    return [[said.content for said in prompt.messages] for prompt in echo.prompts]


def test_two_turns_are_the_same_on_both_sides(frontend: Frontend, echoing: Service, echo: Echo) -> None:
    user = echoing.user("a@example.com")
    played = frontend.play("two_turns", user, echoing)
    page = played["page"]
    assert texts(page["messages"]) == ["One?", "1. One?", "Two?", "2. Two?"]
    assert [message["role"] for message in page["messages"]] == ["user", "assistant"] * 2
    assert (page["status"], page["errors"], page["finished"]) == ("ready", [], [FINISHED] * 2)
    agree(page["messages"], played["history"])
    (conversation,) = user.get("/api/conversations").json()["items"]
    assert (conversation["client_id"], conversation["title"]) == ("chat-1", "One?")
    stored = user.messages(conversation["id"])
    assert [str(message["id"]) for message in stored[1::2]] == [
        message["id"] for message in page["messages"][1::2]
    ]
    assert [part["type"] for part in page["data"]] == ["data-message"] * 2
    assert [part["data"]["id"] for part in page["data"]] == [message["id"] for message in stored[::2]]
    assert page["messages"][1]["metadata"] == {"session_id": str(conversation["id"]), "status": "complete"}
    assert asked(echo) == [["One?"], ["One?", "1. One?", "Two?"]]


def test_a_chat_goes_on_after_a_reload(frontend: Frontend, echoing: Service, echo: Echo) -> None:
    played = frontend.play("reload", echoing.user("a@example.com"), echoing)
    assert texts(played["page"]["messages"]) == ["One?", "1. One?", "Two?", "2. Two?"]
    agree(played["page"]["messages"], played["history"])
    assert asked(echo)[1] == ["One?", "1. One?", "Two?"]


def test_the_last_message_alone_is_enough(frontend: Frontend, echoing: Service, echo: Echo) -> None:
    played = frontend.play("last_message_only", echoing.user("a@example.com"), echoing)
    assert texts(played["page"]["messages"]) == ["One!", "4. One!"]
    agree(played["page"]["messages"], played["history"])
    assert asked(echo) == [["One?"], *[["One?", "1. One?", "Two?"]] * 2, ["One!"]]


def test_tools_are_shown_and_left_to_the_server(frontend: Frontend, serve_with: Serve) -> None:
    assistant = Scripted(
        TextDelta("Let me look."),
        ToolCall("a", "list_todos", {"due": None}),
        ToolResult("a", [{"title": "Milk"}]),
        ToolCall("b", "delete_todo", {"id": 9}),
        ToolResult("b", error="There is no such todo."),
        ToolCall("c", "clear", {}),
        ToolResult("c"),
        Usage(5, 7),
    )
    with serve_with(assistant) as service:
        played = frontend.play("tools", service.user("a@example.com"), service)
    page = played["page"]
    done, failed = "output-available", "output-error"
    assert played["states"] == [
        "input-available",
        done,
        f"{done} input-available",
        f"{done} {failed}",
        f"{done} {failed} input-available",
        f"{done} {failed} {done}",
    ]
    tools = [part for part in page["messages"][1]["parts"] if part["type"].startswith("tool-")]
    assert [tool.get("output") for tool in tools] == [[{"title": "Milk"}], None, {}]
    assert tools[1]["errorText"] == "There is no such todo."
    assert tools[0]["input"] == {"due": None}
    agree(page["messages"], played["history"])
    assert played["history"][1]["metadata"]["usage"] == {"input_tokens": 5, "output_tokens": 7}
    assert page["status"] == "ready"
    # A client that uses tools itself, and goes on by itself when they have answered, does neither.
    assert (played["asked"], len(assistant.prompts)) == ([], 1)


def test_a_reply_is_written_again(frontend: Frontend, echoing: Service, echo: Echo) -> None:
    user = echoing.user("a@example.com")
    played = frontend.play("regenerate", user, echoing)
    before = ["One?", "1. One?", "Two?"]
    assert texts(played["first"]) == [*before, "2. Two?"]
    assert [texts(step["messages"]) for step in played["steps"]] == [
        [*before, "3. Two?"],
        ["One?", "4. One?"],
        ["One?", "5. One?"],
    ]
    for step in played["steps"]:
        agree(step["messages"], step["history"])
    assert asked(echo) == [["One?"], before, before, ["One?"], ["One?"]]
    session = played["first"][1]["metadata"]["session_id"]
    for message, versions in ((played["first"][1], 3), (played["first"][3], 2)):
        listed = user.get(f"/api/chat/{session}/replies/{message['id']}/versions").json()["items"]
        assert len(listed) == versions


def test_an_edited_question_takes_the_place_of_all_that_came_after_it(
    frontend: Frontend, echoing: Service, echo: Echo
) -> None:
    played = frontend.play("edit", echoing.user("a@example.com"), echoing)
    assert texts(played["page"]["messages"]) == ["Three?", "3. Three?"]
    agree(played["page"]["messages"], played["history"])
    assert asked(echo)[2] == ["Three?"]


def test_a_title_reaches_the_page(
    frontend: Frontend, serve_with: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.turns.writer.SHOWN_TITLE_SECONDS", 60)  # the stream waits for it
    with serve_with(Titling()) as service:
        user = service.user("a@example.com")
        page = frontend.play("two_turns", user, service)["page"]
        assert [part["type"] for part in page["data"]] == ["data-message", "data-title", "data-message"]
        assert page["data"][1]["data"] == {"title": "About One? and 1. One?"}
        assert user.get("/api/conversations").json()["items"][0]["title"] == "About One? and 1. One?"


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/ai"]["version"] == "7.0.173"
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)
