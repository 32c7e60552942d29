"""Answers that come when the user has done something else meanwhile, and in another order."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from web.stage import Stage
from web.test_accounts import PASSWORD, fill_in
from web.test_failing import once, problem
from web.test_list import titles
from web.test_tabs import looked_at
from web.visitor import Visitor, fill

ONE = re.compile(r"/api/conversations/\d+$")
LIST = re.compile(r"/api/conversations\?")
HISTORY = re.compile(r"/api/chat/\d+/history")
TODO_LIST = re.compile(r"/api/todos$")


def rename(visitor: Visitor, title: str, new: str) -> None:
    visitor.choose(title, "Rename")
    visitor.page.keyboard.type(new)
    visitor.page.keyboard.press("Enter")
    expect(visitor.link(new)).to_be_visible()


def one_is_late(visitor: Visitor, path: re.Pattern[str], ask: Callable[[], None]) -> Callable[[], None]:
    """Asks, and keeps what the service answers at once; what is asked later is not kept.

    Returns what lets the page have the answer.
    """
    late: list[tuple[Route, APIResponse]] = []

    def keep(route: Route) -> None:
        late.append((route, route.fetch()))

    visitor.page.route(path, keep, times=1)
    ask()
    while not late:
        visitor.page.wait_for_timeout(10)
    route, answer = late.pop()

    def give() -> None:
        with visitor.page.expect_event("requestfinished", lambda request: request == route.request):
            route.fulfill(response=answer)

    return give


def test_what_is_deleted_stays_away_when_a_change_of_before_is_answered(visitor: Visitor) -> None:
    visitor.user.conversation(title="Stays")
    visitor.user.conversation(title="Goes")
    visitor.open()
    held = visitor.hold(ONE)
    rename(visitor, "Goes", "Renamed")
    visitor.wait_for(held)
    visitor.choose("Renamed", "Delete")
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Stays"])
    held.pop().continue_()
    visitor.wait_for(held)
    assert held[0].request.method == "DELETE"
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Stays"])
    held.pop().continue_()
    visitor.button("Undo").click()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Renamed", "Stays"])


def test_changes_arrive_in_the_order_in_which_they_were_made(visitor: Visitor) -> None:
    visitor.user.conversation(title="Other")
    conversation = visitor.user.conversation(title="First")
    visitor.open()
    held = visitor.hold(ONE)
    rename(visitor, "First", "Second")
    visitor.choose("Second", "Pin")
    expect(visitor.conversations.get_by_role("heading")).to_have_text(["Pinned", "Today"])
    rename(visitor, "Second", "Third")
    visitor.choose("Third", "Unpin")
    expect(visitor.conversations.get_by_role("heading")).to_have_text(["Today"])
    for changes in ({"title": "Second"}, {"pinned": True}, {"title": "Third"}, {"pinned": False}):
        visitor.wait_for(held)
        assert [route.request.post_data_json for route in held] == [changes], "one at a time"
        with visitor.page.expect_event("requestfinished"):
            held.pop().continue_()
        expect(visitor.conversations.get_by_role("link")).to_have_text(["Third", "Other"])
        expect(visitor.conversations.get_by_role("heading")).to_have_text(["Today"])
    stored = visitor.user.get(f"/api/conversations/{conversation}").json()
    assert (stored["title"], bool(stored["pinned"])) == ("Third", False)


@pytest.mark.allow_errors("422")
def test_a_change_that_is_refused_takes_back_itself_and_not_the_next_one(visitor: Visitor) -> None:
    visitor.user.conversation(title="First")
    visitor.open()
    held = visitor.hold(ONE)
    rename(visitor, "First", "Refused")
    visitor.choose("Refused", "Pin")
    visitor.wait_for(held)
    held.pop().fulfill(status=422, body='{"code": "invalid_request"}')
    visitor.wait_for(held)
    expect(visitor.link("First")).to_be_visible()
    expect(visitor.conversations.get_by_role("heading")).to_have_text(["Pinned"])
    held.pop().continue_()
    visitor.page.unroute(ONE)
    visitor.finish("First", "Unpin")
    expect(visitor.conversations.get_by_role("heading")).to_have_text(["Today"])


def test_a_list_of_before_says_nothing_of_what_was_done_since(visitor: Visitor) -> None:
    for title in ("Third", "Second", "First"):
        visitor.user.conversation(title=title)
    visitor.open()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["First", "Second", "Third"])
    give = one_is_late(visitor, LIST, lambda: looked_at(visitor))
    visitor.finish("First", "Delete")
    expect(visitor.button("Undo")).to_be_visible()
    visitor.finish("Third", "Pin")
    with visitor.page.expect_response(LIST) as again:
        give()
    assert again.value.ok
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Third", "Second"])


def test_todos_of_before_do_not_take_the_place_of_later_ones(visitor: Visitor) -> None:
    visitor.user.post("/api/todos", {"title": "Old"})
    visitor.open()
    give = one_is_late(visitor, TODO_LIST, visitor.button("Show todos").click)
    visitor.user.post("/api/todos", {"title": "New"})
    visitor.page.get_by_role("textbox", name="Add a todo").fill("Own")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("checkbox")).to_have_count(3)
    give()
    expect(visitor.page.get_by_role("checkbox")).to_have_count(3)


def test_a_history_of_before_does_not_take_a_new_question_away(visitor: Visitor, stage: Stage) -> None:
    conversation = visitor.user.conversation(title="Here")
    stage.plays("First.")
    visitor.open(conversation)
    visitor.send("One")
    expect(visitor.reply).to_have_text("First.")
    expect(visitor.button("Write another reply")).to_be_visible()  # it has ended: else nothing is asked for
    give = one_is_late(visitor, HISTORY, lambda: looked_at(visitor))
    stage.plays("Second.")
    visitor.send("Two")
    expect(visitor.reply).to_have_text("Second.")
    expect(visitor.button("Send")).to_be_visible()
    with visitor.page.expect_response(HISTORY):
        give()
    expect(visitor.messages).to_have_count(4)
    expect(visitor.reply).to_have_text("Second.")


@pytest.mark.allow_errors("500")
def test_a_question_that_was_not_sent_is_there_when_one_comes_back(visitor: Visitor, stage: Stage) -> None:
    here, there = (visitor.user.conversation(title=title) for title in ("Here", "There"))
    fill(visitor.service.postgres, visitor.user, there, 4)
    stage.plays("Here I am.")
    once(visitor, problem(500, "internal_error"))
    visitor.open(here)
    visitor.send("Are you there?")
    expect(visitor.alert).to_be_visible()
    visitor.link("There").click()
    expect(visitor.messages).to_have_count(4)
    visitor.link("Here").click()
    with visitor.page.expect_response(LIST):
        looked_at(visitor)
    expect(visitor.page.get_by_text("Are you there?")).to_be_visible()
    visitor.button("Try again").click()
    expect(visitor.reply).to_have_text("Here I am.")
    expect(visitor.messages).to_have_count(2)


def test_what_is_taken_out_of_the_archive_is_there_whatever_list_comes_meanwhile(visitor: Visitor) -> None:
    visitor.user.conversation(title="Stays")
    archived = visitor.user.conversation(title="Back")
    assert visitor.user.patch(f"/api/conversations/{archived}", {"archived": True}).is_success
    visitor.open()
    visitor.set("Archive")
    visitor.page.get_by_role("link", name="Back", exact=True).hover()
    held = visitor.hold(ONE)
    visitor.button("Options for Back").click()
    visitor.page.get_by_role("menuitem", name="Move out of the archive").click()
    visitor.wait_for(held)
    visitor.button("Back to all conversations").click()
    with visitor.page.expect_response(LIST):
        looked_at(visitor)
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Stays"])
    held.pop().continue_()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["Back", "Stays"])


def test_all_of_the_archive_can_be_reached_after_something_was_put_into_it(visitor: Visitor) -> None:
    ids = [visitor.user.conversation(title=f"Number {number:02}") for number in range(40)]
    for identity in ids[1:]:
        assert visitor.user.patch(f"/api/conversations/{identity}", {"archived": True}).is_success
    visitor.open()
    visitor.finish("Number 00", "Archive")
    visitor.set("Archive")
    archive = visitor.page.get_by_role("navigation", name="Archive")
    expect(archive.get_by_role("link", name="Number 39")).to_be_visible()
    archive.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(archive.get_by_role("link")).to_have_count(40)


@pytest.mark.allow_errors("503")
def test_a_next_page_that_cannot_be_had_is_not_asked_for_all_the_time(visitor: Visitor) -> None:
    for number in range(70):
        visitor.user.conversation(title=f"Number {number:02}")
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        refused.append(route)
        problem(503, "database_unavailable")(route)

    visitor.page.route(re.compile(r"/api/conversations\?.*cursor="), refuse)
    visitor.open()
    expect(visitor.link("Number 69")).to_be_visible()
    visitor.conversations.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(visitor.page.get_by_text("The service is busy.")).to_be_visible()
    for _ in range(30):
        visitor.page.evaluate("new Promise(requestAnimationFrame)")
    assert len(refused) < 4
    visitor.page.unroute_all()
    while len(titles(visitor)) < 70:
        visitor.conversations.evaluate("e => { e.scrollTop = 0 }")
        visitor.page.evaluate("new Promise(requestAnimationFrame)")
        visitor.conversations.evaluate("e => { e.scrollTop = e.scrollHeight }")
        visitor.page.evaluate("new Promise(requestAnimationFrame)")


def test_a_title_of_before_does_not_take_the_place_of_a_new_one(visitor: Visitor) -> None:
    """Another tab says that a reply has ended, so the conversation is asked for; then it is renamed."""
    conversation = visitor.user.conversation(title="Old")
    visitor.open()

    def tell() -> None:
        visitor.page.evaluate(
            """id => new BroadcastChannel(`chat-history ${location.origin}/ alice@example.com`)
            .postMessage({what: 'ended', id})""",
            str(conversation),
        )

    give = one_is_late(visitor, ONE, tell)
    rename(visitor, "Old", "New")
    with visitor.page.expect_response(ONE):
        give()
    expect(visitor.conversations.get_by_role("link")).to_have_text(["New"])


def test_the_next_user_sees_and_gets_nothing_of_the_one_before(page: Page) -> None:
    def enter(email: str) -> None:
        page.get_by_role("button", name="Create account").click()
        fill_in(page, "Create account", email, PASSWORD)
        expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()

    def leave() -> None:
        page.get_by_role("button", name="Account and settings").click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()

    page.goto("/")
    enter("alice@example.com")
    page.get_by_role("button", name="Show todos").click()
    field = page.get_by_role("textbox", name="Add a todo")
    held: list[Route] = []
    page.route(
        TODO_LIST, lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    for title in ("hers", "hers, too"):
        field.fill(title)
        field.press("Enter")
    while not held:
        page.wait_for_timeout(10)
    leave()
    enter("bob@example.com")
    with page.expect_event("requestfinished", lambda request: request == held[0].request):
        held[0].continue_()
    for _ in range(5):
        page.evaluate("new Promise(requestAnimationFrame)")
    assert len(held) == 1, "what she still had to say was sent for him"
    page.reload()
    page.get_by_role("button", name="Show todos").click()
    expect(page.get_by_text("Nothing to do.")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
