"""The chat-completions stream: every dialect that servers speak, and bytes that are no stream at all."""

import asyncio
import json

import pytest
from hypothesis import given, strategies as st

from app.assistants.base import AssistantError
from app.assistants.pipe import MAX_WAITING_CHARACTERS, Pipe
from app.assistants.wire import Answer
from app.models.events import Usage
from model_server import DONE, call, chunk, event, says, texts, usage


def read(*pieces: bytes) -> Answer:
    answer = Answer()
    for piece in pieces:
        answer.feed(piece)
        if answer.fault is not None:
            raise answer.fault
    return answer


def stream(*events: bytes) -> bytes:
    return b"".join([*texts("Hel"), *events, *says("lo").steps[1:]])  # type: ignore[index]


END = chunk(finish="stop") + DONE
DIALECTS = {
    "as documented": stream(),
    "CRLF": stream().replace(b"\n", b"\r\n"),
    "no empty lines": stream().replace(b"\n\n", b"\n"),
    "no space": stream().replace(b"data: ", b"data:"),
    "comments": b": hello\n\n" + stream(b": ping\n\n", b":\n\n"),
    "other fields": stream(b"event: message\nid: 1\nretry: 10\n"),
    "empty data": stream(b"data:\n\n", b"data: \n\n"),
    "no choices": stream(chunk(choices=[]), event({"object": "ping"}), chunk(choices=None)),
    "null everywhere": stream(chunk({"content": None, "tool_calls": None}), event({"choices": [None]})),
    "wrong types": stream(
        event({"choices": "x"}),
        event({"choices": [{"delta": "x"}]}),
        chunk({"content": ["x"], "tool_calls": {"x": 1}}),
        event({"usage": "x", "choices": []}),
    ),
    "thoughts": stream(chunk({"reasoning_content": "hm"}), chunk({"reasoning": "hm"})),
    "a byte order mark": b"\xef\xbb\xbf" + stream(),
    "a byte order mark alone": b"\xef\xbb\xbf" + stream().removeprefix(texts()[0]),
    "a refusal": b"".join([chunk({"refusal": "Hel"}), chunk({"content": None, "refusal": "lo"}), END]),
    "no error": stream(event({"error": None, "choices": []})),
    "NUL": stream(chunk({"content": "\0"})),
    "more after the end": stream() + b"".join(texts("x")) + b"data: garbage\n\n",
    "no end": stream().removesuffix(DONE),
}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_says_the_same(dialect: bytes) -> None:
    answer = read(dialect)
    assert answer.text == "Hello"
    assert (answer.reason, answer.ended, answer.calls) == ("stop", True, [])


def test_a_byte_order_mark_may_be_cut() -> None:
    assert read(*(bytes([byte]) for byte in b"\xef\xbb\xbf" + b"".join(texts("x")))).text == "x"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (texts("x")[1], True),
        (chunk({"reasoning_content": "hm"}), True),
        (chunk({"reasoning": "hm"}), True),
        (chunk({"tool_calls": [{"index": 0, "id": "a"}]}), True),
        (usage(1, 1), True),
        (chunk(finish="stop"), True),
        (DONE, True),
        (chunk(), False),
        (texts()[0], False),
        (chunk({"content": "", "tool_calls": [], "reasoning": None}), False),
        (event({}), False),
        (b": ping\n\n", False),
    ],
)
def test_only_what_says_something_puts_off_the_end_of_patience(said: bytes, told: bool) -> None:
    assert Answer().feed(said)[0] is told


def test_an_end_without_a_reason_is_an_end_and_silence_is_none() -> None:
    assert read(*texts("x"), DONE).ended
    assert not read(*texts("x")).ended
    assert not read(DONE.removesuffix(b"\n\n")).ended


def test_usage_is_the_last_one_told() -> None:
    assert read(usage(3, 1), usage(3, 2)).usage == Usage(3, 2)
    assert read(event({"usage": {"prompt_tokens": None, "completion_tokens": -1}})).usage == Usage(0, 0)
    assert read(*texts("x"), DONE).usage is None


def test_half_a_character_waits_for_its_other_half() -> None:
    first, second = Answer(), Answer()
    assert [first.feed(chunk({"content": half}))[1] for half in ("a\ud83d", "\ude00b")] == ["a", "😀b"]
    assert [second.feed(chunk({"content": half}))[1] for half in ("a\ud83d", "b\ude00")] == ["a", "�b�"]


def test_calls_are_told_apart_by_index_or_by_id() -> None:
    def calls(*pieces: bytes) -> list[tuple[str, str, str]]:
        return [(made.id, made.name, made.arguments) for made in read(*pieces).calls]

    both = [("a", "one", "{}"), ("b", "two", "[]")]
    one, two = call(0, "a", "one", "{", "}"), call(1, "b", "two", "[", "]")
    assert calls(*one, *two) == both
    assert calls(one[0], two[0], one[1], two[1], one[2], two[2]) == both
    assert calls(*one, *call(0, "b", "two", "[]")) == both
    without = [piece.replace(b'"index": 0, ', b"").replace(b'"index": 1, ', b"") for piece in one + two]
    assert b'"index": 0, "id"' not in without[0]
    assert calls(*without) == both


def test_text_that_nobody_takes_waits_and_is_joined() -> None:
    async def put_more_than_fits() -> tuple[bool, str, str]:
        pipe = Pipe()
        await pipe.put("a" * MAX_WAITING_CHARACTERS)
        last = asyncio.create_task(pipe.put("b"))
        await asyncio.sleep(0)
        waits = not last.done()
        taken = await pipe.take()
        await last
        await pipe.put("c")
        return waits, taken, await pipe.take()

    assert asyncio.run(put_more_than_fits()) == (True, "a" * MAX_WAITING_CHARACTERS + "b", "c")


@given(data=st.data())
def test_where_the_network_cuts_does_not_matter(data: st.DataObject) -> None:
    whole = b"".join(
        step for step in says("a", "é日", "👩‍👩‍👧", "\n\ndata: x").steps if isinstance(step, bytes)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(*pieces).text == "aé日👩‍👩‍👧\n\ndata: x"


NAMES = (
    "choices delta content error usage tool_calls index id function name arguments finish_reason "
    "prompt_tokens code extra_content"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES.split()), inner),
    max_leaves=12,
)


@given(st.lists(st.binary() | json_values.map(lambda value: b"data: " + json.dumps(value).encode() + b"\n")))
def test_nothing_but_an_assistants_fault_comes_of_any_bytes(pieces: list[bytes]) -> None:
    try:
        answer = read(*pieces)
    except AssistantError:
        return
    answer.text.encode()  # which half a character would prevent
    assert "\0" not in answer.text
