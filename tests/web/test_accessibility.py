"""For everybody: no fault that axe knows, all by keyboard, said to screen readers, on phones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from npm_for_tests import npm_packages
from web.stage import Gate, Stage
from web.test_text import EVERYTHING
from web.visitor import Visitor

NewVisitor = Callable[..., Visitor]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def axe() -> str:
    return (npm_packages(Path(__file__).parent / "axe") / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds on the page as it is, each with the first place."""
    page.evaluate(axe)
    page.evaluate("Promise.all(document.getAnimations().map(one => one.finished.catch(() => {})))") if (
        page.evaluate("document.getAnimations().every(one => one.effect.getTiming().iterations !== Infinity)")
    ) else None
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


@pytest.mark.allow_errors("403")
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    new_visitor: NewVisitor, stage: Stage, axe: str, scheme: str, viewport: dict[str, int]
) -> None:
    visitor = new_visitor(
        color_scheme=scheme, viewport=viewport, has_touch=viewport is PHONE, reduced_motion="reduce"
    )
    page = visitor.page
    stage.plays(EVERYTHING)
    stage.plays(RuntimeError("planted"))
    visitor.open()
    assert violations(page, axe) == [], "the start page"
    visitor.send("Everything, please")
    expect(visitor.reply.locator(".hljs-keyword").first).to_be_visible()
    visitor.send("add buy milk")
    expect(visitor.alert).to_be_visible()
    assert violations(page, axe) == [], "a conversation with a fault"
    visitor.button("Try again").click()
    visitor.button("Show todos").click()
    expect(page.get_by_role("checkbox")).to_be_visible()
    page.locator("details summary").first.evaluate("e => e.click()")
    assert violations(page, axe) == [], "tools and todos"
    visitor.button("Hide todos").last.click()
    if viewport is PHONE:
        visitor.button("Show conversations").click()
    visitor.choose("Everything, please", "Pin")
    expect(visitor.conversations.get_by_role("heading", name="Pinned")).to_be_visible()
    visitor.button("Options for Everything, please").click()
    expect(page.get_by_role("menuitem", name="Unpin")).to_be_visible()
    assert violations(page, axe) == [], "the list and a menu"
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_role("searchbox").press("Escape")
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page, axe) == [], "the shortcuts"
    page.keyboard.press("Escape")
    visitor.set("Account")
    dialog = page.get_by_role("dialog", name="Account")
    expect(dialog.get_by_text("Account since")).to_be_visible()
    assert violations(page, axe) == [], "the account"
    dialog.get_by_role("button", name="Change password").click()
    assert violations(page, axe) == [], "another password"
    dialog.get_by_role("button", name="Delete account").click()
    dialog.get_by_label("Password", exact=True).fill("not this one")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    assert violations(page, axe) == [], "the end of the account"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_one_signs_in(new_page: Callable[..., Page], axe: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme, reduced_motion="reduce")
    page.goto("/")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert violations(page, axe) == []
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Create your account")).to_be_visible()
    assert violations(page, axe) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_is_pressed_is_at_least_24_pixels_wide_and_high(
    new_visitor: NewVisitor, stage: Stage, viewport: dict[str, int]
) -> None:
    visitor = new_visitor(viewport=viewport, has_touch=viewport is PHONE)
    stage.plays(EVERYTHING)
    visitor.open()
    visitor.send("Everything, please")
    expect(visitor.button("Write another reply")).to_be_visible()
    visitor.button("Show todos").click()
    expect(visitor.button("Hide todos").last).to_be_visible()
    small = visitor.page.evaluate(
        """() => [...document.querySelectorAll('chat-bot :is(button, input, summary, .list a, .new-chat)')]
          .filter(e => e.checkVisibility() && !e.classList.contains('skip') && e.type !== 'checkbox')
          .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
    )
    assert small == []


def test_a_conversation_is_renamed_and_deleted_by_keyboard_alone(visitor: Visitor) -> None:
    for title in ("Second", "First"):
        visitor.user.conversation(title=title)
    visitor.open()
    press = visitor.page.keyboard.press
    expect(visitor.box).to_be_focused()
    expect(visitor.link("First")).to_be_visible()
    press("Control+k")
    press("ArrowDown")
    expect(visitor.link("First")).to_be_focused()
    press("ArrowDown")
    expect(visitor.link("Second")).to_be_focused()
    press("Tab")
    expect(visitor.button("Options for Second")).to_be_focused()
    press("Enter")
    expect(visitor.page.get_by_role("menuitem", name="Pin")).to_be_focused()
    press("ArrowDown")
    expect(visitor.page.get_by_role("menuitem", name="Rename")).to_be_focused()
    press("End")
    expect(visitor.page.get_by_role("menuitem", name="Delete")).to_be_focused()
    press("ArrowDown")
    expect(visitor.page.get_by_role("menuitem", name="Pin")).to_be_focused()
    press("r")
    expect(visitor.page.get_by_role("menuitem", name="Rename")).to_be_focused()
    press("Escape")
    expect(visitor.page.get_by_role("menu")).to_have_count(0)
    expect(visitor.button("Options for Second")).to_be_focused()
    press("Enter")
    press("r")
    press("Enter")
    visitor.page.keyboard.type("By keyboard")
    press("Enter")
    expect(visitor.link("By keyboard")).to_be_focused()
    press("Tab")
    press("Enter")
    press("End")
    press("Enter")
    expect(visitor.conversations.get_by_role("link")).to_have_text(["First"])


def test_a_menu_that_was_closed_just_now_opens_again(visitor: Visitor) -> None:
    """Also before the browser has told the page that it is closed."""
    visitor.user.conversation(title="Here")
    visitor.open()
    visitor.button("Options for Here").click()
    expect(visitor.page.get_by_role("menuitem", name="Pin")).to_be_focused()
    visitor.page.evaluate(
        "() => { document.querySelector('[role=menu]').hidePopover(); document.activeElement.click() }"
    )
    expect(visitor.page.get_by_role("menuitem", name="Pin")).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("menu")).to_have_count(0)
    expect(visitor.button("Options for Here")).to_be_focused()


def test_a_question_is_asked_and_its_reply_rated_by_keyboard_alone(visitor: Visitor, stage: Stage) -> None:
    stage.plays("Gladly.")
    visitor.open()
    visitor.page.keyboard.type("Help me")
    visitor.page.keyboard.press("Enter")
    expect(visitor.button("Good reply")).to_be_visible()
    for _ in range(12):
        visitor.page.keyboard.press("Shift+Tab")
        if visitor.button("Good reply").evaluate("e => e === document.activeElement"):
            break
    visitor.page.keyboard.press("Space")
    expect(visitor.button("Good reply")).to_have_attribute("aria-pressed", "true")


def test_a_screen_reader_hears_that_a_reply_comes_and_then_all_of_it_once(
    visitor: Visitor, stage: Stage
) -> None:
    gate = Gate()
    stage.plays(
        "One ",
        "two ",
        gate,
        "**three**.\n\n- `four`\n  - [x] done\n\n| five | six |\n|---|---|\n\n```\nseven\n```",
    )
    visitor.page.add_init_script(
        "window.heard = []; addEventListener('DOMContentLoaded', () => new MutationObserver(() => {"
        " const said = document.querySelector('.page > [role=status].hidden')?.textContent;"
        " if (said && said !== window.heard.at(-1)) window.heard.push(said) })"
        ".observe(document, {subtree: true, childList: true, characterData: true}))"
    )
    visitor.open()
    visitor.send("Count")
    expect(visitor.reply).to_have_text("One two")
    gate.open()
    expect(visitor.button("Write another reply")).to_be_visible()
    said = "The assistant said: One two three. four ☑ done five six seven"
    expect(visitor.page.get_by_text(said)).to_be_attached()
    assert visitor.page.evaluate("window.heard") == ["The assistant is replying.", said]


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280])
def test_no_page_scrolls_sideways(new_visitor: NewVisitor, stage: Stage, width: int) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 700})
    stage.plays(EVERYTHING + f"\n{'unbroken' * 40}\n\n`{'code' * 80}`")
    visitor.open()

    def wide() -> bool:
        return bool(
            visitor.page.evaluate(
                "[document.documentElement, ...document.querySelectorAll('.scroller, .fresh, .list, .page')]"
                ".some(e => e.scrollWidth > e.clientWidth)"
            )
        )

    assert not wide()
    visitor.send(f"Everything {'unbroken' * 30}")
    expect(visitor.button("Write another reply")).to_be_visible()
    assert not wide()
    visitor.button("Show todos").click()
    expect(visitor.page.get_by_role("complementary", name="Todos")).to_be_visible()
    assert not wide()


def test_on_a_phone_the_list_is_a_drawer(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    visitor.user.say(visitor.user.conversation(title="There"), "said there")
    visitor.open()
    expect(visitor.conversations).to_be_hidden()
    show = visitor.button("Show conversations")
    show.click()
    expect(visitor.conversations).to_be_visible()
    assert visitor.box.evaluate("e => e.closest('[inert]') !== null"), "behind the drawer"
    visitor.page.keyboard.press("Escape")
    expect(visitor.conversations).to_be_hidden()
    show.click()
    expect(visitor.conversations).to_be_visible()
    visitor.page.mouse.click(PHONE["width"] - 10, 400)
    expect(visitor.conversations).to_be_hidden()
    show.click()
    visitor.link("There").click()
    expect(visitor.page.get_by_text("said there")).to_be_visible()
    expect(visitor.conversations).to_be_hidden()


def test_on_a_phone_enter_is_a_new_line(new_visitor: NewVisitor, stage: Stage) -> None:
    visitor = new_visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    stage.plays("Two lines.")
    visitor.open()
    visitor.box.fill("one")
    visitor.box.press("Enter")
    expect(visitor.box).to_have_value("one\n")
    visitor.button("Send").click()
    expect(visitor.reply).to_have_text("Two lines.")


def test_whoever_wants_less_motion_has_none(new_visitor: NewVisitor, stage: Stage) -> None:
    gate = Gate()
    moving = (
        "document.getAnimations().filter(one => one.effect.getComputedTiming().activeDuration > 50).length"
    )
    for motion, moves in (("reduce", False), ("no-preference", True)):
        visitor = new_visitor(email=f"{motion}@example.com", reduced_motion=motion)
        stage.plays(gate, "Now.")
        visitor.open()
        visitor.send("Wait")
        expect(visitor.page.locator(".thinking")).to_be_visible()
        assert bool(visitor.page.evaluate(moving)) is moves
    gate.open()
