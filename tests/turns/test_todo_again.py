"""Another reply of the offline assistant: what it changed for the first one is not changed twice."""

from typing import Any

from app.assistants.base import Utterance
from app.models.events import ToolCall, ToolResult
from assistants_for_tests import Scripted
from proxy import proxied
from support import Postgres, User
from turns.reading import streamed, text
from turns.test_ui_turns import Serve, again, chat


def todos(user: User) -> list[str]:
    return [todo["title"] for todo in user.get("/api/todos").json()["items"]]


def test_it_changes_nothing_however_it_is_asked_for(alice: User) -> None:
    streamed(alice, "/api/chat", chat("q-1", "add milk"))
    before = alice.get("/api/chat/chat-1/history").json()["items"]
    asked: list[tuple[str, Any]] = [
        ("/api/chat/chat-1/regenerate", None),
        ("/api/chat", again()),
        ("/api/chat", again(messageId=str(before[-1]["id"]))),
        ("/api/chat", again(message=chat("q-1", "add milk")["message"])),
    ]
    for path, body in asked:
        [question, reply] = before
        if body and "messageId" in body:
            body["messageId"] = str(reply["id"])
        streamed(alice, path, body)
        before = alice.get("/api/chat/chat-1/history").json()["items"]
        assert before[0] == question
        assert before[1]["id"] > reply["id"]
        assert before[1]["content"].startswith("I answered this before, so I changed nothing now.")
        assert before[1]["parts"] is None
        assert todos(alice) == ["milk"]
    streamed(alice, "/api/chat", chat("q-2", "add milk"))
    assert todos(alice) == ["milk", "milk"]


def test_an_edited_message_is_another_one(alice: User) -> None:
    streamed(alice, "/api/chat", chat("q-1", "add milk"))
    streamed(alice, "/api/chat", chat("q-1", "add oat milk", messageId="q-1"))
    assert todos(alice) == ["milk", "oat milk"]


def test_an_assistant_is_told_which_replies_it_replaces(serve_with: Serve) -> None:
    assistant = Scripted("Look.", ToolCall("1", "look", {}), ToolResult("1", "there"))
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        for message in ("One?", "Two?"):
            user.post(f"/api/chat/{session}/message", {"message": message})
        for _ in range(2):
            user.post(f"/api/chat/{session}/regenerate")
    call = {"type": "tool-look", "toolCallId": "1", "state": "output-available", "input": {}}
    look = Utterance("assistant", "Look.", [{"type": "text", "text": "Look."}, {**call, "output": "there"}])
    assert [list(prompt.replaced) for prompt in assistant.prompts] == [[], [], [look], [look, look]]
    assert [prompt.messages[-1].content for prompt in assistant.prompts] == ["One?", "Two?", "Two?", "Two?"]


def test_it_knows_also_when_the_answer_of_the_database_was_lost(
    serve_with: Serve, postgres: Postgres
) -> None:
    with proxied(postgres) as proxy, serve_with(database_url=proxy.text) as service:
        user = service.user("a@example.com")
        streamed(user, "/api/chat", chat("q-1", "add milk"))
        proxy.trap(b"add milk", "answer")
        answer = streamed(user, "/api/chat", again(message=chat("q-1", "add milk")["message"]))
        assert text(answer).startswith("I answered this before")
        assert todos(user) == ["milk"]
