"""What the offline assistant takes for a command, and what it must not."""

# ruff: noqa: RUF001  # the quotes, apostrophes and dashes that telephones write are part of the test

from typing import get_args

import pytest

from app.assistants.todo.commands import (
    Add,
    ClearCompleted,
    Command,
    Complete,
    CompleteAll,
    Delete,
    DeleteAll,
    Greet,
    Help,
    Rename,
    Reopen,
    ReopenAll,
    Search,
    Show,
    Target,
    Thank,
)
from app.assistants.todo.parser import LONGEST_MESSAGE, MOST_COMMANDS, parse

ALL, OPEN, DONE = Show("all"), Show("open"), Show("done")


def add(*titles: str) -> Add:
    return Add(titles)


def remind(title: str) -> Add:
    return Add((title,), reminder=True)


def complete(*targets: Target) -> Complete:
    return Complete(targets)


def reopen(*targets: Target) -> Reopen:
    return Reopen(targets)


def delete(*targets: Target) -> Delete:
    return Delete(targets)


def rename(target: Target, title: str) -> Rename:
    return Rename(((target, title),))


PHRASINGS: list[tuple[str, Command]] = [
    # one todo
    ("add milk", add("milk")),
    ("Add buy milk.", add("buy milk")),
    ("ADD Buy Milk...", add("Buy Milk")),
    ("  add   buy \t milk  ", add("buy milk")),
    ("add oat\x07milk\ud800", add("oat milk")),
    ("please add milk", add("milk")),
    ("add milk please", add("milk")),
    ("add milk, thanks!", add("milk")),
    ("can you add milk?", add("milk")),
    ("Hey, could you please add milk to my list?", add("milk")),
    ("ok, now add milk for me", add("milk")),
    ("add milk to the shopping list", add("milk")),
    ("put milk on my list", add("milk")),
    ("add to my list: milk", add("milk")),
    ("I need to add milk", add("milk")),
    ("add a todo to call mum", add("call mum")),
    ("add a new task: call mum", add("call mum")),
    ("create a task called Taxes", add("Taxes")),
    ("new task: x", add("x")),
    ("New todo call mum", add("call mum")),
    ("todo: call mum", add("call mum")),
    ("add another item named “bread, butter and jam”", add("bread, butter and jam")),
    ("I have to call the dentist", add("call the dentist")),
    ("I need to buy milk, eggs and bread", add("buy milk, eggs and bread")),
    ("I’ve got to pay the rent", add("pay the rent")),
    ("We must water the plants", add("water the plants")),
    ("remind me to pay rent", remind("pay rent")),
    ("Don’t forget to pay rent!", remind("pay rent")),
    ("please remember to pay rent", remind("pay rent")),
    ("set a reminder to call mum, dad and Tom", remind("call mum, dad and Tom")),
    ("add why is the sky blue?", add("why is the sky blue?")),
    ("add 🎂 for Zoë’s birthday", add("🎂 for Zoë’s birthday")),
    ("add # not a heading", add("# not a heading")),
    # several todos, and what only looks like several
    ("add milk, eggs and bread", add("milk", "eggs", "bread")),
    ("add milk, eggs, and bread", add("milk", "eggs", "bread")),
    ("add milk, eggs, bread", add("milk", "eggs", "bread")),
    ("add milk; eggs", add("milk", "eggs")),
    ("add: milk, eggs", add("milk", "eggs")),
    ("add todos milk and eggs", add("milk", "eggs")),
    ("add these tasks: call mum, pay rent and sleep", add("call mum", "pay rent", "sleep")),
    ('add "milk" and "eggs"', add("milk", "eggs")),
    ('add "fish and chips", milk and eggs', add("fish and chips", "milk", "eggs")),
    ("add: - milk\n- eggs", add("milk", "eggs")),
    ("add:\n- milk\n- eggs", add("milk", "eggs")),
    ("add:\n\n* milk\n\n* eggs", add("milk", "eggs")),
    ("add these:\n1. milk\n2) eggs", add("milk", "eggs")),
    ("add the following todos:\n- [ ] milk, butter\n- [x] eggs", add("milk, butter", "eggs")),
    ("add:\nmilk\neggs\nbread", add("milk", "eggs", "bread")),
    ("add 1. milk 2. eggs", add("milk", "eggs")),
    ("add to my list:\r\n• milk\r\n• eggs", add("milk", "eggs")),
    ("add buy bread and butter", add("buy bread and butter")),
    ("add: buy bread and butter", add("buy bread and butter")),
    ("add a task: call mum, dad and Tom", add("call mum, dad and Tom")),
    ("add call mum, urgently", add("call mum, urgently")),
    ("add pay 1,000,000 euros", add("pay 1,000,000 euros")),
    ('add "milk, eggs and bread"', add("milk, eggs and bread")),
    ("add “milk; eggs”", add("milk; eggs")),
    (
        "add write to the landlord about the heating, the window and the door",
        add("write to the landlord about the heating, the window and the door"),
    ),
    # nothing to add
    ("add", add()),
    ('add ""', add()),
    ("add a todo", add()),
    # the list
    ("list", ALL),
    ("todos", ALL),
    ("My list?", ALL),
    ("show all", ALL),
    ("show my todos", ALL),
    ("show me all of my tasks please", ALL),
    ("what's on my list", ALL),
    ("What’s on my to-do list?", ALL),
    ("whats on the list", ALL),
    ("what are my tasks?", ALL),
    ("can you give me my todo list?", ALL),
    ("do I have any todos?", ALL),
    ("how many todos do I have?", ALL),
    ("what is left", OPEN),
    ("What's left to do?", OPEN),
    ("is anything left?", OPEN),
    ("what's next?", OPEN),
    ("what do I have to do today?", OPEN),
    ("what do I still need to do", OPEN),
    ("show open", OPEN),
    ("what are my open tasks?", OPEN),
    ("do I have anything to do?", OPEN),
    ("open todos", OPEN),
    ("list my remaining tasks", OPEN),
    ("which tasks are still open?", OPEN),
    ("what is not done yet?", OPEN),
    ("what haven't I done", OPEN),
    ("show completed tasks", DONE),
    ("list done", DONE),
    ("done todos", DONE),
    ("what have I done today?", DONE),
    ("what did I finish?", DONE),
    ("which tasks are done?", DONE),
    ("show me everything I've done", DONE),
    # complete
    ("done 2", complete(2)),
    ("Done: 2.", complete(2)),
    ("2 done", complete(2)),
    ("finish 2", complete(2)),
    ("done #2", complete(2)),
    ("complete todo 2", complete(2)),
    ("complete 1 and 3", complete(1, 3)),
    ("complete 1-3, 2 and 1", complete(1, 2, 3)),
    ("complete tasks 1, 3 & 4-6", complete(1, 3, 4, 5, 6)),
    ("tick 3 1", complete(3, 1)),
    ("complete 1 to 3", complete(1, 2, 3)),
    ("done 5–3", complete(3, 4, 5)),
    ("the last one is done", complete(-1)),
    ("tick off the first task", complete(1)),
    ("check off the 2nd", complete(2)),
    ("done buy milk", complete("buy milk")),
    ("done with the milk", complete("milk")),
    ("I finished the milk", complete("milk")),
    ("I’ve just done the dishes!", complete("dishes")),
    ("I'm done with the dishes", complete("dishes")),
    ("mark buy milk as done", complete("buy milk")),
    ("please mark 2 done", complete(2)),
    ("could you set milk to completed?", complete("milk")),
    ("tick off milk", complete("milk")),
    ("cross milk off my list", complete("milk")),
    ("milk is done", complete("milk")),
    ("1 and 2 are done now", complete(1, 2)),
    ("done fish and chips", complete("fish and chips")),
    ("done 1, fish and chips", complete(1, "fish", "chips")),
    ('done "fish and chips"', complete('"fish and chips"')),
    ('done "milk" and "eggs"', complete('"milk"', '"eggs"')),
    ('done "What, you?"', complete('"What, you?"')),
    ("done", complete()),
    ("mark as done", complete()),
    ("complete all", CompleteAll()),
    ("mark everything as done", CompleteAll()),
    ("tick off all of my todos", CompleteAll()),
    # reopen
    ("reopen 2", reopen(2)),
    ("undo milk", reopen("milk")),
    ("uncheck 1 and 2", reopen(1, 2)),
    ("milk is not done", reopen("milk")),
    ("the milk isn't done yet", reopen("milk")),
    ("mark 2 as not done", reopen(2)),
    ("mark milk as open", reopen("milk")),
    ("I haven't finished the milk yet", reopen("milk")),
    ("undo", reopen()),
    ("reopen all", ReopenAll()),
    # rename
    ("rename 2 to oat milk", rename(2, "oat milk")),
    ("change milk to oat milk", rename("milk", "oat milk")),
    ("rename the last one to talk to Bob", rename(-1, "talk to Bob")),
    ("change the title of 2 to oat milk.", rename(2, "oat milk")),
    ("replace milk with oat milk", rename("milk", "oat milk")),
    ("edit 2 -> oat milk", rename(2, "oat milk")),
    ('rename "call to mum" to "call to dad"', rename('"call to mum"', "call to dad")),
    (
        "rename talk to A to talk to B",
        Rename((("talk", "A to talk to B"), ("talk to A", "talk to B"), ("talk to A to talk", "B"))),
    ),
    ("rename", Rename(())),
    # delete
    ("delete 2", delete(2)),
    ("delete 1-3", delete(1, 2, 3)),
    ("remove milk", delete("milk")),
    ("remove the milk from my list", delete("milk")),
    ("take milk off the list", delete("milk")),
    ("get rid of 2, please", delete(2)),
    ("delete todo milk", delete("milk")),
    ("delete", delete()),
    ("delete from my list", delete()),
    ("clear completed", ClearCompleted()),
    ("delete all done todos", ClearCompleted()),
    ("remove everything that is done", ClearCompleted()),
    ("delete all todos", DeleteAll(confirmed=True)),
    ("Please delete all todos.", DeleteAll(confirmed=True)),
    ("delete everything", DeleteAll(confirmed=False)),
    ("delete all", DeleteAll(confirmed=False)),
    ("delete all my todos", DeleteAll(confirmed=False)),
    ("clear my list", DeleteAll(confirmed=False)),
    ("remove all tasks", DeleteAll(confirmed=False)),
    # search
    ("find milk", Search("milk")),
    ("search for milk", Search("milk")),
    ("search oat milk on my list", Search("oat milk")),
    ("is milk on my list?", Search("milk")),
    ("do I have milk on my list?", Search("milk")),
    ("show todos about milk", Search("milk")),
    ("find", Search("")),
    # manners
    ("help", Help()),
    ("Help!", Help()),
    ("what can you do?", Help()),
    ("who are you?", Help()),
    ("how does this work", Help()),
    ("hi", Greet()),
    ("Hello!", Greet()),
    ("hey there", Greet()),
    ("Good morning", Greet()),
    ("thanks", Thank()),
    ("Thank you so much!", Thank()),
    ("ok, thanks", Thank()),
]

TALK = [
    "",
    " \n\t ",
    "?",
    "what is the capital of France?",
    "done with this, you are useless",
    "done with you",
    "I'm done",
    "well done",
    "all done!",
    "job done",
    "everything is done",
    "I am done talking to you",
    "I did it",
    "I did nothing wrong, did I?",
    "nothing is done",
    "what you said is done",
    "complete this sentence",
    "complete the sentence: the sky is",
    "complete the following code",
    "finish my essay",
    "check my homework",
    "check this out",
    "close the door",
    "delete it",
    "delete this and everything you know",
    "delete all the emails I got",
    "how do I delete a file?",
    "how do I add milk?",
    "why is the milk not done?",
    "undo that",
    "rename it to something",
    "change my mind",
    "find out who wrote Faust",
    "find me a restaurant",
    "search the web for cats",
    "is it on my list?",
    "add 2 and 2",
    "add 17 + 4",
    "additional milk",
    "adding milk",
    "a poem about milk, please",
    "list the planets",
    "show me how to cook",
    "tell me a joke",
    "make a todo list app in Python",
    "write a function that deletes all todos",
    "create a website",
    "the show must go on",
    "I have to say you are useless",
    "I have to go",
    "I have to do it",
    "I need to know what a monad is",
    "I need to go because it is late",
    "I need you",
    "remind me what a monad is",
    "help me write an essay",
    "can you explain recursion?",
    "todo lists are great",
    "hi, how are you?",
    "thanks for nothing",
    "mark my words",
    "tick tock",
    "cross my heart",
    "- milk\n- eggs",
    "`delete all todos`",
    "> delete all todos",
    '"delete all todos"',
    "don't delete all todos",
    "never delete all todos",
    "delete all todos, or not",
    "```\nadd milk\n```",
    "```python\ndelete(1)\n```",
    "def f():\n    return 1",
    "Dear team,\n\nremind me to call you.\n\nThanks\nBob",
    "add milk\nand tell me a joke",
    "delete all todos\nis what I never want to do",
    "done 1\n- or not",
    "list\n- or not",
    "{}",
    "💥",
    "\x00\ud800",
]


@pytest.mark.parametrize(("text", "command"), PHRASINGS)
def test_this_is_a_command(text: str, command: Command) -> None:
    assert parse(text) == [command]


@pytest.mark.parametrize("text", TALK)
def test_this_is_no_command(text: str) -> None:
    assert parse(text) == []


def test_each_line_is_a_command() -> None:
    text = "Hi!\nadd milk\n\n  done 1.\nadd:\n- eggs\n- bread\nwhat's left?\nthanks"
    assert parse(text) == [Greet(), add("milk"), complete(1), add("eggs", "bread"), OPEN, Thank()]


def test_a_blank_line_ends_the_lines_after_add() -> None:
    assert parse("add:\nmilk\ndone 1\n\ndone 2") == [add("milk", "done 1"), complete(2)]


def test_a_message_has_a_bounded_number_of_commands() -> None:
    assert parse("list\n" * MOST_COMMANDS) == [ALL] * MOST_COMMANDS
    assert parse("list\n" * (MOST_COMMANDS + 1)) == []


def test_a_long_message_is_no_command() -> None:
    longest = "add " + "x" * (LONGEST_MESSAGE - len("add "))
    assert parse(longest) == [add(longest.removeprefix("add "))]
    assert parse(longest + "x") == []


@pytest.mark.parametrize(("fits", "too_much"), [("done 1-1000", "done 1-1001")])
def test_a_range_is_bounded(fits: str, too_much: str) -> None:
    assert parse(fits) == [complete(*range(1, 1001))]
    assert parse(too_much) == [complete(too_much.removeprefix("done "))]


def test_each_command_has_a_phrasing() -> None:
    assert {type(command) for _, command in PHRASINGS} == set(get_args(Command))
