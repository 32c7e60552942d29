"""What makes it pleasant: a place to begin, drafts, shortcuts, colours, languages, times."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from web.stage import Stage
from web.visitor import Visitor

NewVisitor = Callable[..., Visitor]


def test_the_start_page_offers_something_to_begin_with(new_visitor: NewVisitor) -> None:
    # So wide that the words of one card take two lines, and those beside it one.
    visitor = new_visitor(viewport={"width": 960, "height": 700})
    visitor.open()
    expect(visitor.page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    expect(visitor.box).to_be_focused()
    suggestions = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(suggestions).to_have_count(4)
    gaps = visitor.page.locator(".suggestions button").evaluate_all(
        "all => all.map(e => e.lastChild.getBoundingClientRect().top - e.getBoundingClientRect().top)"
    )
    assert max(gaps) - min(gaps) < 1, "the words of a card belong together"
    visitor.page.get_by_role("button", name="Make a list").click()
    expect(visitor.page.locator(".bubble")).to_have_text("add buy milk, call Anna and water the plants")
    expect(visitor.reply).to_contain_text("water the plants")


def test_each_conversation_has_its_draft_also_after_a_reload(visitor: Visitor) -> None:
    for title in ("First", "Second"):
        visitor.user.conversation(title=title)
    visitor.open()
    visitor.box.fill("for a new chat")
    visitor.link("First").click()
    expect(visitor.box).to_have_value("")
    visitor.box.fill("for the first")
    visitor.link("Second").click()
    expect(visitor.box).to_have_value("")
    visitor.link("First").click()
    expect(visitor.box).to_have_value("for the first")
    visitor.page.reload()
    expect(visitor.box).to_have_value("for the first")
    visitor.page.get_by_role("link", name="New chat").first.click()
    expect(visitor.box).to_have_value("for a new chat")


def test_a_reply_is_rated_and_the_rating_is_kept(visitor: Visitor, stage: Stage) -> None:
    stage.plays("Judge me.")
    visitor.open()
    visitor.send("Say something")
    good, bad = visitor.button("Good reply"), visitor.button("Bad reply")
    for button, values in ((good, ("true", "false")), (bad, ("false", "true")), (bad, ("false", "false"))):
        with visitor.page.expect_response(lambda response: response.url.endswith("/feedback")):
            button.click()
        for _ in range(2):
            expect(good).to_have_attribute("aria-pressed", values[0])
            expect(bad).to_have_attribute("aria-pressed", values[1])
            visitor.page.reload()


def test_a_message_is_copied_as_it_was_written(visitor: Visitor, stage: Stage) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stage.plays("Some **bold** text.")
    visitor.open()
    visitor.send("Bold, please")
    visitor.messages.last.get_by_role("button", name="Copy message").click()
    expect(visitor.page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == "Some **bold** text."


@pytest.mark.parametrize(
    ("locale", "expected"), [("en-GB", r"^Today \d+:\d\d"), ("de-DE", r"^Heute \d\d:\d\d")]
)
def test_each_message_says_when_it_was_said(
    new_visitor: NewVisitor, stage: Stage, locale: str, expected: str
) -> None:
    visitor = new_visitor(locale=locale)
    stage.plays("Now.")
    conversation = visitor.user.conversation(title="Times")
    said = visitor.user.say(conversation, "When?")
    visitor.service.postgres.rows(
        "UPDATE message SET created_at = '2024-02-29 12:00+00' WHERE id = %s", said["id"]
    )
    now = visitor.user.say(conversation, "And now?")["created_at"]
    visitor.page.clock.set_fixed_time(now)  # or it was yesterday by the time it is read
    visitor.open(conversation)
    times = visitor.page.locator("time")
    expect(times.last).to_have_text(re.compile(expected))
    expect(times.last).to_have_attribute("datetime", re.compile(r"^20\d\d-\d\d-\d\dT.*\+00:00$"))
    expect(times.first).to_have_text(re.compile("2024"))
    expect(times.first).to_have_attribute("title", re.compile("2024"))


def test_the_shortcuts_do_what_their_list_says(visitor: Visitor, stage: Stage) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stage.plays("To copy.")
    press = visitor.page.keyboard.press
    visitor.open()
    visitor.send("Say something")
    expect(visitor.button("Write another reply")).to_be_visible()
    press("Control+Shift+C")
    expect(visitor.page.get_by_text("Copied")).to_be_visible()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == "To copy."
    press("Control+Shift+S")
    expect(visitor.conversations).to_be_hidden()
    press("Control+k")
    visitor.page.keyboard.type("docker")
    search = visitor.page.get_by_role("searchbox")
    expect(search).to_have_value("docker")
    press("Escape")
    expect(search).to_have_value("")
    search.blur()
    press("/")
    expect(visitor.box).to_be_focused()
    visitor.page.keyboard.type("a/b")
    expect(visitor.box).to_have_value("a/b")
    press("Control+/")
    dialog = visitor.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_role("definition")).to_have_count(7)
    press("Escape")
    expect(dialog).to_be_hidden()
    press("Control+Shift+O")
    expect(visitor.page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    expect(visitor.box).to_be_focused()


def background(page: Page) -> str:
    return str(page.locator("chat-bot").evaluate("e => getComputedStyle(e).backgroundColor"))


def test_the_colours_follow_the_system_or_a_choice_that_is_kept(visitor: Visitor) -> None:
    light, dark = "rgb(255, 255, 255)", "rgb(23, 24, 28)"
    page = visitor.page
    page.emulate_media(color_scheme="light")
    visitor.open()
    assert background(page) == light
    page.emulate_media(color_scheme="dark")
    assert background(page) == dark
    for choice, colour in (("Light", light), ("Dark", dark), ("Like the system", dark)):
        visitor.set(choice)
        expect(page.locator("chat-bot")).to_have_css("background-color", colour)
        page.reload()
        expect(visitor.box).to_be_visible()
        assert background(page) == colour
    page.emulate_media(color_scheme="light")
    assert background(page) == light


def test_whether_the_list_is_shown_is_kept(visitor: Visitor) -> None:
    visitor.open()
    visitor.button("Hide conversations").click()
    expect(visitor.conversations).to_be_hidden()
    visitor.page.reload()
    expect(visitor.box).to_be_visible()
    expect(visitor.conversations).to_be_hidden()
    visitor.button("Show conversations").click()
    expect(visitor.conversations).to_be_visible()


def test_grey_lines_stand_where_something_is_about_to_be(visitor: Visitor) -> None:
    conversation = visitor.user.conversation(title="Here")
    visitor.user.say(conversation, "said here")
    held = visitor.hold("**/api/**")
    visitor.open(conversation)
    expect(visitor.page.get_by_role("status", name="Loading")).to_have_count(2)
    visitor.wait_for(held, 2)
    for route in held[:]:
        route.continue_()
    visitor.page.unroute("**/api/**")
    expect(visitor.page.get_by_text("said here")).to_be_visible()
    expect(visitor.link("Here")).to_be_visible()
    expect(visitor.page.get_by_role("status", name="Loading")).to_have_count(0)


def test_the_page_speaks_german_with_germans(new_visitor: NewVisitor, stage: Stage) -> None:
    visitor = new_visitor(locale="de-AT")
    stage.plays("Gern.")
    visitor.open()
    expect(visitor.page.get_by_role("heading", name="Wobei kann ich helfen?")).to_be_visible()
    for element in ("html", "chat-bot"):
        expect(visitor.page.locator(element)).to_have_attribute("lang", "de")
        expect(visitor.page.locator(element)).to_have_attribute("dir", "ltr")
    visitor.page.get_by_role("textbox", name="Nachricht").fill("Hallo")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("button", name="Gute Antwort")).to_be_visible()
    expect(visitor.page.get_by_role("navigation").get_by_text("Heute")).to_be_visible()


def test_with_others_it_speaks_english(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(locale="fr-FR")
    visitor.open()
    expect(visitor.page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
