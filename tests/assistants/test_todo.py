"""What the offline assistant does with a list of todos, and what it says of it."""

# ruff: noqa: RUF001  # other languages have letters and a punctuation of their own

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from app.assistants.base import Prompt, Utterance
from app.assistants.todo import TodoAssistant
from app.assistants.todo.manners import MANNERS
from app.assistants.todo.parser import LONGEST_MESSAGE, parse
from app.assistants.todo.work import MOST_ADDED
from app.models.database import MAX_TITLE_BYTES
from app.models.events import Event, TextDelta, ToolCall, ToolResult
from todos_in_memory import LIMIT, Snatched, Todos, content, events, say


def changes(text: str, before: Sequence[str], after: str) -> str:
    """Says the text to somebody with todos `before`, wants them as `after`, and gives the reply."""
    todos = Todos(*before)
    reply = say(todos, text)
    assert str(todos) == after
    return reply


def test_add_one() -> None:
    assert changes("add milk", ["rent"], "rent, milk") == "Added:\n\n- ☐ 2. milk"


def test_add_several() -> None:
    reply = changes("add milk, eggs and bread", [], "milk, eggs, bread")
    assert reply == "Added:\n\n- ☐ 1. milk\n- ☐ 2. eggs\n- ☐ 3. bread"


def test_a_reminder_is_an_entry_and_no_alarm() -> None:
    assert "cannot remind you" in changes("remind me to pay rent at 5", [], "pay rent at 5")
    assert "remind" not in changes("add pay rent at 5", [], "pay rent at 5")


def test_add_without_a_title_asks_for_one() -> None:
    for text in ("add", 'add ""', "add: ; "):
        assert "What shall I add?" in changes(text, ["milk"], "milk")


def test_a_title_may_have_so_many_bytes() -> None:
    fits = "é" * (MAX_TITLE_BYTES // 2)
    assert changes(f"add {fits}", [], fits).startswith("Added:")
    reply = changes(f"add: {fits}e, milk", [], "milk")
    assert "1024 bytes at most" in reply
    assert "- ☐ 1. milk" in reply
    assert len(reply) < 300


def test_a_full_list_takes_no_more() -> None:
    todos = Todos(*["milk"] * (LIMIT - 1))
    reply = say(todos, "add: eggs, bread, jam")
    assert f"- ☐ {LIMIT}. eggs" in reply
    assert "I could not add “bread”. The list is full." in reply
    assert len(todos.rows) == LIMIT


def test_one_command_adds_so_many() -> None:
    lines = "\n".join(f"- todo {number}" for number in range(MOST_ADDED))
    todos = Todos()
    assert "and 50 more" in say(todos, f"add:\n{lines}")
    assert len(todos.rows) == MOST_ADDED
    assert "and added none" in say(todos, f"add:\n{lines}\n- one more")
    assert len(todos.rows) == MOST_ADDED


def test_show() -> None:
    todos = Todos("milk", "x eggs", "bread")
    assert (
        say(todos, "show my todos")
        == "Your list, 2 open and 1 done:\n\n- ☐ 1. milk\n- ☑ 2. eggs\n- ☐ 3. bread"
    )
    assert say(todos, "what is left?") == "2 todos to do:\n\n- ☐ 1. milk\n- ☐ 3. bread"
    assert say(todos, "show completed") == "1 todo done:\n\n- ☑ 2. eggs"


def test_show_what_is_not_there() -> None:
    assert say(Todos(), "list").startswith("Your list is empty.")
    assert say(Todos("x milk"), "what is left?") == "Nothing is left. Well done!"
    assert say(Todos("milk"), "show completed") == "Nothing is done yet."


def test_a_long_list_is_cut() -> None:
    todos = Todos(*map(str, range(51)))
    assert say(todos, "list").endswith("- ☐ 50. 49\n\n… and 1 more.")
    say(todos, "delete 51")
    assert say(todos, "list").endswith("- ☐ 50. 49")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("done 2", "oat milk, x eggs, fish and chips"),
        ("done 1-3", "x oat milk, x eggs, x fish and chips"),
        ("done 3, 1 and 3", "x oat milk, eggs, x fish and chips"),
        ("done the last one", "oat milk, eggs, x fish and chips"),
        ("done oat milk", "x oat milk, eggs, fish and chips"),
        ("DONE MÌLK", "x oat milk, eggs, fish and chips"),
        ("I finished the eggs.", "oat milk, x eggs, fish and chips"),
        ("done eg", "oat milk, eggs, fish and chips"),
        ("done egg", "oat milk, x eggs, fish and chips"),
        ("done ilk", "oat milk, eggs, fish and chips"),
        ("done fish and chips", "oat milk, eggs, x fish and chips"),
        ("done eggs and milk", "x oat milk, x eggs, fish and chips"),
        ("done the eggs and my milk", "x oat milk, x eggs, fish and chips"),
        ('done "eggs and milk"', "oat milk, eggs, fish and chips"),
        ("done 1 and fish", "x oat milk, eggs, x fish and chips"),
        ("done all", "oat milk, eggs, fish and chips"),
        ("complete all", "x oat milk, x eggs, x fish and chips"),
    ],
)
def test_targets(text: str, after: str) -> None:
    changes(text, ["oat milk", "eggs", "fish and chips"], after)


def test_complete() -> None:
    before = ["milk", "eggs"]
    assert changes("done 2", before, "milk, x eggs") == "Done, 1 left:\n\n- ☑ 2. eggs"
    assert changes("done 1, 2", before, "x milk, x eggs").startswith("Done, nothing left:")
    assert changes("complete all", before, "x milk, x eggs").startswith("Done, nothing left:")


def test_complete_what_is_done_already() -> None:
    assert changes("done 1", ["x milk"], "x milk") == "“milk” was done already."
    assert changes("complete all", ["x milk"], "x milk") == "Nothing was open. Well done!"
    assert (
        changes("done 1 2", ["x milk", "x eggs"], "x milk, x eggs") == "“milk” and “eggs” were done already."
    )


def test_complete_as_many_as_there_are() -> None:
    two, three = ["milk", "eggs", "x bread"], ["milk", "eggs", "bread"]
    assert changes("complete both", two, "x milk, x eggs, x bread").startswith("Done, nothing left:")
    assert changes("complete both", three, "milk, eggs, bread").startswith("3 todos to do, so I left them")
    changes("complete all three", three, "x milk, x eggs, x bread")
    changes("complete all three", two, "milk, eggs, x bread")


def test_complete_the_first_and_the_last_ones() -> None:
    before = ["milk", "eggs", "bread"]
    changes("complete the first two", before, "x milk, x eggs, bread")
    changes("delete the last two", before, "milk")
    reply = changes("delete the last two", ["milk"], "")
    assert "did not find number 2 from the end" in reply


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("I bought the eggs", "rent, x buy some eggs, milk bottle, x tea"),
        ("I paid rent", "x rent, buy some eggs, milk bottle, x tea"),
        ("I bought the eggs and paid rent", "rent, buy some eggs, milk bottle, x tea"),
        ("I bought eggs and rent", "x rent, x buy some eggs, milk bottle, x tea"),
    ],
)
def test_what_somebody_did_completes_the_todo_of_that_name(text: str, after: str) -> None:
    changes(text, ["rent", "buy some eggs", "milk bottle", "x tea"], after)


def test_what_somebody_did_completes_no_other_todo() -> None:
    before = ["return milk bottle", "eggs", "Eggs"]
    after = ", ".join(before)
    assert changes("I bought milk", before, after).endswith("number.\n\n- ☐ 1. return milk bottle")
    assert changes("I bought eggs", before, after).startswith("Which one is done?")
    assert changes("I bought eggs and milk", before, after).startswith("I did not find “eggs and milk”")
    assert changes("I made a cake", before, after).startswith("I did not find “cake” on your list")


def test_what_may_be_meant_is_asked() -> None:
    reply = changes("delte 1", ["milk"], "milk")
    assert reply == "Did you mean “delete 1”? I changed nothing yet: please say it that way."


def test_reopen() -> None:
    before = ["x milk", "x eggs"]
    assert changes("reopen 2", before, "x milk, eggs") == "Open again:\n\n- ☐ 2. eggs"
    assert changes("milk is not done", before, "milk, x eggs") == "Open again:\n\n- ☐ 1. milk"
    assert changes("reopen all", before, "milk, eggs").startswith("Open again:")


def test_reopen_what_is_open() -> None:
    assert changes("reopen milk", ["milk"], "milk") == "“milk” was open already."
    assert changes("reopen all", ["milk"], "milk") == "No todo was done."


@pytest.mark.parametrize("text", ["done", "reopen", "delete", "delete two", "I did two"])
def test_a_verb_alone_asks_which_one(text: str) -> None:
    assert changes(text, ["milk"], "milk").startswith("Which one?")


def test_what_is_not_found_changes_nothing_of_that_part() -> None:
    assert changes("done 0", ["milk"], "milk") == "I did not find number 0 on your list."
    assert changes("done last", [], "") == "I did not find the last one on your list."
    assert changes("delete bread", ["milk"], "milk") == "I did not find “bread” on your list."
    reply = changes("done milk and bread and 7", ["milk"], "x milk")
    assert reply == "Done, nothing left:\n\n- ☑ 1. milk\n\nI did not find “bread” and number 7 on your list."


def test_what_is_not_found_is_told_in_short() -> None:
    reply = changes("done 1-1000", ["milk"], "x milk")
    assert reply.endswith("number 10, number 11 and 989 more on your list.")


def test_an_ambiguous_name_changes_nothing_of_that_part() -> None:
    reply = changes("delete milk and eggs", ["oat milk", "soy milk", "eggs"], "oat milk, soy milk")
    assert "“milk” could be any of these" in reply
    assert "- ☐ 1. oat milk\n- ☐ 2. soy milk" in reply
    assert "“eggs” was deleted" in reply


def test_the_whole_title_beats_a_part_of_one() -> None:
    changes("done milk", ["oat milk", "milk", "milk shake"], "oat milk, x milk, milk shake")
    reply = changes("done milk", ["oat milk", "x milk"], "oat milk, x milk")
    assert reply == "“milk” was done already."


def test_of_equal_titles_the_one_is_meant_that_can_change() -> None:
    changes("done milk", ["x milk", "milk"], "x milk, x milk")
    changes("reopen milk", ["milk", "x milk"], "milk, milk")
    assert "could be any" in changes("done milk", ["milk", "milk"], "milk, milk")
    assert "could be any" in changes("delete milk", ["x milk", "milk"], "x milk, milk")


def test_rename() -> None:
    reply = changes("rename 2 to oat milk", ["eggs", "x milk"], "eggs, x oat milk")
    assert reply == "Renamed “milk”:\n\n- ☑ 2. oat milk"
    changes("change milk to oat milk", ["eggs", "milk"], "eggs, oat milk")
    changes("rename talk to Ann to talk to Bob", ["talk to Ann", "milk"], "talk to Bob, milk")


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("rename", "Which one, and to what?"),
        ("rename 9 to x", "I did not find number 9 on your list."),
        ("rename talk to x", "“talk” could be any of these"),
        ("rename Ann and Bob to x", "Those are several todos."),
        ("rename talk to Cid to talk to Dan", "Where does the old title end?"),
        ('rename 1 to ""', "A todo needs a title"),
        (f"rename 1 to {'x' * MAX_TITLE_BYTES}y", "A title has 1024 bytes at most"),
    ],
)
def test_rename_refused(text: str, reply: str) -> None:
    before = ["talk to Ann", "talk to Bob"]
    assert changes(text, before, ", ".join(before)).startswith(reply)


def test_delete() -> None:
    reply = changes("delete 1-2", ["milk", "x eggs", "bread"], "bread")
    assert reply == "“milk” and “eggs” were deleted.\n\nYour list now:\n\n- ☐ 1. bread"
    assert changes("remove milk", ["milk"], "").endswith("Your list is empty now.")
    assert "new numbers" in say(Todos(*map(str, range(12))), "delete 1")


@pytest.mark.parametrize("text", ["delete everything", "clear my list", "delete all", "delete all my todos"])
def test_delete_everything_needs_the_exact_words(text: str) -> None:
    before = ["milk", "x eggs"]
    reply = changes(text, before, "milk, x eggs")
    assert "say exactly `delete all todos`" in reply
    assert changes("Delete all todos!", before, "") == "Deleted 2 todos. Your list is empty."
    assert changes("delete all todos", [], "") == "Your list is empty already."


def test_clear_completed() -> None:
    reply = changes("clear completed", ["x milk", "eggs"], "eggs")
    assert reply == "Cleared 1 completed todo.\n\nYour list now:\n\n- ☐ 1. eggs"
    assert changes("clear completed", ["eggs"], "eggs") == "There is no completed todo to clear."


def test_search() -> None:
    todos = Todos("rent", "Café au lait", "x cafeteria")
    assert say(todos, "find CAFE") == "2 todos with “CAFE”:\n\n- ☐ 2. Café au lait\n- ☑ 3. cafeteria"
    assert say(todos, "find tea") == "No todo mentions “tea”, and I can search nothing else."
    assert say(todos, "find").startswith("What shall I look for?")


def test_manners() -> None:
    assert say(Todos(), "hello") == "Hello! There is nothing to do. Say `help` to see what I understand."
    assert "1 todo to do" in say(Todos("milk", "x eggs"), "hello")
    assert say(Todos(), "thank you!") == "You are welcome!"


def test_help_keeps_its_promises() -> None:
    examples = say(Todos(), "help").split("`")[1::2]
    assert len(examples) >= 10
    for reply in [manner.reply for manner in MANNERS.values()]:
        for example in reply.split("`")[1::2]:
            assert len(parse(example)) == 1, example


def test_help_with_deletion_offers_nothing_that_deletes_all() -> None:
    reply = changes("can you delete things?", ["milk"], "milk")
    assert "`delete 2`" in reply
    assert "all" not in reply.split()


def test_what_it_does_not_understand_it_says() -> None:
    reply = changes("what is the capital of France?", ["milk"], "milk")
    assert "did not understand" in reply
    assert "offline assistant" in reply
    for example in reply.split("`")[1::2]:
        assert len(parse(example)) == 1, example
    assert "Of several lines" not in reply


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Was steht auf meiner Liste?", "Entschuldigung, ich verstehe nur Englisch."),
        ("hola", "Lo siento, solo entiendo inglés."),
        ("qué tengo en mi lista", "Lo siento, solo entiendo inglés."),
        ("qu’est-ce que je dois faire ?", "Désolé, je ne comprends que l'anglais."),
        ("adicione leite na minha lista", "Desculpe, só entendo inglês."),
        ("Что в моём списке?", "Извините, я понимаю только английский."),
        ("牛乳を追加して", "申し訳ありませんが、英語しか理解できません。"),
        ("添加牛奶", "抱歉，我只懂英语。"),
        ("أضف الحليب", "عذرًا، أنا أفهم الإنجليزية فقط."),
        ("दूध जोड़ें", "क्षमा करें, मैं केवल अंग्रेज़ी समझता हूँ।"),
    ],
)
def test_who_writes_another_language_reads_that_it_is_not_understood(text: str, sentence: str) -> None:
    reply = changes(text, ["milk"], "milk")
    assert reply.startswith(sentence)
    assert "did not understand" in reply


@pytest.mark.parametrize(
    "text", ["what is 水 in English?", "what does auf wiedersehen mean?", "Що у моєму списку?", "💥", "x"]
)
def test_what_is_in_no_known_language_is_answered_in_english(text: str) -> None:
    assert say(Todos(), text).startswith("Sorry, I did not understand")


def test_lines_are_done_together_or_not_at_all() -> None:
    reply = changes("add milk\ndone 1\nadd eggs", [], "x milk, eggs")
    assert reply == "Added:\n\n- ☐ 1. milk\n\nDone, nothing left:\n\n- ☑ 1. milk\n\nAdded:\n\n- ☐ 2. eggs"
    assert "Of several lines" in changes("add milk\nand so on", [], "")


def test_numbers_are_those_that_the_user_saw() -> None:
    changes("delete 1\ndone 2\ndelete 3", ["milk", "eggs", "bread", "jam"], "x eggs, jam")
    changes("add jam\ndelete 1\ndone 2", ["milk"], "x jam")
    assert "did not find number 1" in changes("delete 1\ndone 1", ["milk", "eggs"], "eggs")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
        ("![x](https://tracker)", r"!\[x\](https\://tracker)"),
        ("see www.example.org & <b>", r"see www\.example.org & \<b>"),
        (
            "*now* _really_ __very__ snake_case `rm` ~~no~~",
            r"\*now\* \_really\_ \_\_very\_\_ snake_case \`rm\` \~\~no\~\~",
        ),
        ("milk\n# heading\n\n- ☑ 7. forged", "milk # heading - ☑ 7. forged"),
        ("&lt; \\", r"\&lt; \\"),
    ],
)
def test_a_title_stays_a_title(title: str, shown: str) -> None:
    todos = Todos(title)
    assert say(todos, "list") == f"Your list, 1 open and 0 done:\n\n- ☐ 1. {shown}"
    assert f"“{shown}” was done" in say(Todos(f"x {title}"), "done 1")


def test_a_long_title_is_clipped_in_a_sentence_only() -> None:
    todos = Todos("x " + "milk " * 30)
    assert len(say(todos, "done 1")) < 120
    assert len(say(todos, "list")) > 150


def test_what_somebody_else_deletes_meanwhile_is_told() -> None:
    assert say(Snatched("milk"), "done 1") == "“milk” was deleted in the meantime."
    assert say(Snatched("milk"), "rename 1 to eggs") == "“milk” was deleted in the meantime."
    assert say(Snatched("milk"), "delete 1").startswith("“milk” was deleted.")


def test_the_reply_comes_in_pieces() -> None:
    reply = events(Todos(), Utterance("user", "what is love?"))
    pieces = [event.text for event in reply if isinstance(event, TextDelta)]
    assert len(pieces) == len(reply) > 5
    assert all(pieces)
    assert max(len(piece.split()) for piece in pieces) < 10


def test_what_is_reported_has_happened() -> None:
    todos = Todos()

    async def read() -> list[tuple[type[Event], str]]:
        prompt = Prompt([Utterance("user", "add milk\nadd eggs")], todos)
        return [(type(event), str(todos)) async for event in TodoAssistant().reply(prompt)]

    assert list(dict.fromkeys(asyncio.run(read()))) == [
        (ToolCall, ""),
        (ToolResult, "milk"),
        (TextDelta, "milk"),
        (ToolCall, "milk"),
        (ToolResult, "milk, eggs"),
        (TextDelta, "milk, eggs"),
    ]


def test_only_the_last_message_of_the_user_counts() -> None:
    todos = Todos()
    first, answer, last = (
        Utterance("user", "add milk"),
        Utterance("assistant", "add eggs"),
        Utterance("user", "hi"),
    )
    assert "Hello" in content(events(todos, first, answer, last))
    assert "Added" in content(events(todos, last, first, answer))
    assert str(todos) == "milk"
    assert "did not understand" in content(events(todos, answer))


HOSTILE = [
    "add ",
    "a to ",
    '"',
    "“",
    "is done ",
    "please ",
    "1, ",
    "- ",
    "add\n",
    "off my list ",
    "\u0301\u0323",
    "x",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("verb", ["", "add ", "done ", "rename a to ", "is "])
def test_hostile_text_is_read_to_its_end(verb: str, text: str) -> None:
    longest = (verb + text * LONGEST_MESSAGE)[:LONGEST_MESSAGE]
    assert say(Todos("milk"), longest)
    assert "did not understand" in changes(verb + text * 100_000, ["milk"], "milk")


WORDS = [
    "add",
    "done",
    "delete",
    "all",
    "todos",
    "rename",
    "milk",
    "to",
    "and",
    "1",
    "-",
    "2",
    ",",
    ":",
    "\n",
    '"',
    "is",
]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))
def test_any_text_gets_a_reply(text: str) -> None:
    todos = Todos("milk", "x eggs", "call 1 and 2")
    before = str(todos)
    assert say(todos, text).strip()
    assert parse(text) or str(todos) == before
