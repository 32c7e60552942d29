"""Signing in: with an account of this service, or with a token that the page around hands over."""

import functools
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from api.test_external_issuer import ISSUER, token
from support import Service
from web.stage import Stage
from web.visitor import Visitor

Serve = Callable[..., AbstractContextManager[Service]]
NewPage = Callable[..., Page]

EMAIL, PASSWORD = "alice@example.com", "correct horse battery"
BOB = token(sub="auth0|bob")


def fill_in(page: Page, button: str, email: str = EMAIL, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("form").get_by_role("button", name=button, exact=True).first.click()


def register(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Create account").click()
    fill_in(page, "Create account")
    expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()


@pytest.mark.allow_errors("401", "409")
def test_an_account_is_made_left_and_entered_again(page: Page, new_page: NewPage, stage: Stage) -> None:
    register(page)
    page.get_by_role("button", name="Make a list").click()
    expect(page.locator(".answer")).to_contain_text("buy milk")
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    expect(page.get_by_text("buy milk")).to_have_count(0)
    page.reload()
    fill_in(page, "Sign in", password="something else")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    fill_in(page, "Sign in")
    expect(page.get_by_role("link", name="add buy milk, call Anna and water the plants")).to_be_visible()
    other = new_page()
    other.goto("/")
    other.get_by_role("button", name="Create account").click()
    fill_in(other, "Create account")
    expect(other.get_by_role("alert")).to_have_text("There is an account with this e-mail address already.")


def test_a_password_can_be_looked_at_and_must_be_long(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.get_by_role("button", name="Create account").click()
    fill_in(page, "Create account", password="short")
    field = page.get_by_label("Password", exact=True)
    assert field.evaluate("e => e.validity.tooShort")
    expect(field).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    expect(field).to_have_value("short")


@pytest.mark.allow_errors("401")
def test_when_the_session_ends_nothing_is_lost(page: Page, stage: Stage) -> None:
    register(page)
    stage.plays("Welcome back.")
    refused = {"status": 401, "body": '{"code": "not_authenticated"}'}
    page.route("**/api/chat", lambda route: route.fulfill(**refused), times=1)
    box = page.get_by_role("textbox", name="Message", exact=True)
    box.fill("Still there?")
    box.press("Enter")
    dialog = page.get_by_role("dialog", name="Please sign in again")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("E-mail address")).to_have_value(EMAIL)
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    expect(page.get_by_text("Still there?")).to_be_visible()
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".answer").last).to_have_text("Welcome back.")
    assert stage.asked == ["Still there?"]


def test_who_signs_in_after_another_finds_nothing_of_theirs(page: Page, service: Service) -> None:
    register(page)
    page.get_by_role("textbox", name="Message", exact=True).fill("a secret draft")
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_role("button", name="Create account").click()
    fill_in(page, "Create account", email="bob@example.com")
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_have_value("")
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")


def test_with_an_issuer_elsewhere_the_page_waits_for_a_token(
    new_page: NewPage, serve_with: Serve, origins: list[str]
) -> None:
    with serve_with(**ISSUER) as service, closing(new_page()) as page:
        origins.append(service.url)
        page.goto(service.url)
        expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()
        page.evaluate("given => { document.querySelector('chat-bot').token = async () => given }", token())
        expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()
        page.get_by_role("button", name="Find out what works").click()
        expect(page.locator(".answer")).to_contain_text("add")


def give(page: Page, given: str) -> None:
    """The site around says who its user is."""
    page.evaluate("given => { document.querySelector('chat-bot').token = async () => given }", given)


def message_box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


@pytest.fixture
def site(new_page: NewPage, serve_with: Serve, origins: list[str]) -> Iterator[Page]:
    """A page whose users another site names."""
    with serve_with(**ISSUER) as service, closing(new_page()) as page:
        origins.append(service.url)
        page.goto(service.url)
        yield page


def leave_something(page: Page) -> None:
    """A question that is on its way, and a text that is typed, when the page is left."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/chat", hold)
    give(page, token())
    message_box(page).fill("a secret question")
    message_box(page).press("Enter")
    while not held:
        page.wait_for_timeout(10)
    message_box(page).fill("a secret draft")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()
    page.unroute("**/api/chat")


def test_the_next_user_of_a_site_finds_nothing_of_the_one_before(site: Page) -> None:
    leave_something(site)
    give(site, BOB)
    expect(site.get_by_text("Your conversations will be here.")).to_be_visible()
    expect(message_box(site)).to_have_value("")
    assert "secret" not in site.evaluate("JSON.stringify(localStorage)")


def test_the_same_user_of_a_site_finds_what_they_left(site: Page) -> None:
    leave_something(site)
    give(site, token(iat=int(time.time()) - 1))
    expect(message_box(site)).to_have_value("a secret question\n\na secret draft")
    expect(message_box(site)).to_be_focused()


def test_what_is_typed_before_the_token_has_come_joins_what_was_there(site: Page) -> None:
    leave_something(site)
    site.evaluate(
        """() => { document.querySelector('chat-bot').token =
            () => new Promise((resolve) => { window.come = resolve }) }"""
    )
    expect(message_box(site)).to_have_value("")
    message_box(site).fill("typed early")
    site.evaluate("given => window.come(given)", token())
    expected = "a secret question\n\na secret draft\n\ntyped early"
    expect(message_box(site)).to_have_value(expected)
    site.reload()
    give(site, token())
    expect(message_box(site)).to_have_value(expected)


@pytest.mark.allow_errors("401", "404")
def test_when_the_tokens_turn_out_to_be_of_another_user_the_page_begins_anew(site: Page) -> None:
    """Alice's is refused when she sends something; the site says by now that its user is Bob."""
    give(site, token())
    site.get_by_role("button", name="Make a list").click()
    expect(site.locator(".answer")).to_contain_text("buy milk")
    expect(site.get_by_role("button", name="Send")).to_be_visible()
    site.get_by_role("button", name="Show todos").click()
    expect(site.get_by_role("checkbox", name="buy milk")).to_be_visible()
    site.get_by_role("textbox", name="Add a todo").fill("a secret todo")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.headers["authorization"])
        route.fulfill(status=401, body='{"code": "not_authenticated"}')

    site.route("**/api/chat", refuse)
    site.evaluate(
        """given => {
            const bot = document.querySelector('chat-bot');
            const before = bot.token;
            const tokens = [before(), given];
            bot.token = async () => tokens.shift() ?? given;
        }""",
        BOB,
    )
    message_box(site).fill("a secret question")
    message_box(site).press("Enter")
    expect(site.get_by_text("Your conversations will be here.")).to_be_visible()
    expect(site.get_by_text("Nothing to do.")).to_be_visible()
    expect(site.get_by_role("textbox", name="Add a todo")).to_have_value("")
    site.get_by_role("link", name="New chat").first.click()
    expect(message_box(site)).to_have_value("")
    expect(site.get_by_role("dialog")).to_have_count(0)
    assert BOB not in str(asked), "what she asked was sent as his"
    assert "secret" not in site.evaluate("JSON.stringify(localStorage)")


def test_a_provider_that_gives_way_to_another_one_is_not_heard_any_more(site: Page) -> None:
    """Its token comes when the site has said already that the user is Bob."""
    site.evaluate(
        """() => { document.querySelector('chat-bot').token =
            () => new Promise((resolve) => { window.come = resolve }) }"""
    )
    site.wait_for_function("() => Boolean(window.come)")
    used: list[str] = []
    site.on("request", lambda request: used.append(request.headers.get("authorization", "")))
    give(site, BOB)
    site.evaluate("given => window.come(given)", token())
    expect(site.get_by_text("Your conversations will be here.")).to_be_visible()
    assert {one for one in used if one} == {f"Bearer {BOB}"}


def test_the_tabs_of_two_users_of_a_site_do_not_hear_each_other(site: Page) -> None:
    give(site, token())
    expect(site.get_by_text("Your conversations will be here.")).to_be_visible()
    his, hers = (site.context.new_page() for _ in range(2))
    for page, given in ((his, BOB), (hers, token())):
        page.goto(site.url)
        give(page, given)
        page.get_by_role("button", name="Make a list").click()
        expect(page.locator(".answer")).to_contain_text("buy milk")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        page.get_by_role("navigation", name="Conversations").get_by_role("link").hover()
        page.get_by_role("button", name="Options for add buy milk").click()
        page.get_by_role("menuitem", name="Pin").click()
    conversations = site.get_by_role("navigation", name="Conversations")
    expect(conversations.get_by_role("heading", name="Pinned")).to_be_visible()
    expect(conversations.get_by_role("link")).to_have_count(1)


def test_who_signs_in_where_another_did_not_sign_out_finds_nothing_of_theirs(page: Page) -> None:
    register(page)
    message_box(page).fill("a secret draft")
    page.evaluate("localStorage.removeItem('chat-history.session')")
    page.reload()
    page.get_by_role("button", name="Create account").click()
    fill_in(page, "Create account", email="bob@example.com")
    expect(message_box(page)).to_have_value("")
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")


HOST = """<!doctype html>
<html lang="en"><head><title>A shop</title>
<style>
  p {{ color: rgb(1, 2, 3); }}
  .list, .message, .icon {{ outline: 9px solid rgb(4, 5, 6); }}
</style></head>
<body>
  <h1>A shop</h1> <p class="head">Our own words</p> <button class="button">Our own button</button>
  <chat-bot api="{service}" style="height: 600px"></chat-bot>
  <script>
    window.given = {tokens};
    window.calls = 0;
    const bot = document.querySelector('chat-bot');
    if (bot) bot.token = async () => window.given[window.calls++];
  </script>
  <script type="module" src="{service}/assets/chat-bot.js"></script>
</body></html>"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder and the address of another site."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined]  # a test has no access log
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.allow_errors("401", "favicon.ico", "404")
def test_another_site_embeds_it_with_a_script_tag_and_hands_it_tokens(
    new_page: NewPage, serve_with: Serve, origins: list[str], host: tuple[Path, str]
) -> None:
    folder, address = host
    with serve_with(cors_origins=(address,), **ISSUER) as service, closing(new_page()) as page:
        origins += [address, service.url]
        body = HOST.format(service=service.url, tokens=["a token that has expired", token()])
        (folder / "index.html").write_text(body)
        (folder / "plain.html").write_text(
            body.replace("<chat-bot", "<x-y").replace("chat-bot.js", "html.js")
        )
        looks = (
            "e => JSON.stringify([...Object.values(getComputedStyle(e))].map(n => getComputedStyle(e)[n]))"
        )
        page.goto(f"{address}/plain.html")
        own = page.locator("p.head"), page.locator("button.button").first
        before = [one.evaluate(looks) for one in own]
        page.goto(address)
        expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()
        expect(page.get_by_text("Your conversations will be here.")).to_be_visible()
        assert page.evaluate("window.calls") == 2, "one token, and another one when it was refused"
        assert [one.evaluate(looks) for one in own] == before, "our styles are in theirs"
        page.get_by_role("button", name="Make a list").click()
        expect(page.locator(".answer")).to_contain_text("buy milk")
        assert page.evaluate("window.calls") == 2
        expect(page).to_have_title("A shop")
        expect(page.locator("use").first).to_be_attached()
        page.wait_for_function(
            "document.querySelector('.icon').getBBox().width > 0"
        )  # they come by themselves
        page.reload()
        expect(page.locator(".answer")).to_contain_text("buy milk")


@pytest.mark.allow_errors("401")
def test_a_page_whose_tokens_are_all_refused_says_so_and_asks_again(
    new_page: NewPage, serve_with: Serve, origins: list[str]
) -> None:
    with serve_with(**ISSUER) as service, closing(new_page()) as page:
        origins.append(service.url)
        page.goto(service.url)
        page.evaluate("() => { document.querySelector('chat-bot').token = async () => 'wrong' }")
        dialog = page.get_by_role("dialog", name="Please sign in again")
        expect(dialog).to_be_visible()
        page.evaluate("given => { document.querySelector('chat-bot').token = async () => given }", token())
        expect(dialog).to_have_count(0)
        expect(page.get_by_text("Your conversations will be here.")).to_be_visible()


def test_the_element_can_be_taken_away_and_put_back(visitor: Visitor) -> None:
    visitor.user.conversation(title="Here")
    visitor.open()
    expect(visitor.link("Here")).to_be_visible()
    visitor.page.evaluate("() => { window.bot = document.querySelector('chat-bot'); window.bot.remove() }")
    expect(visitor.link("Here")).to_have_count(0)
    visitor.page.evaluate("() => document.body.append(window.bot)")
    expect(visitor.link("Here")).to_be_visible()
