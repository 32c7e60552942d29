"""The list of conversations: in order, under headings, page by page, and what is done to them."""

import re

import pytest
from playwright.sync_api import expect

from support import Service
from web.stage import Stage
from web.test_failing import once, problem
from web.visitor import Visitor, fill

BEGINNING_OF_DECEMBER = "2026-12-01T09:00:00"
TIMES = {
    "December": ("2026-12-01T08:00:00", "Today"),
    "Midnight": ("2026-12-01T00:00:30", "Today"),
    "November": ("2026-11-30T23:59:30", "Yesterday"),
    "Last week": ("2026-11-25T12:00:00", "Previous 7 days"),
    "Last month": ("2026-11-05T12:00:00", "Previous 30 days"),
    "Autumn": ("2026-09-15T12:00:00", "September 2026"),
    "Also autumn": ("2026-09-14T12:00:00", "September 2026"),
    "Long ago": ("2024-02-29T12:00:00", "February 2024"),
}


def conversation_at(visitor: Visitor, title: str, time: str) -> int:
    conversation = visitor.user.conversation(title=title)
    sql = "UPDATE conversation SET updated_at = %s WHERE id = %s"
    visitor.service.postgres.rows(sql, f"{time}+00:00", conversation)
    return conversation


def titles(visitor: Visitor) -> list[str]:
    return visitor.conversations.get_by_role("link").all_inner_texts()


def test_conversations_stand_under_the_day_of_their_last_message(visitor: Visitor) -> None:
    for title, (time, _) in TIMES.items():
        conversation_at(visitor, title, time)
    visitor.page.clock.set_fixed_time(f"{BEGINNING_OF_DECEMBER}+00:00")
    visitor.page.context.add_init_script("Date.prototype.getTimezoneOffset = () => 0")
    visitor.open()
    expect(visitor.conversations.get_by_role("link")).to_have_count(len(TIMES))
    groups = {
        section.get_by_role("heading").inner_text(): section.get_by_role("link").all_inner_texts()
        for section in visitor.conversations.locator("section").all()
    }
    expected: dict[str, list[str]] = {}
    for title, (_, heading) in TIMES.items():
        expected.setdefault(heading, []).append(title)
    assert groups == expected
    headings = visitor.conversations.get_by_role("heading").all_inner_texts()
    assert headings == list(expected), "in order, each once"


def test_a_new_message_moves_a_conversation_to_today(visitor: Visitor, stage: Stage) -> None:
    visitor.user.conversation(title="Of today")
    old = conversation_at(visitor, "Old", "2025-01-01T12:00:00")
    stage.plays("Hello again.")
    visitor.open(old)
    expect(visitor.conversations.get_by_role("heading")).to_have_text(["Today", "January 2025"])
    visitor.send("Hello")
    expect(visitor.conversations.get_by_role("heading")).to_have_text(["Today"])
    assert titles(visitor) == ["Old", "Of today"]


def test_more_conversations_are_loaded_near_the_end_each_once(visitor: Visitor) -> None:
    for number in range(70):
        conversation_at(visitor, f"Number {number:02}", f"2026-01-01T12:{number // 60:02}:{number % 60:02}")
    visitor.open()
    expect(visitor.link("Number 69")).to_be_visible()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.wait_for_load_state("networkidle")
    assert len(titles(visitor)) < 70
    while (before := len(titles(visitor))) < 70:
        visitor.conversations.evaluate("e => { e.scrollTop = e.scrollHeight }")
        expect(visitor.conversations.get_by_role("link")).not_to_have_count(before)
    assert titles(visitor) == [f"Number {number:02}" for number in reversed(range(70))]
    visitor.conversations.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(visitor.link("Number 00")).to_be_in_viewport()
    assert len([url for url in asked if "/api/conversations" in url]) <= 3


def test_a_title_is_edited_in_its_place(visitor: Visitor) -> None:
    conversation = visitor.user.conversation(title="Old name")
    visitor.open()
    visitor.choose("Old name", "Rename")
    field = visitor.page.get_by_role("textbox", name="New name")
    expect(field).to_be_focused()
    field.fill("Something else")
    field.press("Escape")
    expect(visitor.link("Old name")).to_be_focused()
    visitor.choose("Old name", "Rename")
    field.fill("New name")
    with visitor.page.expect_response(lambda response: response.request.method == "PATCH"):
        field.press("Enter")
    expect(visitor.link("New name")).to_be_focused()
    assert visitor.user.get(f"/api/conversations/{conversation}").json()["title"] == "New name"
    visitor.page.reload()
    expect(visitor.link("New name")).to_be_visible()


def test_what_is_deleted_is_gone_at_once_and_can_be_brought_back(visitor: Visitor) -> None:
    for title in ("Third", "Second", "First"):
        visitor.user.say(visitor.user.conversation(title=title), f"said in {title}")
    visitor.open()
    visitor.choose("Second", "Delete")
    expect(visitor.conversations.get_by_role("link")).to_have_text(["First", "Third"])
    visitor.button("Undo").click()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["First", "Second", "Third"])
    visitor.link("Second").click()
    expect(visitor.page.get_by_text("said in Second")).to_be_visible()


def test_each_undo_says_what_it_brings_back(visitor: Visitor) -> None:
    for title in ("Third", "Second", "First"):
        visitor.user.conversation(title=title)
    visitor.open()
    notes = visitor.page.locator(".toast")
    for title, what, said in (
        ("First", "Delete", "Deleted “First”"),
        ("Second", "Archive", "Archived “Second”"),
        ("Third", "Delete", "Deleted “Third”"),
    ):
        visitor.finish(title, what)
        expect(notes.filter(has_text=said)).to_be_visible()
    notes.filter(has_text="Deleted “Third”").get_by_role("button", name="Undo").click()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Third"])


def test_a_note_does_not_lie_over_the_way_to_the_end(visitor: Visitor) -> None:
    long = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, long, 60)
    visitor.user.conversation(title="Goes")
    visitor.open(long, visitor.user.messages(long)[0]["id"])
    expect(visitor.button("Go to the newest message")).to_be_visible()
    visitor.choose("Goes", "Archive")
    note = visitor.page.locator(".toast").bounding_box()
    way = visitor.button("Go to the newest message").bounding_box()
    assert note is not None
    assert way is not None
    assert note["y"] + note["height"] < way["y"]


def test_deleting_the_open_conversation_leads_to_the_start_page(visitor: Visitor) -> None:
    conversation = visitor.user.conversation(title="Open")
    visitor.open(conversation)
    visitor.finish("Open", "Delete")
    expect(visitor.page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_text("Your conversations will be here.")).to_be_visible()
    assert visitor.user.get(f"/api/conversations/{conversation}").status_code == 404


@pytest.mark.allow_errors("503")
def test_what_the_service_refuses_is_taken_back_and_said(visitor: Visitor) -> None:
    visitor.user.conversation(title="Stays")
    visitor.open()
    for what, code, sentence in (
        ("Delete", "database_unavailable", "The service is busy."),
        ("Pin", "overloaded", "The assistant has a lot to do right now."),
        ("Archive", "shutting_down", "The service is being restarted."),
    ):
        once(visitor, problem(503, code), re.compile(r"/api/conversations/\d+$"))
        visitor.choose("Stays", what)
        expect(visitor.page.get_by_text(sentence)).to_be_visible()
        expect(visitor.link("Stays")).to_be_visible()
        expect(visitor.conversations.get_by_role("heading")).to_have_text("Today")


def test_a_pinned_conversation_stands_above_all_others(visitor: Visitor) -> None:
    conversation_at(visitor, "Old", "2025-01-01T12:00:00")
    visitor.user.conversation(title="New")
    visitor.open()
    visitor.finish("Old", "Pin")
    for _ in range(2):
        expect(visitor.conversations.get_by_role("heading")).to_have_text(["Pinned", "Today"])
        expect(visitor.conversations.get_by_role("link")).to_have_text(["Old", "New"])
        visitor.page.reload()
    visitor.choose("Old", "Unpin")
    expect(visitor.conversations.get_by_role("link")).to_have_text(["New", "Old"])


def test_the_archive_has_a_view_of_its_own(visitor: Visitor) -> None:
    visitor.user.conversation(title="Stays")
    visitor.user.say(visitor.user.conversation(title="Goes"), "said in it")
    visitor.open()
    visitor.finish("Goes", "Archive")
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Stays"])
    visitor.set("Archive")
    archive = visitor.page.get_by_role("navigation", name="Archive")
    expect(archive.get_by_role("link")).to_have_text(["Goes"])
    archive.get_by_role("link", name="Goes").click()
    expect(visitor.page.get_by_text("said in it")).to_be_visible()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Goes")
    visitor.button("Options for Goes").click()
    with visitor.page.expect_response(lambda response: response.request.method == "PATCH"):
        visitor.page.get_by_role("menuitem", name="Move out of the archive").click()
    expect(visitor.page.get_by_text("Nothing is archived.")).to_be_visible()
    visitor.button("Back to all conversations").click()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Goes", "Stays"])


def test_archiving_can_be_undone(visitor: Visitor) -> None:
    visitor.user.conversation(title="Goes")
    visitor.open()
    visitor.choose("Goes", "Archive")
    expect(visitor.page.get_by_text("Your conversations will be here.")).to_be_visible()
    visitor.button("Undo").click()
    expect(visitor.link("Goes")).to_be_visible()


def test_nobody_sees_the_conversations_of_another(visitor: Visitor, service: Service) -> None:
    service.user("bob@example.com").conversation(title="Secret")
    visitor.user.conversation(title="Mine")
    visitor.open()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Mine"])


def test_a_conversation_that_went_on_elsewhere_moves_up_from_far_below(visitor: Visitor) -> None:
    conversations = [visitor.user.conversation(title=f"Number {number:02}") for number in range(40)]
    visitor.open()
    expect(visitor.link("Number 39")).to_be_visible()
    visitor.conversations.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(visitor.conversations.get_by_role("link")).to_have_count(40)
    visitor.user.say(conversations[0], "from the phone")
    visitor.user.client.patch(f"/api/conversations/{conversations[0]}", json={"title": "Renamed"})
    visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(visitor.conversations.get_by_role("link").first).to_have_text("Renamed")
    expect(visitor.conversations.get_by_role("link")).to_have_count(40)


def test_whoever_leaves_the_field_of_a_new_name_is_where_they_went(visitor: Visitor) -> None:
    visitor.user.conversation(title="Old name")
    visitor.open()
    visitor.choose("Old name", "Rename")
    visitor.page.keyboard.type("New name")
    visitor.box.click()
    expect(visitor.link("New name")).to_be_visible()
    expect(visitor.box).to_be_focused()
