"""Answers that come when the user has done something else meanwhile, and in another order."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Route, expect

from web.stage import Stage
from web.test_tabs import looked_at
from web.visitor import Visitor

ONE = re.compile(r"/api/conversations/\d+$")
LIST = re.compile(r"/api/conversations\?")
HISTORY = re.compile(r"/api/chat/\d+/history")
TODOS = re.compile(r"/api/todos$")


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
    give = one_is_late(visitor, TODOS, visitor.button("Show todos").click)
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
    give = one_is_late(visitor, HISTORY, lambda: looked_at(visitor))
    stage.plays("Second.")
    visitor.send("Two")
    expect(visitor.reply).to_have_text("Second.")
    expect(visitor.button("Send")).to_be_visible()
    with visitor.page.expect_response(HISTORY):
        give()
    expect(visitor.messages).to_have_count(4)
    expect(visitor.reply).to_have_text("Second.")
