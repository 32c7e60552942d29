"""A model that uses tools: what it is offered, what is done, what it is told of it, and where it ends."""

import json
from typing import Any

import pytest

from app.assistants.base import ModelFailed, Utterance
from app.assistants.model import MOST_ROUNDS
from app.models.events import Event, Finish, TextDelta, ToolCall, ToolResult, Usage
from model_server import (
    CUT,
    DONE,
    Answer,
    ModelServer,
    call,
    calls,
    chunk,
    refuses,
    says,
    serving,
    texts,
    usage,
)
from model_talk import fails, talk, text
from todos_in_memory import Todos


def tool_events(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, ToolCall | ToolResult)]


def told(server: ModelServer) -> list[dict[str, Any]]:
    """The messages of the last request, behind the system prompt and the question."""
    messages: list[dict[str, Any]] = server.streamed[-1].body["messages"]
    return messages[2:]


def test_a_call_is_shown_carried_out_and_answered() -> None:
    todos = Todos()
    first = Answer(
        [
            *texts("Let me ", "see."),
            *call(0, "call_a", "add_todo", '{"ti', 'tle": "mi', 'lk"}'),
            chunk(finish="tool_calls"),
            usage(5, 7),
            DONE,
        ]
    )
    with serving(first, says("Done.")) as server:
        events = talk(server, todos=todos)
        assert server.calls == 2
        assert told(server) == [
            {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "add_todo", "arguments": '{"title": "milk"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": json.dumps(RESULT)},
        ]
    assert text(events) == "Let me see.Done."
    assert [event for event in events if not isinstance(event, TextDelta)] == [
        Usage(5, 7),
        ToolCall("call_a", "add_todo", {"title": "milk"}),
        ToolResult("call_a", RESULT),
        Usage(1, 1),
        Finish("stop"),
    ]
    assert str(todos) == "milk"


RESULT = {"id": 100, "title": "milk", "description": "", "completed": False}


def test_parallel_calls_are_carried_out_in_their_order() -> None:
    todos = Todos()
    both = calls(
        call(0, "a", "add_todo", '{"title": "milk"}'),
        call(1, "b", "update_todo", '{"id": 100, "completed": true}'),
    )
    with serving(both, says("ok")) as server:
        events = tool_events(talk(server, todos=todos))
        assert [message["role"] for message in told(server)] == ["assistant", "tool", "tool"]
        assert told(server)[0]["content"] is None
    assert [type(event) for event in events] == [ToolCall, ToolCall, ToolResult, ToolResult]
    assert str(todos) == "x milk"


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("drop_tables", "{}", "There is no such tool"),
        ("add_todo", '{"title": ', "Invalid JSON"),
        ("add_todo", r'{"title": "\u0000"}', "NUL"),
        ("x" * 100_000, "{}", "There is no such tool"),
        ("\0 add\ud800", "{}", "There is no such tool"),
    ],
)
def test_a_call_that_makes_no_sense_is_told_to_the_model(name: str, arguments: str, why: str) -> None:
    todos = Todos()
    with serving(calls(call(0, "a", name, arguments)), says("Sorry.")) as server:
        made, result = tool_events(talk(server, todos=todos))
        assert isinstance(made, ToolCall)
        assert isinstance(result, ToolResult)
        assert made.name.isascii()
        assert 0 < len(made.name) <= 64
        assert result.error is not None
        assert why in result.error
        assert told(server)[0]["tool_calls"][0]["function"]["name"] == made.name
        assert json.loads(told(server)[1]["content"]) == {"error": result.error}
    assert str(todos) == ""


@pytest.mark.parametrize("identity", ["", "a", "\0", "é", "x" * 101, "with space"])
def test_calls_have_ids_of_their_own_whatever_the_model_says(identity: str) -> None:
    one = calls(call(0, identity, "list_todos", "{}"))
    with serving(one, one, says("ok")) as server:
        events = tool_events(talk(server))
        asked = told(server)
    ids = [event.id for event in events if isinstance(event, ToolCall)]
    assert len(set(ids)) == 2
    assert all(one.isascii() and one.isprintable() and " " not in one for one in ids)
    assert [message["tool_call_id"] for message in asked if message["role"] == "tool"] == ids


def test_an_id_of_ours_is_another_one_than_what_the_model_took_for_itself() -> None:
    first, second = (calls(call(0, identity, "list_todos", "{}")) for identity in ("call00001", ""))
    with serving(first, second, second, says("ok")) as server:
        events = tool_events(talk(server))
    ids = [event.id for event in events if isinstance(event, ToolCall)]
    assert ids == ["call00001", "call00002", "call00003"]


def test_what_a_provider_signs_goes_back_to_it() -> None:
    signature = {"google": {"thought_signature": "c2lnbmVk"}}
    fragment = {
        "index": 0,
        "id": "a",
        "function": {"name": "list_todos", "arguments": "{}"},
        "extra_content": signature,
    }
    with serving(calls([chunk({"tool_calls": [fragment]})]), says("ok")) as server:
        talk(server)
        assert told(server)[0]["tool_calls"][0]["extra_content"] == signature


def test_a_model_that_never_stops_using_tools_is_stopped() -> None:
    todos = Todos()
    with serving(calls(call(0, "a", "add_todo", '{"title": "milk"}'))) as server:
        events = talk(server, todos=todos)
        assert server.calls == MOST_ROUNDS
    assert events[-1] == Finish("tool-calls")
    assert len(todos.rows) == MOST_ROUNDS - 1


@pytest.mark.parametrize(("finish", "done"), [("stop", True), ("length", False), ("content_filter", False)])
def test_calls_count_unless_the_answer_was_broken_off(finish: str, done: bool) -> None:
    todos = Todos()
    first = Answer([*call(0, "a", "add_todo", '{"title": "milk"}'), chunk(finish=finish), DONE])
    with serving(first, says("ok")) as server:
        events = talk(server, todos=todos)
        assert server.calls == 1 + done
    assert bool(tool_events(events)) == done
    assert str(todos) == "milk" * done


def test_a_cut_call_is_not_carried_out_and_asked_for_again() -> None:
    todos, begun = Todos(), call(0, "a", "add_todo", '{"title": "milk"}')
    with serving(Answer([*begun, CUT]), calls(begun), says("ok")) as server:
        assert text(talk(server, todos=todos)) == "ok"
        assert server.calls == 3
    assert str(todos) == "milk"


def test_a_fault_of_a_later_round_keeps_what_was_done() -> None:
    todos = Todos()
    with serving(calls(call(0, "a", "add_todo", '{"title": "milk"}')), refuses(400)) as server:
        events = fails(server, ModelFailed, todos)
    assert len(tool_events(events)) == 2
    assert str(todos) == "milk"


def test_no_tools_are_offered_or_used_where_they_are_switched_off() -> None:
    todos, begun = Todos(), call(0, "a", "add_todo", '{"title": "milk"}')
    with serving(calls(begun)) as server:
        events = talk(
            server, Utterance("assistant", "", [PART]), Utterance("user", "x"), todos=todos, model_tools=False
        )
        assert "tools" not in server.requests[0].body
        assert [message["role"] for message in server.requests[0].body["messages"]] == ["system", "user"]
    assert tool_events(events) == []
    assert str(todos) == ""
    with serving(says("ok")) as server:
        talk(server)
        names = [tool["function"]["name"] for tool in server.requests[0].body["tools"]]
    assert names == ["list_todos", "add_todo", "update_todo", "delete_todo"]


PART = {
    "type": "tool-add_todo",
    "toolCallId": "an id of another model",
    "state": "output-available",
    "input": {"title": "milk"},
    "output": RESULT,
}


def test_tools_of_earlier_replies_are_told_with_their_results() -> None:
    failed = {
        "type": "tool-delete_todo",
        "toolCallId": "x",
        "state": "output-error",
        "input": {"id": 7},
        "errorText": "Gone.",
    }
    stopped = {"type": "tool-my.tool", "toolCallId": "y", "state": "input-available", "input": {}}
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "Now: "},
        PART,
        failed,
        {"type": "text", "text": "\n\nAdded."},
        stopped,
    ]
    earlier = Utterance("assistant", "Now: \n\nAdded. And", parts)
    with serving(says("ok")) as server:
        talk(server, Utterance("user", "add milk"), earlier, Utterance("user", "thanks"))
        messages = told(server)
    first, result, error, second, unknown, rest, _ = messages
    assert (first["role"], first["content"], len(first["tool_calls"])) == ("assistant", "Now:", 2)
    assert first["tool_calls"][0]["function"] == {"name": "add_todo", "arguments": '{"title": "milk"}'}
    assert json.loads(result["content"]) == RESULT
    assert json.loads(error["content"]) == {"error": "Gone."}
    assert (second["content"], second["tool_calls"][0]["function"]["name"]) == ("Added.", "my_tool")
    assert "not known" in unknown["content"]
    assert (rest["role"], rest["content"]) == ("assistant", " And")
    made = [one["id"] for message in messages for one in message.get("tool_calls", [])]
    assert made == [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert len(set(made)) == 3
    assert all(len(one) == 9 and one.isalnum() for one in made)


def test_a_reply_that_ended_with_a_tool_is_told_with_its_result() -> None:
    with serving(says("ok")) as server:
        talk(
            server, Utterance("user", "add milk"), Utterance("assistant", "", [PART]), Utterance("user", "?")
        )
        call, result, _ = told(server)
    assert (call["role"], call["content"], len(call["tool_calls"])) == ("assistant", None, 1)
    assert json.loads(result["content"]) == RESULT
