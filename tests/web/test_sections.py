"""A long conversation, of which a section is loaded, and answers that are for another section."""

import re

import pytest
from playwright.sync_api import Locator, expect

from web.stage import Gate, Stage
from web.test_crossings import HISTORY, one_is_late
from web.test_failing import once, problem
from web.test_history import asked
from web.visitor import Visitor, fill

ASKED = re.compile(r"/api/chat$")


@pytest.fixture
def long(visitor: Visitor) -> int:
    """A conversation of 130 messages, which is open: the newest ones are loaded."""
    conversation = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, conversation, 130)
    visitor.open(conversation)
    expect(visitor.messages).to_have_count(30)
    return conversation


def follow_link(visitor: Visitor, conversation: int, number: int) -> None:
    """To a message: the address changes, and the page is not loaded anew."""
    sql = "SELECT id FROM message WHERE conversation_id = %s AND seq = %s"
    ((identity,),) = visitor.service.postgres.rows(sql, conversation, number)
    visitor.page.evaluate(f"location.hash = '#/c/{conversation}/m/{identity}'")


def go_to(visitor: Visitor, conversation: int, number: int) -> None:
    """The same, and there."""
    follow_link(visitor, conversation, number)
    expect(target(visitor)).to_contain_text(f" {number}")
    expect(target(visitor)).to_be_in_viewport()


def target(visitor: Visitor) -> Locator:
    return visitor.page.locator("[data-target=true]")


def shown(visitor: Visitor) -> list[int]:
    """The numbers of what is shown of "question 1", "reply 2" and so on."""
    texts = visitor.page.locator(".messages .bubble, .messages .answer").all_inner_texts()
    found = (re.fullmatch(r"(?:question|reply) (\d+)", text) for text in texts)
    return [int(match[1]) for match in found if match]


def to_the_end(visitor: Visitor) -> None:
    visitor.button("Go to the newest message").click()


def test_who_follows_two_links_is_led_to_the_second(visitor: Visitor, long: int) -> None:
    give = one_is_late(visitor, HISTORY, lambda: follow_link(visitor, long, 20))
    go_to(visitor, long, 64)
    give()
    visitor.page.evaluate("new Promise(requestAnimationFrame)")
    expect(target(visitor)).to_contain_text("reply 64")
    assert 64 in shown(visitor)
    assert 20 not in shown(visitor)


@pytest.mark.parametrize(("end", "elsewhere"), [("0", 110), ("e.scrollHeight", 10)], ids=["before", "behind"])
def test_a_page_beside_what_was_shown_does_not_come_beside_what_is(
    visitor: Visitor, long: int, end: str, elsewhere: int
) -> None:
    go_to(visitor, long, 64)
    scroller = visitor.page.locator(".scroller")
    give = one_is_late(visitor, HISTORY, lambda: scroller.evaluate(f"e => {{ e.scrollTop = {end} }}"))
    go_to(visitor, long, elsewhere)
    give()
    visitor.page.evaluate("new Promise(requestAnimationFrame)")
    numbers = shown(visitor)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_a_reply_that_is_written_goes_on_when_one_comes_back_to_it(
    visitor: Visitor, stage: Stage, long: int
) -> None:
    gate, second = Gate(), Gate()
    stage.plays("It begins, ", gate, "goes on, ", second, "and ends.")
    visitor.send("Tell me")
    expect(visitor.reply).to_have_text("It begins,")
    go_to(visitor, long, 20)
    to_the_end(visitor)
    expect(visitor.page.get_by_text("Tell me", exact=True)).to_be_visible()
    gate.open()
    expect(visitor.reply).to_have_text("It begins, goes on,")
    second.open()
    expect(visitor.reply).to_have_text("It begins, goes on, and ends.")
    expect(visitor.button("Write another reply")).to_be_visible()
    assert stage.asked == ["Tell me"]


def test_of_two_questions_that_are_sent_before_the_end_is_loaded_the_second_waits(
    visitor: Visitor, stage: Stage, long: int
) -> None:
    stage.plays("One thing at a time.")
    go_to(visitor, long, 20)

    def ask() -> None:
        visitor.box.fill("First")
        visitor.box.press("Enter")

    give = one_is_late(visitor, HISTORY, ask)
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    give()
    expect(visitor.reply).to_have_text("One thing at a time.")
    expect(visitor.button("Write another reply")).to_be_visible()
    expect(visitor.box).to_have_value("Second")
    assert stage.asked == ["First"]
    assert shown(visitor) == list(range(101, 131))
    expect(visitor.messages).to_have_count(32)


@pytest.mark.allow_errors("503")
def test_a_question_is_kept_when_the_end_cannot_be_loaded(visitor: Visitor, stage: Stage, long: int) -> None:
    stage.plays("Now.")
    go_to(visitor, long, 20)
    visitor.page.route(HISTORY, problem(503, "database_unavailable"), times=1)
    visitor.send("First")
    visitor.button("Try again").click()
    expect(visitor.box).to_have_value("First")
    visitor.button("Send").click()
    expect(visitor.reply).to_have_text("Now.")
    assert stage.asked == ["First"]
    assert shown(visitor) == list(range(101, 131))


def test_who_goes_elsewhere_before_the_question_is_stored_finds_it_at_the_end(
    visitor: Visitor, stage: Stage, long: int
) -> None:
    stage.plays("Stored.")
    held = visitor.hold(ASKED)
    visitor.send("Mine")
    visitor.wait_for(held)
    found = asked(visitor.page, "/history")
    follow_link(visitor, long, 20)
    for _ in range(3):
        visitor.page.evaluate("new Promise(requestAnimationFrame)")
    assert found == [], "another section would take the place of the question"
    held.pop().continue_()
    expect(target(visitor)).to_contain_text("reply 20")
    to_the_end(visitor)
    expect(visitor.reply).to_have_text("Stored.")
    expect(visitor.page.get_by_text("Mine", exact=True)).to_have_count(1)
    assert shown(visitor) == list(range(103, 131))


@pytest.mark.allow_errors("400")
def test_a_question_that_was_refused_is_in_the_box_of_who_goes_elsewhere(
    visitor: Visitor, stage: Stage, long: int
) -> None:
    stage.plays("Stored.")
    once(visitor, problem(400, "unknown"))
    visitor.send("Mine")
    expect(visitor.alert).to_be_visible()
    go_to(visitor, long, 20)
    expect(visitor.alert).to_have_count(0)
    expect(visitor.box).to_have_value("Mine")
    numbers = shown(visitor)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    visitor.button("Send").click()
    expect(visitor.reply).to_have_text("Stored.")
    assert stage.asked == ["Mine"]
