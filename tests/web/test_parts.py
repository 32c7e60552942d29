"""A long conversation, of which a part is loaded, and answers that are for another part."""

import re

import pytest
from playwright.sync_api import Locator, expect

from web.stage import Gate, Stage
from web.test_crossings import HISTORY, one_is_late
from web.test_failing import once, problem
from web.visitor import Visitor, fill

ASKED = re.compile(r"/api/chat$")


@pytest.fixture
def long(visitor: Visitor) -> int:
    """A conversation of 130 messages; the newest ones are loaded first."""
    conversation = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, conversation, 130)
    return conversation


def go_to(visitor: Visitor, conversation: int, number: int) -> None:
    """As who follows a link to a message: the address changes, and the page is not loaded anew."""
    sql = "SELECT id FROM message WHERE conversation_id = %s AND seq = %s"
    ((identity,),) = visitor.service.postgres.rows(sql, conversation, number)
    visitor.page.evaluate(f"location.hash = '#/c/{conversation}/m/{identity}'")


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
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    give = one_is_late(visitor, HISTORY, lambda: go_to(visitor, long, 20))
    go_to(visitor, long, 64)
    expect(target(visitor)).to_contain_text("reply 64")
    give()
    visitor.page.evaluate("new Promise(requestAnimationFrame)")
    expect(target(visitor)).to_contain_text("reply 64")
    assert 64 in shown(visitor)
    assert 20 not in shown(visitor)


@pytest.mark.parametrize(("side", "before"), [("top", 64), ("bottom", 64)])
def test_a_page_beside_what_was_shown_does_not_come_beside_what_is(
    visitor: Visitor, long: int, side: str, before: int
) -> None:
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    go_to(visitor, long, before)
    expect(target(visitor)).to_be_in_viewport()
    end = "e => { e.scrollTop = 0 }" if side == "top" else "e => { e.scrollTop = e.scrollHeight }"
    scroller = visitor.page.locator(".scroller")
    give = one_is_late(visitor, HISTORY, lambda: scroller.evaluate(end))
    go_to(visitor, long, 10 if side == "bottom" else 110)
    expect(target(visitor)).to_contain_text("10")
    give()
    visitor.page.evaluate("new Promise(requestAnimationFrame)")
    numbers = shown(visitor)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_a_reply_that_is_written_goes_on_when_one_comes_back_to_it(
    visitor: Visitor, stage: Stage, long: int
) -> None:
    gate, second = Gate(), Gate()
    stage.plays("It begins, ", gate, "goes on, ", second, "and ends.")
    visitor.open(long)
    visitor.send("Tell me")
    expect(visitor.reply).to_have_text("It begins,")
    go_to(visitor, long, 20)
    expect(target(visitor)).to_be_in_viewport()
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
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    go_to(visitor, long, 20)
    expect(target(visitor)).to_be_in_viewport()

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
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    go_to(visitor, long, 20)
    expect(target(visitor)).to_be_in_viewport()
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
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    held = visitor.hold(ASKED)
    visitor.send("Mine")
    visitor.wait_for(held)
    go_to(visitor, long, 20)
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
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    once(visitor, problem(400, "unknown"))
    visitor.send("Mine")
    expect(visitor.alert).to_be_visible()
    go_to(visitor, long, 20)
    expect(target(visitor)).to_contain_text("reply 20")
    expect(visitor.alert).to_have_count(0)
    expect(visitor.box).to_have_value("Mine")
    numbers = shown(visitor)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    visitor.button("Send").click()
    expect(visitor.reply).to_have_text("Stored.")
    assert stage.asked == ["Mine"]
