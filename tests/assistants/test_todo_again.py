"""The offline assistant answers a message for another time: what it changed is not changed twice."""

from typing import Any

from app.assistants.base import Utterance
from app.models.events import ToolCall
from todos_in_memory import LIMIT, Todos, content, events, say, stored

NOT_AGAIN = "I answered this before, so I changed nothing now."


def answered(todos: Todos, text: str, *replaced: Utterance) -> Utterance:
    """What is said to the text, as it is stored."""
    return stored(events(todos, Utterance("user", text), replaced=replaced))


def test_what_was_added_is_shown_as_it_is_now() -> None:
    todos = Todos("rent")
    first = answered(todos, "add: milk, eggs")
    say(todos, "done milk")
    again = say(todos, "add: milk, eggs", first)
    assert again.startswith(NOT_AGAIN)
    assert again.endswith("What I changed then, as it is now:\n\n- ☑ 2. milk\n- ☐ 3. eggs")
    assert str(todos) == "rent, x milk, eggs"
    say(todos, "delete milk")
    assert say(todos, "add: milk, eggs", first).endswith("- ☐ 2. eggs\n\n“milk” was deleted in the meantime.")


def test_a_number_means_no_second_todo() -> None:
    for text, after in (("delete 1", "eggs, bread"), ("done 1", "x milk, eggs, bread")):
        todos = Todos("milk", "eggs", "bread")
        replies = [answered(todos, text)]
        for _ in range(3):
            replies.append(answered(todos, text, *replies))
            assert replies[-1].content.startswith(NOT_AGAIN)
            assert str(todos) == after
        assert ("1 todo deleted then." in replies[-1].content) is text.startswith("delete")


def test_what_was_added_and_deleted_is_told_once() -> None:
    todos = Todos()
    text = "add milk\nadd eggs\ndelete milk\ndelete eggs"
    assert answered(todos, text, answered(todos, text)).content.endswith(
        "once more, say it again.\n\n2 todos deleted then."
    )


def test_what_only_reads_is_answered_afresh() -> None:
    todos = Todos("milk")
    texts = ("list", "find milk", "help", "hi", "what is love?")
    first = [answered(todos, text) for text in texts]
    say(todos, "add oat milk")
    for text, reply in zip(texts, first, strict=True):
        assert say(todos, text, reply) == say(todos, text)
    both = answered(todos, "add eggs\nlist")
    again = say(todos, "add eggs\nlist", both)
    assert again.startswith(NOT_AGAIN)
    assert again.endswith("Your list, 3 open and 0 done:\n\n- ☐ 1. milk\n- ☐ 2. oat milk\n- ☐ 3. eggs")
    assert again.count(NOT_AGAIN) == 1
    assert say(todos, "list", both) == say(todos, "list")


def test_what_changed_nothing_is_tried_again() -> None:
    todos = Todos("milk")
    missing = answered(todos, "delete 2")
    say(todos, "add eggs")
    assert say(todos, "delete 2", missing).startswith("“eggs” was deleted.")
    full = Todos(*["milk"] * LIMIT)
    refused = answered(full, "add eggs")
    assert "The list is full." in refused.content
    say(full, "delete 1")
    assert say(full, "add eggs", refused).startswith("Added:")


def test_a_step_that_was_cut_off_is_not_repeated_and_nothing_is_claimed() -> None:
    todos = Todos()
    said = events(todos, Utterance("user", "add: milk, eggs"))
    calls = [place for place, event in enumerate(said) if isinstance(event, ToolCall)]
    cut = stored(said[: calls[1] + 1])
    again = say(todos, "add: milk, eggs", cut)
    assert again.startswith(NOT_AGAIN)
    assert "- ☐ 1. milk" in again
    assert "eggs" not in again
    assert "I cannot tell whether its last step was done." in again
    assert str(todos) == "milk, eggs"


def test_a_model_may_have_done_it() -> None:
    """Its tools are the same ones, and what it gives them may be anything."""
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "Sure."},
        {"type": "tool-web", "toolCallId": "1", "state": "output-available", "input": {}, "output": "?"},
        {
            "type": "tool-update_todo",
            "toolCallId": "2",
            "state": "output-available",
            "input": {},
            "output": [],
        },
    ]
    for shown, known in ((parts[:2], True), (parts, False)):
        reply = content(
            events(Todos(), Utterance("user", "add milk"), replaced=[Utterance("assistant", "Sure.", shown)])
        )
        assert reply.startswith("Added:" if known else NOT_AGAIN)
