"""What the offline assistant takes for a command, and what it must not."""

# ruff: noqa: RUF001  # the quotes, apostrophes and dashes that telephones write are part of the test

from typing import get_args

import pytest

from app.assistants.todo.commands import (
    Add,
    Change,
    ClearCompleted,
    Command,
    Complete,
    CompleteAll,
    Delete,
    DeleteAll,
    Greet,
    Rename,
    Reopen,
    ReopenAll,
    Search,
    Show,
    Suggest,
    Target,
    Tell,
    Told,
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
    ("gotta finish the essay", add("finish the essay")),
    ("need to pick up the kids at 3", add("pick up the kids at 3")),
    ("must call the school", add("call the school")),
    ("can u add milk", add("milk")),
    ("yo add milk", add("milk")),
    ("um oh wait add milk plz", add("milk")),
    ("please to add milk in my list", add("milk")),
    ("i want add milk", add("milk")),
    ("add milk to list", add("milk")),
    ("add assign people to tasks", add("assign people to tasks")),
    ("throw milk on the grocery list", add("milk")),
    ("add homework done", add("homework done")),
    ("remind me to pay rent", remind("pay rent")),
    ("Don’t forget to pay rent!", remind("pay rent")),
    ("please remember to pay rent", remind("pay rent")),
    ("remember the milk", remind("the milk")),
    ("dont forget the dentist on tuesday", remind("the dentist on tuesday")),
    ("remind me about the dentist", remind("the dentist")),
    ("remind me tomorrow to call Bob", remind("call Bob tomorrow")),
    ("note to self: buy batteries", remind("buy batteries")),
    ("set a reminder to call mum, dad and Tom", remind("call mum, dad and Tom")),
    ("add why is the sky blue?", add("why is the sky blue?")),
    ("add 🎂 for Zoë’s birthday", add("🎂 for Zoë’s birthday")),
    ("add # not a heading", add("# not a heading")),
    # several todos, and what only looks like several
    ("add milk, eggs and bread", add("milk", "eggs", "bread")),
    ("add milk, eggs, and bread", add("milk", "eggs", "bread")),
    ("add milk, eggs, bread", add("milk", "eggs", "bread")),
    ("add buy milk, and eggs", add("buy milk", "eggs")),
    ("add Buy milk, And call Tom and Ann", add("Buy milk", "call Tom and Ann")),
    ("add milk, eggs, and fish and chips", add("milk", "eggs", "fish and chips")),
    ("add eggs, and milk, bread and butter", add("eggs", "milk", "bread", "butter")),
    ('add "buy milk, and eggs"', add("buy milk, and eggs")),
    ("add a task: buy milk, and eggs", add("buy milk, and eggs")),
    ("add write to the landlord about it, and wait", add("write to the landlord about it, and wait")),
    ("add milk and eggs and bread", add("milk", "eggs", "bread")),
    ("add milk and eggs", add("milk and eggs")),
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
    ("add something to my list", add()),
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
    ("I need to see my list", ALL),
    ("i wanna see the list", ALL),
    ("gimme the list", ALL),
    ("check my list", ALL),
    ("show me my stuff", ALL),
    ("whats on my list rn", ALL),
    ("which tasks i have", ALL),
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
    ("what else?", OPEN),
    ("anything left", OPEN),
    ("how many are left", OPEN),
    ("show me what i gotta do", OPEN),
    ("ugh what do i still have to do", OPEN),
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
    ("done two", complete(2)),
    ("complete number two", complete(2)),
    ("complete one and three", complete(1, 3)),
    ("complete one to three", complete(1, 2, 3)),
    ("the fifth is done", complete(5)),
    ("complete the first two", complete(1, 2)),
    ("the last 2 are done", complete(-2, -1)),
    ("finish two", complete(2)),
    ("complete both", CompleteAll(number=2)),
    ("complete all three of them", CompleteAll(number=3)),
    ("complete both eggs and milk", complete("eggs and milk")),
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
    ("milk done", complete("milk")),
    ("milk and eggs done", complete("milk and eggs")),
    ("milk finished!", complete("milk")),
    ("milk is finish", complete("milk")),
    ("i have finish milk", complete("milk")),
    ("did the milk", complete("milk")),
    ("mark off milk", complete("milk")),
    ("i bought the eggs", Told("buy", "eggs")),
    ("picked up milk", Told("pick up", "milk")),
    ("we've already paid the rent", Told("pay", "rent")),
    ("1 and 2 are done now", complete(1, 2)),
    ("done fish and chips", complete("fish and chips")),
    ("done 1, fish and chips", complete(1, "fish", "chips")),
    ('done "fish and chips"', complete('"fish and chips"')),
    ('done "milk" and "eggs"', complete('"milk"', '"eggs"')),
    ('done "What, you?"', complete('"What, you?"')),
    ("done", complete()),
    ("mark as done", complete()),
    ("i did two", complete()),
    ("two done", complete()),
    ("complete 2 tasks", complete()),
    ("I've done 2 of them", complete()),
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
    ("not done: bread", reopen("bread")),
    ("bread not done", reopen("bread")),
    ("i'm not done with the bread", reopen("bread")),
    ("actually I didn't do the milk", reopen("milk")),
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
    ("rename milk", Rename(())),
    # delete
    ("delete 2", delete(2)),
    ("delete 1-3", delete(1, 2, 3)),
    ("remove milk", delete("milk")),
    ("remove the milk from my list", delete("milk")),
    ("take milk off the list", delete("milk")),
    ("get rid of 2, please", delete(2)),
    ("delete todo milk", delete("milk")),
    ("scratch the bio reading", delete("bio reading")),
    ("delete the last one", delete(-1)),
    ("delete the last two", delete(-2, -1)),
    ("delete number two", delete(2)),
    ("delete two", delete()),
    ("delete one of them", delete()),
    ("delete 2 todos", delete()),
    ("delete both", delete()),
    ("delete 2 items and milk", delete("2 items and milk")),
    ("i want to delete 2", delete(2)),
    ("scratch my back", Suggest("delete my back")),
    ("drop the milk", Suggest("delete the milk")),
    ("cancel the dentist", Suggest("delete the dentist")),
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
    ("start over", DeleteAll(confirmed=False)),
    ("can you delete all todos?", DeleteAll(confirmed=False)),
    ("delete all todos?", DeleteAll(confirmed=False)),
    ("I want to delete all todos", DeleteAll(confirmed=False)),
    ("delet all todos", DeleteAll(confirmed=False)),
    # search
    ("find milk", Search("milk")),
    ("search for milk", Search("milk")),
    ("search oat milk on my list", Search("oat milk")),
    ("is milk on my list?", Search("milk")),
    ("do I have milk on my list?", Search("milk")),
    ("show todos about milk", Search("milk")),
    ("do I have anything about mom?", Search("mom")),
    ("anything about mom", Search("mom")),
    ("is milk on list", Search("milk")),
    ("is the milk done?", Search("milk")),
    ("did i buy the milk", Search("milk")),
    ("find", Search("")),
    # manners
    ("help", Tell("help")),
    ("Help!", Tell("help")),
    ("what can you do?", Tell("help")),
    ("who are you?", Tell("help")),
    ("how does this work", Tell("help")),
    ("I need help", Tell("help")),
    ("how i can add task?", Tell("help")),
    ("can you delete things?", Tell("deletion")),
    ("how do I delete a todo?", Tell("deletion")),
    ("clear", Tell("deletion")),
    ("undo", Tell("undo")),
    ("undo that", Tell("undo")),
    ("ok", Tell("fine")),
    ("lol", Tell("fine")),
    ("👍", Tell("fine")),
    ("yes", Tell("answer")),
    ("No!", Tell("answer")),
    ("nvm", Tell("answer")),
    ("bye", Tell("bye")),
    ("see you later", Tell("bye")),
    ("hi", Greet()),
    ("Hello!", Greet()),
    ("hey there", Greet()),
    ("Good morning", Greet()),
    ("yo whats up", Greet()),
    ("hi, how are you?", Greet()),
    ("thanks", Tell("thanks")),
    ("Thank you so much!", Tell("thanks")),
    ("ok, thanks", Tell("thanks")),
    ("tysm", Tell("thanks")),
    # what may be meant is not done
    ("buy milk", Suggest("add buy milk")),
    ("we need milk", Suggest("add milk")),
    ("we're out of milk", Suggest("add milk")),
    ("i should call grandma", Suggest("add call grandma")),
    ("i want to delete the milk", Suggest("delete the milk")),
    ("i need to complete 2", Suggest("complete 2")),
    ("I need to complete the form", add("complete the form")),
    ("delete milk?", Suggest("delete milk")),
    ("done 2?", Suggest("done 2")),
    # slips of the finger
    ("ad milk", add("milk")),
    ("creat a task feed the cat", add("feed the cat")),
    ("remond me to call Bob", remind("call Bob")),
    ("shwo list", ALL),
    ("show my lsit", ALL),
    ("whats lft", OPEN),
    ("hlep", Tell("help")),
    ("fin milk", Search("milk")),
    ("delte 2", Suggest("delete 2")),
    ("remvoe milk", Suggest("remove milk")),
    ("dnoe 2", Suggest("done 2")),
    ("finsh 2", Suggest("finish 2")),
    ("mark milk as doen", Suggest("mark milk as done")),
    ("renam 2 to eggs", Suggest("rename 2 to eggs")),
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
    "ads are everywhere",
    "and milk",
    "dine 2",
    "date 2",
    "don't delete milk",
    "do not complete 2",
    "delete all but 2",
    "delete milk, no wait",
    "should i delete 2",
    "i will delete milk",
    "i deleted milk",
    "i will finish milk",
    "i wish milk was done",
    "milk and eggs almost done",
    "milk should be done",
    "milk has to be done",
    "milk is never done",
    "until milk and eggs are done",
    "once 2 is done",
    "get it done",
    "half done",
    "consider it done",
    "i am done",
    "check one two",
    "check one, two",
    "i bought nothing",
    "I got it",
    "gotta go",
    "remember me",
    "remember when we met",
    "write a poem",
    "delete all todos, or not",
    "```\nadd milk\n```",
    "```python\ndelete(1)\n```",
    "def f():\n    return 1",
    "Dear team,\n\nremind me to call you.\n\nThanks\nBob",
    "add milk\nand tell me a joke",
    "I hate to cook",
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
    assert parse(text) == [Greet(), add("milk"), complete(1), add("eggs", "bread"), OPEN, Tell("thanks")]


SEVERAL: list[tuple[str, list[Command]]] = [
    ("add juice and delete 2", [add("juice"), delete(2)]),
    ("add juice & delete 2", [add("juice"), delete(2)]),
    ("add juice and mark eggs as done", [add("juice"), complete("eggs")]),
    ("add juice. Then show my list!", [add("juice"), ALL]),
    ("add milk add eggs add bread", [add("milk"), add("eggs"), add("bread")]),
    ("done 1, 2 and then please delete 3", [complete(1, 2), delete(3)]),
    ("delete milk and add eggs", [delete("milk"), add("eggs")]),
    ("show list and delete 1", [ALL, delete(1)]),
    ("add milk and rename 2 to eggs and ham", [add("milk"), rename(2, "eggs and ham")]),
]

MAYBE_SEVERAL = [
    "add juice and complete eggs",
    "add milk and then delete it",
    "add milk and delete eggs",
    "add milk. Delete eggs.",
    "add milk; delete eggs",
    "add milk, then clear completed",
    "add milk and delete all todos",
    "delete all todos and add milk",
    "complete milk and delete eggs",
    "delete milk and complete eggs",
    "add wash the car and finish it",
]

ONE = [
    ('add "milk and delete 1"', add("milk and delete 1")),
    ("add go to the shop and find milk", add("go to the shop and find milk")),
    ("add call the plumber and show him the leak", add("call the plumber and show him the leak")),
    ("add mow lawn, water plants and remove weeds", add("mow lawn", "water plants", "remove weeds")),
    ("add remember to add Bob", add("remember to add Bob")),
    ("I need to buy paint and remove the wallpaper", add("buy paint and remove the wallpaper")),
    ("remind me to buy milk and delete 2", remind("buy milk and delete 2")),
]


@pytest.mark.parametrize(("text", "commands"), SEVERAL)
def test_a_line_may_have_several_commands(text: str, commands: list[Command]) -> None:
    assert parse(text) == commands


@pytest.mark.parametrize("text", MAYBE_SEVERAL)
def test_what_may_be_one_title_or_several_commands_is_asked(text: str) -> None:
    assert parse(text) == [Tell("several")]


@pytest.mark.parametrize(("text", "command"), ONE)
def test_what_only_looks_like_several_commands_is_one(text: str, command: Command) -> None:
    assert parse(text) == [command]


def test_a_blank_line_ends_the_lines_after_add() -> None:
    assert parse("add:\nmilk\ndone 1\n\ndone 2") == [add("milk", "done 1"), complete(2)]


def test_a_message_has_a_bounded_number_of_commands() -> None:
    assert parse("list\n" * MOST_COMMANDS) == [ALL] * MOST_COMMANDS
    assert parse("list\n" * (MOST_COMMANDS + 1)) == []
    assert parse("list\n" * (MOST_COMMANDS - 2) + "add milk and list") == [ALL] * (MOST_COMMANDS - 2) + [
        add("milk"),
        ALL,
    ]
    assert parse("list\n" * (MOST_COMMANDS - 1) + "add milk and list") == []


def test_a_long_message_is_no_command() -> None:
    longest = "add " + "x" * (LONGEST_MESSAGE - len("add "))
    assert parse(longest) == [add(longest.removeprefix("add "))]
    assert parse(longest + "x") == []


@pytest.mark.parametrize(("fits", "too_much"), [("done 1-1000", "done 1-1001")])
def test_a_range_is_bounded(fits: str, too_much: str) -> None:
    assert parse(fits) == [complete(*range(1, 1001))]
    assert parse(too_much) == [complete(too_much.removeprefix("done "))]


def test_a_slip_is_sought_in_short_lines_only() -> None:
    ten = "delte the milk that my good old brother bought there"
    assert parse(ten) == [Suggest("delete the milk that my good old brother bought there")]
    assert parse(f"{ten} yesterday") == []


def test_a_question_changes_nothing() -> None:
    changes = get_args(Change)
    commands = [text.rstrip(".!") for text, command in PHRASINGS if isinstance(command, changes)]
    assert len(commands) > 100
    for text in commands:
        if not text.endswith("?"):
            asked = [command for command in parse(f"{text}?") if isinstance(command, changes)]
            assert asked in ([], [DeleteAll(confirmed=False)]), text


def test_each_command_has_a_phrasing() -> None:
    assert {type(command) for _, command in PHRASINGS} == set(get_args(Command))
