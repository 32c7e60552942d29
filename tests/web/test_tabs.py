"""Two tabs of one browser, and two devices of one user, agree."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from web.stage import Gate, Stage
from web.visitor import Visitor

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def second(visitor: Visitor) -> Visitor:
    """Another tab of the same browser."""
    return Visitor(visitor.page.context.new_page(), visitor.user, visitor.service)


@pytest.fixture
def device(visitor: Visitor, new_visitor: NewVisitor) -> Visitor:
    """Another browser of the same user."""
    return new_visitor(user=visitor.user)


def looked_at(visitor: Visitor) -> None:
    """As if the user came back to the tab."""
    visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_what_is_done_in_one_tab_shows_in_the_other(visitor: Visitor, second: Visitor) -> None:
    for title in ("Third", "Second", "First"):
        visitor.user.conversation(title=title)
    visitor.open()
    second.open()
    expect(second.conversations.get_by_role("link")).to_have_text(["First", "Second", "Third"])
    visitor.choose("Second", "Pin")
    expect(second.conversations.get_by_role("link")).to_have_text(["Second", "First", "Third"])
    visitor.choose("First", "Delete")
    expect(second.conversations.get_by_role("link")).to_have_text(["Second", "Third"])
    visitor.button("Undo").click()
    expect(second.conversations.get_by_role("link")).to_have_text(["Second", "First", "Third"])
    visitor.choose("Third", "Archive")
    expect(second.conversations.get_by_role("link")).to_have_text(["Second", "First"])


def test_a_conversation_goes_on_in_both_tabs(visitor: Visitor, second: Visitor, stage: Stage) -> None:
    conversation = visitor.user.conversation(title="Shared")
    gate = Gate()
    stage.plays("To both ", gate, "of you.")
    visitor.open(conversation)
    second.open(conversation)
    expect(second.page.get_by_role("heading", level=1)).to_have_text("Shared")
    visitor.send("Hello")
    for one in (visitor, second):
        expect(one.reply).to_have_text("To both")
        expect(one.messages).to_have_count(2)
    gate.open()
    for one in (visitor, second):
        expect(one.reply).to_have_text("To both of you.")
        expect(one.messages).to_have_count(2)
    assert stage.asked == ["Hello"]


def test_a_reply_is_stopped_from_another_tab(visitor: Visitor, second: Visitor, stage: Stage) -> None:
    stage.plays("Half of it", Gate(), " and the rest")
    visitor.open()
    visitor.send("Tell me")
    expect(visitor.reply).to_have_text("Half of it")
    second.open(visitor.conversation_here())
    expect(second.reply).to_have_text("Half of it")
    second.button("Stop the reply").click()
    for one in (second, visitor):
        expect(one.page.get_by_text("You stopped this reply.")).to_be_visible()
        expect(one.reply).to_have_text("Half of it")


def test_a_conversation_that_is_deleted_in_another_tab_is_gone_here(
    visitor: Visitor, second: Visitor
) -> None:
    conversation = visitor.user.conversation(title="Short-lived")
    visitor.user.say(conversation, "said here")
    visitor.open(conversation)
    expect(visitor.page.get_by_text("said here")).to_be_visible()
    second.open()
    second.choose("Short-lived", "Delete")
    expect(visitor.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    second.button("Undo").click()
    expect(visitor.page.get_by_text("said here")).to_be_visible()


def test_coming_back_to_a_tab_shows_what_another_device_did(
    visitor: Visitor, device: Visitor, stage: Stage
) -> None:
    conversation = visitor.user.conversation(title="Shared")
    visitor.user.say(conversation, "said before")
    visitor.open(conversation)
    expect(visitor.page.get_by_text("said before")).to_be_visible()
    stage.plays("On the phone.")
    device.open(conversation)
    device.send("Hello from the phone")
    expect(device.reply).to_have_text("On the phone.")
    device.open()
    device.choose("Shared", "Rename")
    device.page.keyboard.type("Renamed")
    with device.page.expect_response(lambda response: response.request.method == "PATCH"):
        device.page.keyboard.press("Enter")
    expect(device.link("Renamed")).to_be_visible()
    looked_at(visitor)
    expect(visitor.reply).to_have_text("On the phone.")
    expect(visitor.link("Renamed")).to_be_visible()


def test_a_reply_that_another_device_waits_for_has_a_dot_here_until_it_is_there(
    visitor: Visitor, device: Visitor, stage: Stage
) -> None:
    gate = Gate()
    stage.plays("Slowly ", gate, "but surely.")
    device.open()
    device.send("A long story")
    expect(device.reply).to_have_text("Slowly")
    visitor.open()
    dot = visitor.page.get_by_role("img", name="A reply is being written")
    expect(dot).to_be_visible()
    gate.open()
    expect(dot).to_have_count(0)


def test_signing_out_in_one_tab_signs_the_other_out(visitor: Visitor, second: Visitor) -> None:
    visitor.open()
    second.open()
    visitor.set("Sign out")
    for one in (visitor, second):
        expect(one.page.get_by_role("heading", name="Welcome back")).to_be_visible()


def test_the_todos_agree_too(visitor: Visitor, second: Visitor) -> None:
    for one in (visitor, second):
        one.open()
        one.button("Show todos").click()
        expect(one.page.get_by_text("Nothing to do.")).to_be_visible()
    visitor.send("add buy milk")
    for one in (visitor, second):
        expect(one.page.get_by_role("checkbox", name="buy milk")).to_be_visible()
    second.page.get_by_role("checkbox", name="buy milk").click()
    expect(visitor.page.get_by_role("checkbox", name="buy milk")).to_be_checked()
