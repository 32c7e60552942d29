"""Whoever goes on while what they asked is not settled loses nothing, and nothing is doubled."""

import json

import pytest
from playwright.sync_api import Locator, Route, expect

from web.stage import Gate, Stage
from web.test_failing import STREAM, STREAMED, once, problem
from web.test_sections import follow_link
from web.test_tabs import device, looked_at, second
from web.visitor import Visitor, fill

__all__ = ["device", "second"]  # fixtures

RESUMED = "**/api/chat/*/stream"


def cut(visitor: Visitor) -> None:
    """Of the next reply the page gets the first event, and then nothing."""

    def begin(route: Route) -> None:
        asked = json.loads(route.request.post_data or "")
        with visitor.user.client.stream("POST", "/api/chat", json=asked, headers=STREAMED) as answer:
            route.fulfill(headers=STREAM, body=f"{next(answer.iter_lines())}\n\n")

    once(visitor, begin)


def edit(visitor: Visitor) -> Locator:
    """The box in which the first question is edited."""
    visitor.messages.first.hover()
    visitor.messages.first.get_by_role("button", name="Edit message").click()
    return visitor.page.get_by_role("textbox", name="Edit your message")


def give_up(visitor: Visitor) -> None:
    """Lets the page's time pass until it does not take the reply up by itself any more."""
    retry = visitor.alert.get_by_role("button", name="Try again")
    while not retry.is_visible():
        visitor.page.clock.fast_forward(10_000)


def goes_on(visitor: Visitor, stage: Stage) -> None:
    """The first question is answered; the second one has waited in its box, and is sent then."""
    expect(visitor.reply).to_have_text("To the first.")
    expect(visitor.page.locator(".bubble")).to_have_text("First")
    expect(visitor.box).to_have_value("Second")
    expect(visitor.button("Write another reply")).to_be_visible()
    visitor.box.press("Enter")
    expect(visitor.reply).to_have_text("To the second.")
    expect(visitor.messages).to_have_count(4)
    assert stage.asked == ["First", "Second"]


@pytest.mark.allow_errors("500", "ERR_FAILED")
def test_a_question_that_was_not_sent_goes_before_the_next_one(visitor: Visitor, stage: Stage) -> None:
    def lose(route: Route) -> None:
        route.fetch()  # it is stored, and nobody here knows
        route.abort()

    stage.plays("To the first.")
    stage.plays("To the second.")
    once(visitor, lose)
    visitor.open()
    visitor.send("First")
    expect(visitor.alert).to_be_visible()
    once(visitor, problem(500, "internal_error"))
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    expect(visitor.alert).to_contain_text("Something went wrong on the server.")
    expect(visitor.page.locator(".bubble")).to_have_text("First")
    expect(visitor.box).to_have_value("Second")
    visitor.button("Send").click()
    goes_on(visitor, stage)


@pytest.mark.allow_errors("ERR_FAILED")
def test_a_reply_that_could_not_be_followed_is_taken_up_before_the_next_question(
    visitor: Visitor, stage: Stage
) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    stage.plays("To the first.")
    stage.plays("To the second.")
    visitor.page.clock.install()
    visitor.page.route(RESUMED, refuse)
    cut(visitor)
    visitor.open()
    visitor.send("First")
    give_up(visitor)
    visitor.page.unroute(RESUMED, refuse)
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    goes_on(visitor, stage)


@pytest.mark.allow_errors("ERR_FAILED", "500")
def test_an_edit_that_fails_beside_a_reply_that_could_not_be_followed_takes_no_message_from_view(
    visitor: Visitor, stage: Stage
) -> None:
    for answer in ("To the first.", "To the second."):
        stage.plays(answer)
    visitor.page.clock.install()
    visitor.open()
    visitor.send("First")
    expect(visitor.button("Write another reply")).to_be_visible()
    visitor.page.route(RESUMED, lambda route: route.abort())
    cut(visitor)
    visitor.send("Second")
    give_up(visitor)
    once(visitor, problem(500, "internal_error"))
    box = edit(visitor)
    box.fill("First, in other words")
    box.press("Enter")
    visitor.alert.get_by_role("button", name="Edit").click()
    expect(visitor.page.locator(".bubble")).to_have_text(["First", "Second"])


def test_an_edit_that_is_sent_while_a_reply_is_written_stays_in_its_box(
    visitor: Visitor, stage: Stage
) -> None:
    gate = Gate()
    stage.plays("One.")
    stage.plays("Two ", gate, "at last.")
    stage.plays("To other words.")
    visitor.open()
    visitor.send("First")
    expect(visitor.button("Write another reply")).to_be_visible()
    box = edit(visitor)
    box.fill("In other words")
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    expect(visitor.reply).to_have_text("Two")
    box.press("Enter")
    expect(visitor.page.get_by_text("A reply is still being written here.")).to_be_visible()
    expect(box).to_have_value("In other words")
    gate.open()
    expect(visitor.button("Write another reply")).to_be_visible()
    box.press("Enter")
    expect(visitor.reply).to_have_text("To other words.")
    expect(visitor.messages).to_have_count(2)


def test_an_edit_that_was_begun_is_there_after_a_reload(visitor: Visitor, stage: Stage) -> None:
    stage.plays("One.")
    visitor.open()
    visitor.send("First")
    expect(visitor.button("Write another reply")).to_be_visible()
    edit(visitor).fill("In other words")
    visitor.page.reload()
    expect(visitor.reply).to_have_text("One.")
    box = edit(visitor)
    expect(box).to_have_value("In other words")
    box.press("Escape")
    expect(edit(visitor)).to_have_value("First")


def test_who_comes_back_after_others_have_asked_sees_both_replies(
    visitor: Visitor, device: Visitor, stage: Stage
) -> None:
    ends = [Gate(), Gate()]
    stage.plays("To the laptop ", ends[0], "at last.")
    stage.plays("To the phone ", ends[1], "at last.")
    held = visitor.hold(RESUMED)
    cut(visitor)
    visitor.open()
    visitor.send("From the laptop")
    visitor.wait_for(held)  # it sleeps
    ends[0].open()
    device.open(visitor.conversation_here())
    expect(device.reply).to_have_text("To the laptop at last.")
    device.send("From the phone")
    expect(device.reply).to_have_text("To the phone")
    held.pop().continue_()
    visitor.wait_for(held)
    held.pop().continue_()
    answers = visitor.page.locator(".messages .answer")
    expect(answers).to_have_text(["To the laptop at last.", "To the phone"])
    ends[1].open()
    expect(answers).to_have_text(["To the laptop at last.", "To the phone at last."])
    expect(visitor.messages).to_have_count(4)


def test_a_line_that_falls_silent_is_broken(visitor: Visitor, stage: Stage) -> None:
    sign, end = Gate(), Gate()
    stage.plays("It begins, ", sign, "goes on, ", end, "and ends.")
    taken_up: list[str] = []
    visitor.page.on("request", lambda one: taken_up.append(one.url) if one.url.endswith("/stream") else None)
    visitor.page.clock.install()
    visitor.open()
    visitor.send("Tell me")
    expect(visitor.reply).to_have_text("It begins,")
    visitor.page.clock.fast_forward(30_000)
    sign.open()
    expect(visitor.reply).to_have_text("It begins, goes on,")
    visitor.page.clock.fast_forward(30_000)
    expect(visitor.alert).to_have_count(0)
    assert taken_up == []
    with visitor.page.expect_request(RESUMED):
        visitor.page.clock.fast_forward(46_000)
    end.open()
    expect(visitor.reply).to_have_text("It begins, goes on, and ends.")
    expect(visitor.messages).to_have_count(2)
    assert stage.asked == ["Tell me"]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["at the end", "elsewhere"])
def test_a_question_that_was_stored_when_the_tab_was_closed_is_not_shown_twice(
    visitor: Visitor, stage: Stage, elsewhere: bool
) -> None:
    conversation = visitor.user.conversation()
    fill(visitor.service.postgres, visitor.user, conversation, 80)
    stage.plays("Once.")
    stage.plays("Twice.")
    visitor.open(conversation)
    held = visitor.hold("**/api/chat")
    visitor.send("How often?")
    visitor.wait_for(held)
    held.pop().fetch()
    visitor.page.reload()
    expect(visitor.reply).to_have_text("Once.")
    if elsewhere:
        follow_link(visitor, conversation, 10)
        expect(visitor.page.get_by_text("reply 10", exact=True)).to_be_in_viewport()
    visitor.page.unroute_all()
    expect(visitor.box).to_have_value("How often?")
    visitor.box.press("Enter")
    expect(visitor.box).to_have_value("")
    expect(visitor.reply).to_have_text("Once.")
    expect(visitor.messages).to_have_count(30)
    visitor.send("And now?")
    expect(visitor.reply).to_have_text("Twice.")
    expect(visitor.messages).to_have_count(32)
    assert stage.asked == ["How often?", "And now?"]


@pytest.mark.allow_errors("500")
def test_what_a_second_tab_sent_meanwhile_does_not_take_the_place_of_what_was_not_sent(
    visitor: Visitor, second: Visitor, stage: Stage
) -> None:
    conversation = visitor.user.conversation()
    stage.plays("To the second.")
    visitor.open(conversation)
    second.open(conversation)
    once(visitor, problem(500, "internal_error"))
    visitor.send("First")
    expect(visitor.alert).to_be_visible()
    expect(second.box).to_have_value("")
    second.send("Second")
    expect(second.button("Write another reply")).to_be_visible()
    visitor.button("Edit").click()
    expect(visitor.box).to_have_value("First")


def test_what_arrived_from_another_tab_is_not_sent_again_from_this_one(
    visitor: Visitor, second: Visitor, stage: Stage
) -> None:
    conversation = visitor.user.conversation()
    stage.plays("Once.")
    visitor.open(conversation)
    held = visitor.hold("**/api/chat")
    visitor.send("How often?")
    visitor.wait_for(held)
    second.open(conversation)  # as the first one hangs
    expect(second.box).to_have_value("How often?")
    expect(second.page.get_by_role("heading", level=1)).to_be_visible()
    held.pop().continue_()
    expect(visitor.reply).to_have_text("Once.")
    expect(second.box).to_have_value("")
    second.box.press("Enter")
    expect(second.reply).to_have_text("Once.")
    assert stage.asked == ["How often?"]


def test_a_long_talk_is_all_there_when_one_looks_again(visitor: Visitor, stage: Stage) -> None:
    visitor.open()
    said = []
    for number in range(17):
        stage.plays(f"Answer {number}.")
        visitor.send(f"Question {number}")
        expect(visitor.reply).to_have_text(f"Answer {number}.")
        expect(visitor.button("Write another reply")).to_be_visible()
        said += [f"Question {number}", f"Answer {number}."]
    with visitor.page.expect_event("requestfinished", lambda request: "/history" in request.url):
        looked_at(visitor)
    visitor.page.evaluate("new Promise(requestAnimationFrame)")
    expect(visitor.page.locator(".messages .bubble, .messages .answer")).to_have_text(said)
