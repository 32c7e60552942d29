"""Searching conversations and messages, and going to what was found."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from web.stage import Gate, Stage
from web.test_failing import problem
from web.visitor import Visitor, fill


@pytest.fixture
def long(visitor: Visitor) -> int:
    """A conversation of 130 messages, of which one is about herrings."""
    conversation = visitor.user.conversation(title="Cooking")
    fill(visitor.service.postgres, visitor.user, conversation, 130)
    visitor.service.postgres.rows(
        "UPDATE message SET content = 'Salted herrings & <b>onions</b> keep for weeks'"
        " WHERE conversation_id = %s AND seq = 40",
        conversation,
    )
    return conversation


def field(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("searchbox", name="Search conversations")


def results(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("navigation", name="Search results").get_by_role("link")


def test_titles_and_messages_are_found_and_a_message_is_opened(visitor: Visitor, long: int) -> None:
    visitor.user.conversation(title="Herrings of the Baltic")
    visitor.user.conversation(title="Something else")
    visitor.open()
    field(visitor).fill("herrings")
    expect(results(visitor)).to_have_count(2)
    expect(results(visitor).first).to_contain_text("Herrings of the Baltic")
    found = results(visitor).filter(has_text="Cooking")
    expect(found.locator("mark").first).to_have_text(re.compile("herrings", re.IGNORECASE))
    expect(found.locator(".snippet")).to_contain_text("<b>onions</b>")
    expect(visitor.page.get_by_role("status").get_by_text("2 results")).to_be_attached()
    found.click()
    expect(visitor.page.locator("[data-target=true]")).to_contain_text("Salted herrings")
    expect(visitor.page.locator("[data-target=true]")).to_be_in_viewport()
    expect(field(visitor)).to_have_value("herrings")
    assert re.search(rf"#/c/{long}/m/\d+$", visitor.page.url)
    visitor.page.reload()
    expect(visitor.page.locator("[data-target=true]")).to_be_in_viewport()


def test_the_way_to_the_end_is_offered_only_to_those_who_are_far_from_it(visitor: Visitor, long: int) -> None:
    short = visitor.user.conversation(title="Fishing")
    found = visitor.user.say(short, "Herrings, please.")["id"]
    way = visitor.button("Go to the newest message")
    visitor.open(short, found)
    expect(visitor.page.locator("[data-target=true]")).to_contain_text("Herrings")
    expect(way).to_be_hidden()
    field(visitor).fill("onions")
    results(visitor).click()
    expect(visitor.page.locator("[data-target=true]")).to_contain_text("Salted herrings")
    expect(way).to_be_visible()
    way.click()
    expect(visitor.page.get_by_text("reply 130")).to_be_in_viewport()
    expect(way).to_be_hidden()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_what_was_found_is_marked_behind_its_text_and_buttons(
    new_visitor: Callable[..., Visitor], motion: str
) -> None:
    visitor = new_visitor(reduced_motion=motion)
    conversation = visitor.user.conversation(title="Fishing")
    found = visitor.user.say(conversation, "Herrings, please.")["id"]
    visitor.open(conversation, found)
    target = visitor.page.locator("[data-target=true]")
    expect(target).to_contain_text("Herrings")
    layer, animation, opacity = target.evaluate(
        "e => { const { zIndex, animationName, opacity } = getComputedStyle(e, '::before');"
        " return [zIndex, animationName, opacity] }"
    )
    assert layer == "-1"
    if motion == "reduce":
        assert (animation, opacity) == ("none", "1"), "it stays: to fade would be a motion"
    else:
        assert animation == "chat-fade"


def test_what_is_not_there_is_said_and_escape_clears(visitor: Visitor, long: int) -> None:
    visitor.open()
    field(visitor).fill("no such thing")
    expect(visitor.page.get_by_text("Nothing found for “no such thing”.")).to_be_visible()
    field(visitor).press("Escape")
    expect(field(visitor)).to_have_value("")
    expect(visitor.link("Cooking")).to_be_visible()
    field(visitor).press("Escape")
    expect(visitor.box).to_be_focused()
    field(visitor).fill("herrings")
    expect(results(visitor)).to_have_count(1)
    visitor.button("Clear the search").click()
    expect(visitor.link("Cooking")).to_be_visible()


def test_one_request_is_made_for_what_is_typed_without_a_pause(visitor: Visitor, long: int) -> None:
    asked: list[str] = []
    visitor.page.on(
        "request", lambda request: asked.append(request.url) if "/api/search" in request.url else None
    )
    visitor.open()
    field(visitor).evaluate(
        "e => { for (const letter of 'herrings') {"
        " e.value += letter; e.dispatchEvent(new Event('input', { bubbles: true })) } }"
    )
    expect(results(visitor)).to_have_count(1)
    assert [url.partition("?")[2] for url in asked] == ["q=herrings&limit=20"]


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(visitor: Visitor, long: int) -> None:
    held = visitor.hold("**/api/search?q=question*")
    visitor.open()
    field(visitor).fill("question")
    visitor.wait_for(held)
    field(visitor).fill("herrings")
    expect(results(visitor).locator("mark")).to_have_text("herrings")
    held[0].fulfill(json={"items": [], "next_cursor": None})
    visitor.page.wait_for_load_state("networkidle")
    expect(results(visitor)).to_have_count(1)


@pytest.mark.allow_errors("400")
def test_pages_without_a_result_are_gone_through(visitor: Visitor, long: int) -> None:
    """The service looks through some thousand messages at a time, and may find nothing in them."""
    visitor.open()
    answers = [{"items": [], "next_cursor": str(number)} for number in range(5)]
    visitor.page.route("**/api/search*", lambda route: route.fulfill(json=answers.pop(0)), times=5)
    field(visitor).fill("herrings")
    visitor.button("Search older messages").click()
    expect(visitor.page.get_by_text("The search did not work.")).to_be_visible()
    assert answers == []


def test_the_results_are_gone_through_by_keyboard(visitor: Visitor, long: int) -> None:
    visitor.open()
    visitor.page.keyboard.press("Control+k")
    visitor.page.keyboard.type("herrings")
    expect(results(visitor)).to_have_count(1)
    visitor.page.keyboard.press("ArrowDown")
    expect(results(visitor).first).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("[data-target=true]")).to_be_in_viewport()


def test_what_is_archived_is_found_and_marked_as_such(visitor: Visitor, long: int) -> None:
    assert visitor.user.patch(f"/api/conversations/{long}", {"archived": True}).status_code == 200
    visitor.open()
    field(visitor).fill("herrings")
    expect(results(visitor)).to_contain_text(["Archive"])
    results(visitor).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Cooking")


@pytest.mark.allow_errors("ERR_INTERNET_DISCONNECTED", "503")
def test_a_search_that_failed_can_be_tried_again_and_is_when_the_network_is_back(
    visitor: Visitor, long: int
) -> None:
    visitor.open()
    expect(visitor.link("Cooking")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.route("**/api/search*", problem(503, "database_unavailable"), times=1)
    field(visitor).fill("herrings")
    expect(visitor.alert).to_contain_text("The search did not work.")
    visitor.button("Try again").click()
    expect(results(visitor)).to_have_count(1)
    visitor.page.context.set_offline(True)
    field(visitor).fill("onions")
    expect(visitor.alert).to_contain_text("The search did not work.")
    visitor.page.context.set_offline(False)
    expect(results(visitor).locator("mark")).to_have_text("onions")
    expect(visitor.alert).to_have_count(0)


def test_a_search_without_an_answer_is_given_up_after_a_minute(visitor: Visitor, long: int) -> None:
    visitor.open()
    expect(visitor.link("Cooking")).to_be_visible()
    visitor.page.evaluate(
        "AbortSignal.timeout = (time) => ((window.minute ??= {})[time] = new AbortController()).signal"
    )
    held = visitor.hold("**/api/search*")
    field(visitor).fill("herrings")
    visitor.wait_for(held)
    visitor.page.evaluate("window.minute[60_000].abort(new DOMException('', 'TimeoutError'))")
    expect(visitor.alert).to_contain_text("The search did not work.")


def test_what_the_service_would_find_too_long_cannot_be_typed(visitor: Visitor) -> None:
    visitor.open()
    field(visitor).focus()
    visitor.page.keyboard.insert_text("herrings " * 30)
    expect(visitor.page.get_by_text("Nothing found for")).to_be_visible()
    assert len(field(visitor).input_value()) == 200


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_what_was_found_is_gone_to_as_often_as_it_is_chosen(
    new_visitor: Callable[..., Visitor], motion: str
) -> None:
    visitor = new_visitor(reduced_motion=motion)
    conversation = visitor.user.conversation(title="Cooking")
    fill(visitor.service.postgres, visitor.user, conversation, 130)
    visitor.open()
    field(visitor).fill("question 41")
    target = visitor.page.locator("[data-target=true]")
    results(visitor).click()
    expect(target).to_be_in_viewport()
    mark = (
        "e => e.getAnimations({ subtree: true }).forEach(mark => { mark.finish(); mark.playbackRate = 0.01 })"
    )
    target.evaluate(mark)
    visitor.button("Go to the newest message").click()
    expect(visitor.page.get_by_text("reply 130")).to_be_in_viewport()
    results(visitor).click()
    expect(target).to_be_in_viewport()
    target.evaluate(mark)
    visitor.page.locator(".scroller").evaluate("e => e.scrollTop = e.scrollHeight")
    expect(target).not_to_be_in_viewport()
    results(visitor).click()
    expect(target).to_be_in_viewport()
    assert target.evaluate(
        "e => e.getAnimations({ subtree: true }).every(mark => mark.playState === 'running')"
    )


def test_a_search_that_is_open_is_asked_again_when_a_reply_has_ended(visitor: Visitor, stage: Stage) -> None:
    asked: list[str] = []
    visitor.page.on(
        "request", lambda request: asked.append(request.url) if "/api/search" in request.url else None
    )
    gate = Gate()
    stage.plays("One ", "two ", gate, "three.")
    visitor.open()
    field(visitor).fill("kangaroo")
    nothing = visitor.page.get_by_text("Nothing found for “kangaroo”.")
    expect(nothing).to_be_visible()
    visitor.send("kangaroo jumps")
    expect(visitor.reply).to_have_text("One two")
    assert len(asked) == 1
    held = visitor.hold("**/api/search*")
    with visitor.page.expect_request("**/api/search*"):
        gate.open()
    visitor.wait_for(held)
    expect(visitor.reply).to_have_text("One two three.")
    expect(nothing).to_be_visible()
    held[0].continue_()
    expect(results(visitor).filter(has_text="kangaroo jumps")).not_to_have_count(0)
    expect(nothing).to_have_count(0)
    assert len(asked) == 2
