"""A question and its reply: shown at once, followed to the end, stopped, asked again, edited."""

import re

from playwright.sync_api import expect

from web.stage import Gate, Stage
from web.visitor import Visitor, fill

LINES = [f"Line {number} of a long reply.\n\n" for number in range(1, 41)]


def test_a_question_is_shown_before_the_server_answers(visitor: Visitor, stage: Stage) -> None:
    held = visitor.hold("**/api/chat")
    stage.plays("Hello.")
    visitor.open()
    visitor.send("Good morning")
    expect(visitor.page.get_by_text("Good morning")).to_be_visible()
    expect(visitor.box).to_have_value("")
    expect(visitor.button("Stop the reply")).to_be_enabled()
    expect(visitor.button("Send")).to_have_count(0)
    visitor.wait_for(held)
    held[0].continue_()
    expect(visitor.reply).to_have_text("Hello.")
    expect(visitor.button("Send")).to_be_visible()
    expect(visitor.link("Good morning")).to_have_attribute("aria-current", "page")
    assert stage.asked == ["Good morning"]


def test_at_the_end_the_reply_is_followed(visitor: Visitor, stage: Stage) -> None:
    gates = [Gate() for _ in range(3)]
    stage.plays(*LINES[:15], gates[0], *LINES[15:25], gates[1], *LINES[25:], gates[2], "The end.")
    visitor.open()
    visitor.send("Go on")
    for gate, last in zip(gates, (15, 25, 40), strict=True):
        expect(visitor.page.get_by_text(f"Line {last} ")).to_be_in_viewport()
        assert visitor.distance_to_end() < 80
        gate.open()
    expect(visitor.page.get_by_text("The end.", exact=True)).to_be_in_viewport()
    assert visitor.distance_to_end() < 80


def test_whoever_scrolls_up_is_left_in_peace_and_can_come_back(visitor: Visitor, stage: Stage) -> None:
    gates = [Gate() for _ in range(2)]
    stage.plays(*LINES[:30], gates[0], *LINES[30:], gates[1], "\n\nThe end.")
    visitor.open()
    visitor.send("Go on")
    expect(visitor.page.get_by_text("Line 30 ")).to_be_in_viewport()
    visitor.page.locator(".scroller").hover()
    visitor.page.mouse.wheel(0, -300)
    back = visitor.button("Go to the newest message")
    expect(back).to_be_visible()
    scroller = visitor.page.locator(".scroller")
    top = scroller.evaluate(
        # When it has stood still for twenty frames, however long they take.
        "e => new Promise(done => { let last = -1, still = 0; const look = () => {"
        " still = e.scrollTop === last ? still + 1 : 0; last = e.scrollTop;"
        " still === 20 ? done(last) : requestAnimationFrame(look) }; look() })"
    )
    gates[0].open()
    expect(visitor.page.get_by_text("Line 40 ")).to_be_attached()
    assert abs(scroller.evaluate("e => e.scrollTop") - top) < 2
    back.click()
    expect(visitor.page.get_by_text("Line 40 ")).to_be_in_viewport()
    expect(back).to_be_hidden()
    gates[1].open()
    expect(visitor.page.get_by_text("The end.", exact=True)).to_be_in_viewport()


def stopped(visitor: Visitor, stage: Stage, how: str) -> None:
    stage.plays("Half of it", Gate(), " and the rest")
    visitor.open()
    visitor.send("Tell me")
    expect(visitor.reply).to_have_text("Half of it")
    if how == "Esc":
        visitor.page.keyboard.press("Escape")
    else:
        visitor.button("Stop the reply").click()
    expect(visitor.page.get_by_text("You stopped this reply.")).to_be_visible()
    expect(visitor.button("Send")).to_be_visible()
    visitor.page.reload()
    expect(visitor.reply).to_have_text("Half of it")
    expect(visitor.page.get_by_text("You stopped this reply.")).to_be_visible()


def test_stop_keeps_what_was_shown(visitor: Visitor, stage: Stage) -> None:
    stopped(visitor, stage, "button")


def test_escape_stops_too(visitor: Visitor, stage: Stage) -> None:
    stopped(visitor, stage, "Esc")


def test_a_stop_before_the_server_has_answered_is_not_forgotten(visitor: Visitor, stage: Stage) -> None:
    held = visitor.hold("**/api/chat")
    stage.plays("Some", Gate(), " more")
    visitor.open()
    visitor.send("Tell me")
    visitor.button("Stop the reply").click()
    expect(visitor.button("Stopping")).to_be_disabled()
    visitor.wait_for(held)
    held[0].continue_()
    expect(visitor.page.get_by_text("You stopped this reply.")).to_be_visible()


def test_another_reply_takes_the_place_of_the_last_one_and_both_can_be_read(
    visitor: Visitor, stage: Stage
) -> None:
    stage.plays("The first answer.")
    stage.plays("The second answer.")
    visitor.open()
    visitor.send("Which one?")
    expect(visitor.reply).to_have_text("The first answer.")
    visitor.button("Write another reply").click()
    expect(visitor.reply).to_have_text("The second answer.")
    expect(visitor.messages).to_have_count(2)
    for _ in range(2):
        expect(visitor.page.get_by_text("2/2")).to_be_visible()
        visitor.button("Previous version").click()
        expect(visitor.reply).to_have_text("The first answer.")
        expect(visitor.page.get_by_text("1/2")).to_be_visible()
        expect(visitor.button("Previous version")).to_be_disabled()
        visitor.button("Next version").click()
        expect(visitor.reply).to_have_text("The second answer.")
        visitor.page.reload()
        expect(visitor.reply).to_have_text("The second answer.")


def test_an_edited_question_puts_away_what_came_after_it(visitor: Visitor, stage: Stage) -> None:
    for answer in ("One.", "Two.", "Another one."):
        stage.plays(answer)
    visitor.open()
    visitor.send("First")
    expect(visitor.reply).to_have_text("One.")
    visitor.send("Second")
    expect(visitor.reply).to_have_text("Two.")
    first = visitor.messages.first
    first.hover()
    first.get_by_role("button", name="Edit message").click()
    box = visitor.page.get_by_role("textbox", name="Edit your message")
    expect(box).to_have_value("First")
    box.press("Escape")
    expect(visitor.messages).to_have_count(4)
    first.hover()
    first.get_by_role("button", name="Edit message").click()
    box.fill("First, in other words")
    box.press("Enter")
    expect(visitor.reply).to_have_text("Another one.")
    for _ in range(2):
        expect(visitor.messages).to_have_count(2)
        expect(visitor.page.locator(".bubble")).to_have_text("First, in other words")
        visitor.page.reload()
        expect(visitor.reply).to_have_text("Another one.")


def test_an_edited_question_stays_in_view(visitor: Visitor, stage: Stage) -> None:
    stage.plays("\n\n".join(LINES))
    visitor.open()
    visitor.send("From far above")
    expect(visitor.button("Write another reply")).to_be_visible()
    first = visitor.messages.first
    first.hover()
    first.get_by_role("button", name="Edit message").click()
    box = visitor.page.get_by_role("textbox", name="Edit your message")
    expect(box).to_be_in_viewport()
    box.fill("Several\nlines\nmake it\ngrow")
    expect(box).to_be_in_viewport()


def test_a_reply_survives_a_reload_and_nothing_is_doubled(visitor: Visitor, stage: Stage) -> None:
    gate = Gate()
    stage.plays("It begins here ", gate, "and it ends here.")
    visitor.open()
    visitor.send("Tell me")
    expect(visitor.reply).to_have_text("It begins here")
    visitor.conversation_here()
    visitor.page.reload()
    expect(visitor.reply).to_have_text("It begins here")
    expect(visitor.button("Stop the reply")).to_be_visible()
    gate.open()
    expect(visitor.reply).to_have_text("It begins here and it ends here.")
    expect(visitor.messages).to_have_count(2)
    expect(visitor.button("Send")).to_be_visible()
    assert stage.asked == ["Tell me"]


def test_several_conversations_are_answered_at_once(visitor: Visitor, stage: Stage) -> None:
    gate = Gate()
    stage.plays("Slowly ", gate, "but surely.")
    stage.plays("Quickly.")
    visitor.open()
    visitor.send("A long story")
    expect(visitor.reply).to_have_text("Slowly")
    visitor.page.get_by_role("link", name="New chat").first.click()
    row = visitor.conversations.get_by_role("listitem").filter(has_text="A long story")
    expect(row.get_by_role("img", name="A reply is being written")).to_be_visible()
    visitor.send("A short one")
    expect(visitor.reply).to_have_text("Quickly.")
    gate.open()
    expect(row.get_by_role("img", name="A reply is being written")).to_have_count(0)
    visitor.link("A long story").click()
    expect(visitor.reply).to_have_text("Slowly but surely.")
    expect(visitor.messages).to_have_count(2)


def test_a_question_from_an_old_place_goes_to_the_end(visitor: Visitor, stage: Stage) -> None:
    conversation = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, conversation, 90)
    sql = "SELECT id FROM message WHERE conversation_id = %s AND seq = 10"
    stage.plays("At the end.")
    visitor.open(conversation, visitor.service.postgres.value(sql, conversation))
    expect(visitor.page.get_by_text("reply 10", exact=True)).to_be_in_viewport()
    visitor.send("And now?")
    expect(visitor.reply).to_have_text("At the end.")
    expect(visitor.reply).to_be_in_viewport()
    expect(visitor.page.get_by_text("reply 90", exact=True)).to_be_attached()


def test_enter_of_an_input_method_and_shift_enter_do_not_send(visitor: Visitor, stage: Stage) -> None:
    visitor.open()
    visitor.box.fill("こんにちは")
    visitor.box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    visitor.box.press("Shift+Enter")
    expect(visitor.box).to_have_value("こんにちは\n")
    expect(visitor.messages).to_have_count(0)
    visitor.box.press("Enter")
    expect(visitor.page.locator(".bubble")).to_have_text(re.compile("こんにちは"))
    expect(visitor.button("Write another reply")).to_be_visible()
    assert stage.asked == ["こんにちは"]


def test_one_can_go_on_typing_after_send_and_stop(visitor: Visitor, stage: Stage) -> None:
    visitor.open()
    for text in ("First", "Second"):
        stage.plays("Well ", Gate(), "then.")
        visitor.send(text)
        expect(visitor.page.locator(".bubble").last).to_have_text(text)
        expect(visitor.reply).to_have_text("Well")
        expect(visitor.box).to_be_focused()
        visitor.button("Stop the reply").click()
        expect(visitor.button("Write another reply")).to_be_visible()
        expect(visitor.box).to_be_focused()
        visitor.page.keyboard.type("Typed")
        expect(visitor.box).to_have_value("Typed")
