"""Agents of pydantic-ai behind the whole service. Their models are functions: nothing leaves this machine."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

pytest.importorskip("pydantic_ai", reason="the extra pydantic-ai is not installed")

from pydantic import BaseModel
from pydantic_ai import Agent, ModelMessage, RunContext
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelHTTPError,
    ModelOverloadedError,
    ModelRateLimitError,
)
from pydantic_ai.messages import (
    BinaryContent,
    NativeToolCallPart,
    NativeToolReturnPart,
)
from pydantic_ai.models.function import (
    AgentInfo,
    BuiltinToolCallsReturns,
    DeltaToolCall,
    DeltaToolCalls,
    FunctionModel,
)
from pydantic_ai.models.test import TestModel

from app.assistants.base import Prompt
from app.assistants.pydantic_agent import PydanticAgent, todo_tools
from app.repositories.todos import TodoRepository
from support import Service, User

Serve = Callable[..., AbstractContextManager[Service]]
Said = str | DeltaToolCalls | BuiltinToolCallsReturns
Says = Said | Exception


class Lines:
    """A model that says one line of the script each time it is asked, and keeps what it was shown."""

    def __init__(self, *script: list[Says]) -> None:
        self.script = list(script)
        self.shown: list[list[ModelMessage]] = []

    async def __call__(self, messages: list[ModelMessage], _: AgentInfo) -> AsyncIterator[Said]:
        self.shown.append(messages)
        for said in self.script[len(self.shown) - 1]:
            if isinstance(said, Exception):
                raise said
            yield said

    @property
    def model(self) -> FunctionModel:
        return FunctionModel(stream_function=self, model_name="lines")

    def parts(self, time: int) -> list[Any]:
        """What it was shown when it was asked so many times."""
        return [part for message in self.shown[time - 1] for part in message.parts]

    def contents(self, time: int) -> list[tuple[str, Any]]:
        return [(part.part_kind, getattr(part, "content", None)) for part in self.parts(time)]


def call(name: str, identity: str = "call-1", place: int = 0, **arguments: Any) -> DeltaToolCalls:
    return {place: DeltaToolCall(name, json.dumps(arguments), tool_call_id=identity)}


def keeper(lines: Lines) -> PydanticAgent:
    return PydanticAgent(
        Agent(lines.model, deps_type=TodoRepository, toolsets=[todo_tools()], system_prompt="You keep todos.")
    )


def asked(user: User, *messages: str) -> list[dict[str, Any]]:
    """The replies to some messages in one conversation."""
    session = user.post("/api/chat/start").json()["session_id"]
    answers = [user.post(f"/api/chat/{session}/message", {"message": message}) for message in messages]
    return [answer.json()["reply"] for answer in answers]


def test_text_is_streamed_as_the_agent_says_it(serve_with: Serve) -> None:
    with serve_with(PydanticAgent(Agent(Lines(["Hel", "lo ", "you"]).model))) as service:
        user = service.user("a@example.com")
        session = user.post("/api/chat/start").json()["session_id"]
        headers = {"Accept": "text/event-stream"}
        stream = user.post(f"/api/chat/{session}/message", {"message": "Hi"}, headers=headers).text
        reply = user.get(f"/api/chat/{session}/history").json()["items"][-1]
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    assert "".join(event.get("delta", "") for event in events) == "Hello you"
    assert events[-1]["finishReason"] == "stop"
    assert (reply["content"], reply["parts"], reply["status"]) == ("Hello you", None, "complete")
    assert (reply["model"], reply["finish_reason"]) == ("function:lines", "stop")
    assert reply["usage"]["input_tokens"] > 0
    assert reply["usage"]["output_tokens"] > 0


def test_an_agent_keeps_the_todos_of_who_asks(serve_with: Serve) -> None:
    lines = Lines(
        ["I add it.", call("add_todo", "a", title="milk"), call("add_todo", "b", 1, title="eggs")],
        ["Added."],
    )
    with serve_with(keeper(lines)) as service:
        alice, bob = service.user("a@example.com"), service.user("b@example.com")
        [reply] = asked(alice, "Add milk and eggs")
        todos = alice.get("/api/todos").json()["items"]
        assert bob.get("/api/todos").json()["items"] == []
        shown = alice.get(f"/api/chat/{reply['conversation_id']}/history", params={"format": "ui"}).json()
    assert [todo["title"] for todo in todos] == ["milk", "eggs"]
    assert reply["content"] == "I add it.\n\nAdded."
    first, milk, eggs, last = reply["parts"]
    assert (first["text"], last["text"]) == ("I add it.", "\n\nAdded.")
    assert milk == {
        "type": "tool-add_todo",
        "toolCallId": "a",
        "state": "output-available",
        "input": {"title": "milk"},
        "output": {"id": todos[0]["id"], "title": "milk", "description": "", "completed": False},
    }
    assert (eggs["toolCallId"], eggs["output"]["title"]) == ("b", "eggs")
    assert [part["type"] for part in shown["items"][-1]["parts"]] == [part["type"] for part in reply["parts"]]


def test_what_a_todo_tool_refuses_is_shown_and_told(serve_with: Serve) -> None:
    lines = Lines(
        [call("delete_todo", id=7), call("add_todo", "call-2", 1, context="?", title="")], ["Sorry."]
    )
    with serve_with(keeper(lines)) as service:
        [reply] = asked(service.user("a@example.com"), "Delete number 7")
    missing, unfit, _ = reply["parts"]
    assert (missing["state"], missing["errorText"]) == ("output-error", "There is no such todo.")
    assert (unfit["state"], unfit["errorText"][:19]) == ("output-error", "Nothing was done. t")
    assert ("tool-return", "There is no such todo.") in lines.contents(2)
    assert (reply["content"], reply["status"]) == ("Sorry.", "complete")


def test_an_agent_is_shown_the_conversation_with_its_tools(serve_with: Serve) -> None:
    lines = Lines(
        [call("add_todo", title="milk")],
        ["Added."],
        [call("add_todo", title="eggs")],
        ["That, too."],
        ["Fine."],
    )
    with serve_with(keeper(lines)) as service:
        replies = asked(service.user("a@example.com"), "Add milk", "and eggs", "Thanks")
    outputs = [reply["parts"][0]["output"] for reply in replies[:2]]
    assert lines.contents(5) == [
        ("system-prompt", "You keep todos."),
        ("user-prompt", "Add milk"),
        ("tool-call", None),
        ("tool-return", outputs[0]),
        ("text", "Added."),
        ("user-prompt", "and eggs"),
        ("tool-call", None),
        ("tool-return", outputs[1]),
        ("text", "That, too."),
        ("user-prompt", "Thanks"),
    ]
    ids = [part.tool_call_id for part in lines.parts(5) if part.part_kind.startswith("tool-")]
    assert ids == ["call00001", "call00001", "call00002", "call00002"]


def test_an_agent_without_tools_is_shown_text_alone(serve_with: Serve) -> None:
    lines = Lines(["Fine."])
    with serve_with() as service:
        user = service.user("a@example.com")
        [reply] = asked(user, "add milk")
        assert reply["parts"][0]["type"] == "tool-add_todo"
    with serve_with(PydanticAgent(Agent(lines.model))) as service:
        path = f"/api/chat/{reply['conversation_id']}/message"
        assert (
            service.user_of(user.id).post(path, {"message": "Thanks"}).json()["reply"]["content"] == "Fine."
        )
    assert [kind for kind, _ in lines.contents(1)] == ["user-prompt", "text", "user-prompt"]


def test_a_reply_without_a_word_is_not_shown(serve_with: Serve) -> None:
    lines = Lines([RuntimeError("before a word")], ["Fine."])
    with serve_with(PydanticAgent(Agent(lines.model))) as service:
        silent, reply = asked(service.user("a@example.com"), "Well?", "And now?")
    assert (silent["content"], silent["status"], reply["content"]) == ("", "failed", "Fine.")
    assert lines.contents(2) == [("user-prompt", "Well?"), ("user-prompt", "And now?")]


def test_tools_of_the_provider_and_files_are_shown(serve_with: Serve) -> None:
    search: BuiltinToolCallsReturns = {
        0: NativeToolCallPart("web_search", {"query": "milk"}, "w-1", provider_name="function")
    }
    found: BuiltinToolCallsReturns = {
        1: NativeToolReturnPart("web_search", ["milk.example"], "w-1", provider_name="function")
    }
    agent = Agent(Lines([search, found, call("draw", "d-1", 2)], ["There."]).model)

    @agent.tool_plain
    def draw() -> BinaryContent:
        return BinaryContent(b"\x89", media_type="image/png")

    with serve_with(PydanticAgent(agent)) as service:
        [reply] = asked(service.user("a@example.com"), "Draw some milk")
    searched, drawn, text = reply["parts"]
    assert (searched["type"], searched["input"]) == ("tool-web_search", {"query": "milk"})
    assert searched["output"] == ["milk.example"]
    assert (drawn["state"], drawn["output"]) == ("output-available", {})
    assert text["text"] == reply["content"] == "There."


def refusal(category: type[ModelRateLimitError | ModelOverloadedError], status: int) -> ModelHTTPError:
    return ModelHTTPError.for_category(category, status_code=status, model_name="lines")


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (refusal(ModelRateLimitError, 429), "failed", "model_busy"),
        (refusal(ModelOverloadedError, 529), "failed", "model_busy"),
        (ModelHTTPError(500, "lines", "what the user wrote"), "failed", "model_failed"),
        (RuntimeError("a fault of its own"), "failed", "assistant_failed"),
        (ContentFilterError("no"), "complete", "content-filter"),
    ],
)
def test_faults_keep_what_was_said(serve_with: Serve, fault: Exception, status: str, reason: str) -> None:
    with serve_with(PydanticAgent(Agent(Lines(["So far", " so good", fault]).model))) as service:
        [reply] = asked(service.user("a@example.com"), "Go on")
    assert (reply["content"], reply["status"]) == ("So far so good", status)
    assert reply["finish_reason"] == reason


def test_stop_ends_the_run_of_the_agent(serve_with: Serve) -> None:
    began, ended = threading.Event(), threading.Event()

    async def endless(messages: list[ModelMessage], _: AgentInfo) -> AsyncIterator[str]:
        try:
            yield "Thinking"
            began.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    with serve_with(PydanticAgent(Agent(FunctionModel(stream_function=endless)))) as service:
        user = service.user("a@example.com")
        session = user.post("/api/chat/start").json()["session_id"]
        asking = threading.Thread(
            target=user.post, args=(f"/api/chat/{session}/message", {"message": "Go on"})
        )
        asking.start()
        assert began.wait(60)
        user.post(f"/api/chat/{session}/stop")
        assert ended.wait(60)
        asking.join()
        reply = user.get(f"/api/chat/{session}/history").json()["items"][-1]
    assert (reply["content"], reply["status"]) == ("Thinking", "stopped")


class Weather(BaseModel):
    city: str
    degrees: int


def test_what_an_agent_gives_by_a_tool_is_said_as_json(serve_with: Serve) -> None:
    agent = Agent(TestModel(custom_output_args={"city": "Bern", "degrees": 9}), output_type=Weather)
    with serve_with(PydanticAgent(agent)) as service:
        [reply] = asked(service.user("a@example.com"), "How is the weather?")
    assert json.loads(reply["content"]) == {"city": "Bern", "degrees": 9}
    assert reply["parts"] is None


def test_an_agent_may_have_its_own_deps_and_tools(serve_with: Serve) -> None:
    lines = Lines([call("remember", word="milk")], ["Yes."])
    agent = Agent(lines.model, deps_type=list[str])

    @agent.tool
    def remember(context: RunContext[list[str]], word: str) -> Weather:
        context.deps.append(word)
        return Weather(city=word, degrees=len(context.deps))

    heard: list[str] = []

    def deps(prompt: Prompt) -> list[str]:
        heard.append(prompt.messages[-1].content)
        return heard

    with serve_with(PydanticAgent(agent, deps)) as service:
        [reply] = asked(service.user("a@example.com"), "Remember milk")
    assert heard == ["Remember milk", "milk"]
    assert reply["parts"][0]["output"] == {"city": "milk", "degrees": 2}
