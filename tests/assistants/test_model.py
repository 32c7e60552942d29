"""A reply of a language model: what is asked, what is shown, and what becomes of every fault."""

import asyncio
import logging
import socket
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from itertools import repeat

import pytest

from app.assistants.base import AssistantError, ModelBusy, ModelFailed, Prompt, Utterance
from app.assistants.model import ModelAssistant
from app.models.events import Finish, TextDelta, Usage
from model_server import (
    CUT,
    DONE,
    Answer,
    Gate,
    Step,
    byte_by_byte,
    call,
    chunk,
    event,
    refuses,
    says,
    serving,
    texts,
)
from model_talk import fails, replying, talk, text, with_assistant
from support import Service
from todos_in_memory import Todos

SECRET = "a secret of the provider"
QUESTION = Utterance("user", "a secret of the user")


def test_the_reply_is_the_text_then_what_it_cost_and_why_it_ended() -> None:
    with serving(says("Hel", "lo")) as server:
        *said, cost, end = talk(server)
    assert text(said) == "Hello"
    assert cost == Usage(1, 2)
    assert end == Finish("stop")


def test_the_model_is_asked_with_the_system_prompt_and_the_conversation() -> None:
    conversation = [Utterance("user", "one"), Utterance("assistant", "two"), Utterance("user", "three")]
    with serving(says("four")) as server:
        talk(server, *conversation, system_prompt="Be brief.", openai_api_key="sk-1")
        [asked] = server.requests
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-1"
    assert asked.body["model"] == "m"
    assert asked.body["stream"] is True
    assert asked.body["stream_options"] == {"include_usage": True}
    assert asked.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]


def test_a_reply_that_said_nothing_is_not_shown_to_the_model() -> None:
    with serving(says("ok")) as server:
        talk(server, Utterance("user", "one"), Utterance("assistant", ""), Utterance("user", "two"))
        [asked] = server.requests
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user", "user"]


def test_text_is_shown_before_the_model_goes_on() -> None:
    gate = Gate()

    async def first_then_rest() -> tuple[object, str]:
        async with replying(server, [], None) as reply:
            first = await anext(reply)
            gate.open()
            return first, text([event async for event in reply])

    with serving(Answer([*texts("first"), gate, *says(" rest").steps])) as server:
        assert asyncio.run(first_then_rest()) == (TextDelta("first"), " rest")


def test_text_that_comes_at_once_is_one_event() -> None:
    with serving(
        Answer([b"".join(step for step in says(*"abcdef").steps if isinstance(step, bytes))])
    ) as server:
        assert talk(server)[0] == TextDelta("abcdef")


def test_the_stream_may_be_cut_at_every_byte() -> None:
    with serving(byte_by_byte(says("naïve ", "日本語 ", "👩‍👩‍👧"))) as server:
        assert text(talk(server)) == "naïve 日本語 👩‍👩‍👧"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content-filter"),
        ("tool_calls", "tool-calls"),
        ("eos", "other"),
    ],
)
def test_why_the_model_ended_is_told(told: str, reason: str) -> None:
    with serving(says("x", finish=told)) as server:
        [*_, end] = talk(server)
    assert isinstance(end, Finish)
    assert end.reason == reason


END = [chunk(finish="stop"), DONE]
BROKEN: dict[str, list[Step]] = {
    "cut": [CUT],
    "cut within an event": [b'data: {"choi', CUT],
    "ended without a reason": [],
    "garbage": [b"data: {]}\n\n"],
    "not UTF-8": [b"data: \xff\xfe\n\n"],
    "no object": [event([])],
    "an error": [event({"error": {"message": SECRET, "code": 500}})],
    "an error without a form": [event({"error": SECRET})],
    "an error as a reason": [chunk(finish="error"), DONE],
    "nested too deep": [b"data: " + b"[" * 100_000 + b"\n\n"],
    "a line of 10 MB": [b"data: ", *repeat(b"x" * 65_536, 160)],
    "a comment of 10 MB": [b": ", *repeat(b"x" * 65_536, 160), b"\n", *END],
    "too long arguments": [*call(0, "a", "list_todos", *["x" * 9_000] * 8), *END],
    "too many calls": [*(each for number in range(33) for each in call(number, f"c{number}", "x")), *END],
}


@pytest.mark.parametrize("steps", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_keeps_its_text_and_is_asked_once(steps: list[Step]) -> None:
    with serving(Answer([*texts("Hel", "lo"), *steps])) as server:
        assert text(fails(server, ModelFailed)) == "Hello"
        assert server.calls == 1


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        (b"data: {]}\n\n", ModelFailed),
        (b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n', ModelFailed),
        (event({"error": {"message": SECRET, "code": 500}}), ModelFailed),
        (event({"error": {"message": SECRET, "code": 429}}), ModelBusy),
    ],
)
def test_text_is_kept_that_comes_together_with_a_fault(last: bytes, fault: type[AssistantError]) -> None:
    with serving(Answer([b"".join([*texts("Hel", "lo"), last, *texts("!"), *END]), Gate()])) as server:
        assert text(fails(server, fault)) == "Hello"
        assert server.calls == 1


@pytest.mark.parametrize(
    "error",
    [{"code": 429}, {"code": "rate_limit_exceeded"}, {"type": "overloaded_error"}, {"status": "UNAVAILABLE"}],
)
def test_an_overload_within_the_stream_is_busy(error: dict[str, object]) -> None:
    with serving(Answer([*texts("Hel"), event({"error": {"message": SECRET, **error}})])) as server:
        assert text(fails(server, ModelBusy)) == "Hel"


@pytest.mark.parametrize(
    "first",
    [
        refuses(429, retry_after="0"),
        refuses(429, retry_after="0.01"),
        refuses(500, retry_after="0"),
        refuses(503, retry_after="0"),
        Answer([CUT]),
        Answer([*texts(), CUT]),
        Answer([]),
        Answer([b"<html></html>"]),
    ],
    ids=["429", "429 with a fraction", "500", "503", "cut", "cut before any text", "empty", "no stream"],
)
def test_what_may_pass_is_tried_once_more(first: Answer) -> None:
    with serving(first, says("Hello")) as server:
        assert text(talk(server)) == "Hello"
        assert server.calls == 2
    with serving(first) as server:
        assert text(fails(server, _fault(first))) == ""
        assert server.calls == 2


def _fault(answer: Answer) -> type[AssistantError]:
    return ModelBusy if answer.status in {429, 503} else ModelFailed


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (refuses(400), ModelFailed),
        (refuses(401), ModelFailed),
        (refuses(404), ModelFailed),
        (refuses(302, location="/elsewhere"), ModelFailed),
        (refuses(429, retry_after="3600"), ModelBusy),
        (refuses(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"), ModelBusy),
        (refuses(529, retry_after="9" * 400), ModelBusy),
    ],
)
def test_what_will_not_pass_is_not_tried_again(answer: Answer, fault: type[AssistantError]) -> None:
    with serving(answer) as server:
        fails(server, fault)
        assert server.calls == 1


def test_a_server_that_is_not_there_is_a_fault() -> None:
    with socket.socket() as nobody, serving(says("x")) as server:
        nobody.bind(("127.0.0.1", 0))  # so that nobody else is given the port; it does not listen
        port = nobody.getsockname()[1]
        fails(server, ModelFailed, openai_base_url=f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("before", ["", "Hel"])
def test_silence_is_a_fault(before: str) -> None:
    with serving(Answer([*texts(*before), Gate()])) as server:
        assert text(fails(server, ModelFailed, model_first_token_seconds=1)) == before
        server.wait_for_hang_up()


def test_a_server_that_only_says_it_is_alive_is_silent() -> None:
    for sign in (b": keep-alive\n\n", chunk({"content": ""}), texts()[0]):
        with serving(Answer(repeat(sign))) as server:
            fails(server, ModelFailed, model_first_token_seconds=0.2)


@pytest.mark.parametrize("leave", ["closed", "cancelled"])
def test_a_reply_that_nobody_wants_is_hung_up_on(leave: str) -> None:
    async def read_some(assistant: ModelAssistant) -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async with aclosing(assistant.reply(Prompt([QUESTION], Todos()))) as reply:
                async for _ in reply:
                    begun.set()
                    if leave == "closed":
                        return

        reading = asyncio.create_task(read())
        await begun.wait()
        if leave == "cancelled":
            reading.cancel()
        await asyncio.wait([reading])
        await asyncio.to_thread(server.wait_for_hang_up)

    with serving(Answer(repeat(texts("endless")[1]))) as server:
        with_assistant(server, read_some)


@pytest.mark.parametrize(
    "answer",
    [
        refuses(400),
        refuses(500, retry_after="0"),
        Answer([event({"error": SECRET})]),
        Answer([b"data: " + SECRET.encode() + b"\n\n"]),
    ],
)
def test_nothing_of_the_provider_or_the_user_is_told(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(assistant: ModelAssistant) -> str:
        try:
            async for _ in assistant.reply(Prompt([QUESTION], Todos())):
                pass
        except AssistantError as error:
            return "".join(traceback.format_exception(error))
        return ""

    caplog.set_level(logging.DEBUG, logger="app")
    with serving(answer) as server:
        told = with_assistant(server, ask, openai_api_key="sk-secret") + caplog.text
    assert "ModelFailed" in told
    assert "secret of" not in told
    assert "sk-secret" not in told


def test_a_server_that_does_not_hang_up_keeps_no_reply_open() -> None:
    with serving(Answer([*says("Hello").steps, Gate()])) as server:
        assert text(talk(server)) == "Hello"


def test_a_connection_that_breaks_after_the_end_broke_nothing() -> None:
    with serving(Answer([*texts("Hello"), chunk(finish="stop"), CUT])) as server:
        *said, end = talk(server)
        assert server.calls == 1
    assert (text(said), end) == ("Hello", Finish("stop"))


def test_a_model_that_has_ended_is_not_waited_for_like_one_that_thinks() -> None:
    with serving(Answer([*texts("Hello"), chunk(finish="stop"), Gate()])) as server:
        *said, end = talk(server)
        server.wait_for_hang_up()
    assert (text(said), end) == ("Hello", Finish("stop"))


def test_a_refusal_is_shown() -> None:
    with serving(Answer([chunk({"refusal": "I can"}), chunk({"refusal": "not."}), *END])) as server:
        *said, end = talk(server)
    assert (text(said), end) == ("I cannot.", Finish("stop"))


def test_what_follows_the_end_does_not_count() -> None:
    with serving(Answer([*says("Hello").steps, *texts(" more"), b"data: {]}\n\n"])) as server:
        assert text(talk(server)) == "Hello"


def test_the_service_answers_with_the_model(
    serve_with: Callable[..., AbstractContextManager[Service]],
) -> None:
    with (
        serving(says("Hel", "lo")) as server,
        serve_with(chat_model="openai:m", openai_base_url=server.url) as service,
    ):
        alice = service.user("alice@example.com")
        session = alice.post("/api/chat/start").json()["session_id"]
        reply = alice.post(f"/api/chat/{session}/message", {"message": "hello"}).json()["reply"]
        assert (reply["content"], reply["model"], reply["status"]) == ("Hello", "openai:m", "complete")
        assert server.calls == 1
