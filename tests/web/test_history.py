"""What was said before: there on start, page by page, and one conversation after the other."""

import re

import pytest
from playwright.sync_api import Page, expect

from support import Service
from web.visitor import Visitor, fill


@pytest.fixture
def long(visitor: Visitor) -> int:
    """A conversation of 130 messages."""
    conversation = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, conversation, 130)
    return conversation


def positions(page: Page) -> list[float]:
    """Where the view was at each of its moves so far."""
    return [float(one) for one in page.evaluate("window.positions")]


def asked(page: Page, part: str) -> list[str]:
    """Follows which requests of the API the page makes; `part` is in their addresses."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if part in request.url else None)
    return found


def test_the_newest_page_is_there_at_once_and_the_end_is_in_view(visitor: Visitor, long: int) -> None:
    visitor.page.add_init_script(
        "window.positions = []; document.addEventListener('scroll', event =>"
        " window.positions.push(event.target.scrollTop), true)"
    )
    visitor.open(long)
    expect(visitor.page.get_by_text("reply 130")).to_be_in_viewport()
    expect(visitor.messages).to_have_count(30)
    assert visitor.distance_to_end() < 2
    assert len(set(positions(visitor.page))) <= 1, "it was scrolled there, and not there at once"


def test_two_requests_bring_the_list_and_the_newest_page(visitor: Visitor, long: int) -> None:
    found = asked(visitor.page, "/api/")
    visitor.page.add_init_script(
        "new MutationObserver(() => { if (document.querySelector('.messages li')) window.shown ??="
        " performance.getEntriesByType('resource').filter(e => e.name.includes('/api/')).length })"
        ".observe(document, {subtree: true, childList: true})"
    )
    with visitor.page.expect_request("**/api/chat/live"):
        visitor.open(long)
    expect(visitor.page.get_by_text("reply 130")).to_be_visible()
    assert visitor.page.evaluate("window.shown") <= 2
    visitor.page.wait_for_load_state("networkidle")
    kinds = [re.sub(r".*/api/([^?]*).*", r"\1", url) for url in found]
    assert sorted(kinds) == sorted(["conversations", f"chat/{long}/history", "chat/live"])


def test_a_reload_keeps_the_conversation_and_back_and_forward_move_between_them(visitor: Visitor) -> None:
    ids = [visitor.user.conversation(title=title) for title in ("First", "Second")]
    for number, conversation in enumerate(ids):
        visitor.user.say(conversation, f"said in {number}")
    visitor.open(ids[0])
    expect(visitor.page.get_by_text("said in 0")).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_text("said in 0")).to_be_visible()
    assert visitor.page.url.endswith(f"#/c/{ids[0]}")
    visitor.link("Second").click()
    expect(visitor.page.get_by_text("said in 1")).to_be_visible()
    visitor.page.go_back()
    expect(visitor.page.get_by_text("said in 0")).to_be_visible()
    visitor.page.go_forward()
    expect(visitor.page.get_by_text("said in 1")).to_be_visible()
    expect(visitor.page).to_have_title(re.compile("^Second"))


@pytest.mark.parametrize("way", ["click", "Enter"])
def test_a_past_conversation_is_chosen_in_the_list(visitor: Visitor, way: str) -> None:
    for title in ("First", "Second", "Third"):
        visitor.user.say(visitor.user.conversation(title=title), f"said in {title}")
    visitor.open()
    expect(visitor.conversations.locator("[aria-current=page]")).to_have_count(0)
    for title in ("Second", "First"):
        if way == "click":
            visitor.link(title).click()
        else:
            visitor.link(title).press("Enter")
        expect(visitor.page.get_by_text(f"said in {title}")).to_be_visible()
        expect(visitor.conversations.locator("[aria-current=page]")).to_have_text(title)
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text(title)


def test_older_messages_come_in_above_without_moving_what_is_read(visitor: Visitor, long: int) -> None:
    found = asked(visitor.page, "/history")
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    for before in (30, 60, 90, 120):
        moved = visitor.page.evaluate(
            """before => new Promise(resolve => {
              const scroller = document.querySelector('.scroller')
              const messages = () => document.querySelectorAll('.messages > li')
              const marked = messages()[0]
              let top, since
              const look = () => {
                if (messages().length > before) {
                  resolve(Math.abs(marked.getBoundingClientRect().top - top))
                  return
                }
                if (!(performance.now() - since < 500)) {  // what was drawn just then may be at the end again
                  scroller.scrollTop = 300
                  scroller.dispatchEvent(new Event('scroll'))  // which a browser without frames keeps back
                  top = marked.getBoundingClientRect().top
                  since = performance.now()
                }
                setTimeout(look, 20)
              }
              look()
            })""",
            before,
        )
        assert moved < 3
        expect(visitor.messages).to_have_count(min(before + 30, 130))
    visitor.page.locator(".scroller").evaluate("e => { e.scrollTop = 0 }")
    expect(visitor.page.get_by_text("question 1", exact=True)).to_be_in_viewport()
    texts = visitor.page.locator(".messages .bubble, .messages .answer").all_inner_texts()
    assert [int(text.split()[-1]) for text in texts] == list(range(1, 131))
    assert len(found) == 5, "a page was asked for that is not there"


def test_one_page_comes_in_for_who_goes_on_scrolling_before_it_is_drawn(visitor: Visitor, long: int) -> None:
    found = asked(visitor.page, "/history")
    visitor.page.add_init_script(
        "const real = requestAnimationFrame; window.requestAnimationFrame = draw =>"
        " real(() => window.kept ? window.kept.push(draw) : draw())"
    )
    visitor.open(long)
    expect(visitor.messages).to_have_count(30)
    held = visitor.hold(re.compile("/history"))
    scroll = "e => { e.scrollTop = 300; e.dispatchEvent(new Event('scroll')) }"
    scroller = visitor.page.locator(".scroller")
    scroller.evaluate(scroll)
    visitor.wait_for(held)
    visitor.page.evaluate("window.kept = []")
    with visitor.page.expect_event("requestfinished"):
        held.pop().continue_()
    for _ in range(20):
        scroller.evaluate(scroll)
    visitor.page.evaluate("const drawn = window.kept; window.kept = null; drawn.forEach(draw => draw())")
    expect(visitor.messages).to_have_count(60)
    assert len(found) == 2


def test_a_link_to_a_message_opens_it_and_both_directions_can_be_read(visitor: Visitor, long: int) -> None:
    rows = visitor.service.postgres.rows(
        "SELECT id FROM message WHERE conversation_id = %s AND seq = 64", long
    )
    found = asked(visitor.page, "/history")
    visitor.open(long, rows[0][0])
    target = visitor.page.get_by_text("reply 64", exact=True)
    expect(target).to_be_in_viewport()
    expect(visitor.page.locator("[data-target=true]")).to_have_text(re.compile("reply 64"))
    assert len(found) == 1
    scroller = visitor.page.locator(".scroller")
    for _ in range(10):
        before = visitor.messages.count()
        if visitor.page.get_by_text("reply 130", exact=True).count():
            break
        scroller.evaluate("e => { e.scrollTop = e.scrollHeight }")
        expect(visitor.messages).not_to_have_count(before)
    expect(visitor.page.get_by_text("reply 130", exact=True)).to_be_attached()
    for _ in range(10):
        before = visitor.messages.count()
        if visitor.page.get_by_text("question 1", exact=True).count():
            break
        scroller.evaluate("e => { e.scrollTop = 0 }")
        expect(visitor.messages).not_to_have_count(before)
    expect(visitor.messages).to_have_count(130)


def test_from_a_linked_message_one_button_leads_to_the_newest_one(visitor: Visitor, long: int) -> None:
    rows = visitor.service.postgres.rows(
        "SELECT id FROM message WHERE conversation_id = %s AND seq = 20", long
    )
    visitor.open(long, rows[0][0])
    expect(visitor.page.get_by_text("reply 20", exact=True)).to_be_in_viewport()
    visitor.button("Go to the newest message").click()
    expect(visitor.page.get_by_text("reply 130", exact=True)).to_be_in_viewport()


@pytest.mark.allow_errors("404")
def test_a_linked_message_that_is_gone_leads_to_the_newest_ones(visitor: Visitor, long: int) -> None:
    visitor.open(long, 999_999_999)
    expect(visitor.page.get_by_text("This message is not there any more.")).to_be_visible()
    expect(visitor.page.get_by_text("reply 130", exact=True)).to_be_in_viewport()


@pytest.mark.allow_errors("404", "422")
@pytest.mark.parametrize("whose", ["nobody", "somebody", "nonsense"])
def test_a_missing_or_foreign_conversation_has_a_way_back(
    visitor: Visitor, service: Service, whose: str
) -> None:
    foreign = service.user("bob@example.com").conversation(title="Secret")
    where = {"nobody": "999999999", "somebody": str(foreign), "nonsense": "%20x"}[whose]
    visitor.page.goto(f"/#/c/{where}")
    expect(visitor.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    expect(visitor.box).to_have_count(0)
    expect(visitor.page.get_by_text("Secret")).to_have_count(0)
    visitor.page.get_by_role("link", name="Start a new chat").click()
    expect(visitor.box).to_be_focused()
