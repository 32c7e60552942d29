"""The account's dialog: another password, the way out of every device, everything as a file, and the end."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, Route, expect

from api.test_external_issuer import ISSUER, token
from database_for_tests import locked, terminate, waiting_for_locks
from privacy.rows import fill
from support import Postgres, Service, until
from web.stage import Gate, Stage
from web.test_accounts import EMAIL, HOST, PASSWORD, fill_in, host, register
from web.test_failing import problem
from web.visitor import Visitor

__all__ = ["host"]  # a fixture

Serve = Callable[..., AbstractContextManager[Service]]
NewPage = Callable[..., Page]

NEW = "staple correct horse"
EXPORT = "**/api/auth/me/export"
UNKNOWN = (
    "You are signed out. No answer came to the deletion of your account:"
    " sign in to see whether it is still there."
)
NO_ACCOUNT = "The e-mail address or the password is wrong."


def opened(page: Page) -> Locator:
    """The dialog, with all that it learns from the service."""
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Account", exact=True).click()
    dialog = page.get_by_role("dialog", name="Account", exact=True)
    expect(dialog.get_by_text("Account since")).to_be_visible()
    return dialog


def press(dialog: Locator, name: str) -> None:
    dialog.get_by_role("button", name=name, exact=True).click()


def change(dialog: Locator, current: str = PASSWORD, new: str = NEW) -> None:
    dialog.get_by_label("Current password").fill(current)
    dialog.get_by_label("New password").fill(new)
    press(dialog, "Set new password")


def signs_in(page: Page, password: str, says: str | None = None) -> None:
    """Whether the account of these tests can be entered with a password, from an empty page."""
    page.goto("/")
    fill_in(page, "Sign in", password=password)
    if says is None:
        expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    else:
        expect(page.get_by_role("alert")).to_have_text(says)


def sign_out_everywhere(elsewhere: Page) -> None:
    """From an empty page."""
    signs_in(elsewhere, PASSWORD)
    press(opened(elsewhere), "Sign out everywhere")
    press(elsewhere.get_by_role("dialog"), "Sign out now")
    expect(elsewhere.get_by_text("You are signed out on every device.")).to_be_visible()


def test_it_says_who_is_signed_in_and_gives_the_focus_back(page: Page) -> None:
    register(page)
    opener = page.get_by_role("button", name="Account and settings")
    opener.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    expect(page.get_by_role("menuitem", name="Account", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Account", exact=True)
    expect(dialog.get_by_text(EMAIL)).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    inside = "e => e.contains(document.activeElement) || document.activeElement === document.body"
    for _ in range(12):  # more than there are places
        page.keyboard.press("Tab")
        assert dialog.evaluate(inside)
    for button, first in (("Change password", "Current password"), ("Delete account", "Password")):
        dialog.get_by_role("button", name=button, exact=True).press("Enter")
        expect(dialog.get_by_label(first, exact=True)).to_be_focused()
        dialog.get_by_role("button", name="Cancel").press("Enter")
        expect(dialog.get_by_role("button", name=button, exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


@pytest.mark.allow_errors("ERR_INTERNET_DISCONNECTED", "net::ERR")
def test_without_a_network_it_says_so_and_opens_when_there_is_one(page: Page) -> None:
    register(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Account", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Could not reach the server.")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.context.set_offline(False)
    expect(opened(page)).to_be_visible()


@pytest.mark.allow_errors("401", "403", "422")
def test_the_password_is_changed_by_whoever_knows_the_old_one(page: Page, new_page: NewPage) -> None:
    register(page)
    elsewhere = new_page()
    signs_in(elsewhere, PASSWORD)
    dialog = opened(page)
    press(dialog, "Change password")
    change(dialog, current="not my password")
    expect(dialog.get_by_role("alert")).to_have_text("The current password is wrong.")
    change(dialog, new="😀😀😀😀")  # eight for a browser, four for people
    expect(dialog.get_by_role("alert")).to_have_text("The password is too short.")
    signs_in(new_page(), NEW, NO_ACCOUNT)
    change(dialog)
    expect(dialog.get_by_text("Your password is changed.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Change password")).to_be_focused()
    signs_in(new_page(), PASSWORD, NO_ACCOUNT)
    signs_in(new_page(), NEW)
    page.reload()
    expect(page.get_by_text("Your conversations will be here.")).to_be_visible()
    elsewhere.reload()
    expect(elsewhere.get_by_role("dialog", name="Please sign in again")).to_be_visible()


def test_a_reply_that_is_being_written_survives_another_password(page: Page, stage: Stage) -> None:
    gate = Gate()
    stage.plays("Half ", gate, "and half.")
    register(page)
    page.get_by_role("button", name="Make a list").click()
    expect(page.locator(".answer")).to_have_text("Half")
    dialog = opened(page)
    press(dialog, "Change password")
    with page.expect_response("**/stream") as taken_up:
        change(dialog)
    assert taken_up.value.status == 200
    gate.open()
    expect(page.locator(".answer")).to_have_text("Half and half.")
    expect(page.locator(".failure")).to_have_count(0)
    assert len(stage.asked) == 1


@pytest.mark.allow_errors("401", "503")
def test_signing_out_everywhere_ends_here_and_there(page: Page, new_page: NewPage) -> None:
    register(page)
    page.get_by_role("textbox", name="Message", exact=True).fill("a secret draft")
    elsewhere = new_page()
    signs_in(elsewhere, PASSWORD)
    dialog = opened(page)
    press(dialog, "Sign out everywhere")
    page.route("**/api/auth/sign-out", problem(503, "database_unavailable", Retry_After="1"), times=1)
    press(dialog, "Sign out now")
    expect(dialog.get_by_role("alert")).to_have_text("The service is busy. Try again in 1 s.")
    expect(dialog.get_by_role("button", name="Sign out now")).to_be_focused()
    elsewhere.reload()
    expect(elsewhere.get_by_text("Your conversations will be here.")).to_be_visible()
    press(dialog, "Sign out now")
    expect(page.get_by_text("You are signed out on every device.")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    expect(page.get_by_label("E-mail address")).to_have_accessible_description(
        "You are signed out on every device."
    )
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")
    elsewhere.reload()
    expect(elsewhere.get_by_role("dialog", name="Please sign in again")).to_be_visible()
    fill_in(page, "Sign in")
    expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    expect(page.get_by_text("You are signed out on every device.")).to_have_count(0)


def test_everything_is_downloaded_as_the_service_tells_it(visitor: Visitor) -> None:
    fill(visitor.service.postgres, visitor.user, conversations=12, messages=100, size=4_096)
    visitor.user.post("/api/todos", {"title": "Milk 🥛"})
    visitor.open()
    dialog = opened(visitor.page)
    with visitor.page.expect_download() as started:
        press(dialog, "Download everything")
    expect(
        dialog.get_by_text("The file is complete. Conversations: 12, messages: 1200, todos: 1.")
    ).to_be_visible()
    expect(dialog.get_by_role("button", name="Download everything")).to_be_focused()
    told = visitor.user.get("/api/auth/me/export").content
    saved = started.value.path().read_bytes()
    assert saved.split(b"\n")[1:] == told.split(b"\n")[1:]  # the first line says when
    assert started.value.suggested_filename.startswith("chat-history-")
    assert started.value.suggested_filename.endswith(".jsonl")


def shortened(text: str, how: str) -> str:
    """An export as it arrives when something breaks on the way."""
    lines = text.splitlines(keepends=True)
    return {
        "without its end": "".join(lines[:-1]),
        "in the middle of its end": text[:-2],
        "without one of its lines": "".join(lines[:2] + lines[3:]),
        "of no line at all": "",
        "whole": text,
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "without its end",
        "in the middle of its end",
        "without one of its lines",
        "of no line at all",
        "whole",
    ],
)
def test_a_file_is_saved_only_if_it_is_whole(visitor: Visitor, how: str) -> None:
    visitor.user.say(visitor.user.conversation(title="Here"), "Said")
    files: list[Download] = []

    def keep(file: Download) -> None:
        files.append(file)

    def shorten(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=shortened(answer.text(), how))

    visitor.page.on("download", keep)
    visitor.page.route(EXPORT, shorten)
    visitor.open()
    dialog = opened(visitor.page)
    if how == "whole":
        with visitor.page.expect_download():
            press(dialog, "Download everything")
        expect(dialog.get_by_text("The file is complete.")).to_be_visible()
    else:
        press(dialog, "Download everything")
        expect(dialog.get_by_role("alert")).to_have_text(
            "The connection was lost before everything was there. No file was saved."
        )
    expect(dialog.get_by_role("button", name="Download everything")).to_be_focused()
    visitor.open()  # what was started before it is known by now
    assert len(files) == (how == "whole")


@pytest.mark.allow_errors("ERR_INCOMPLETE_CHUNKED_ENCODING", "503")
def test_a_connection_that_breaks_leaves_no_file_and_it_can_be_tried_again(visitor: Visitor) -> None:
    visitor.user.say(visitor.user.conversation(title="Here"), "Said")
    visitor.open()
    dialog = opened(visitor.page)
    visitor.page.route(EXPORT, problem(503, "database_busy", Retry_After="2"), times=1)
    press(dialog, "Download everything")
    expect(dialog.get_by_role("alert")).to_have_text("The service is busy. Try again in 2 s.")
    with locked(visitor.service.postgres, "message"):
        press(dialog, "Download everything")
        until(lambda: waiting_for_locks(visitor.service.postgres) > 0)
        terminate(visitor.service.postgres)
        expect(dialog.get_by_role("alert")).to_contain_text("No file was saved.")
    with visitor.page.expect_download():
        press(dialog, "Download everything")
    expect(dialog.get_by_role("alert")).to_have_count(0)


def test_a_download_can_be_left(visitor: Visitor) -> None:
    visitor.user.say(visitor.user.conversation(title="Here"), "Said")
    visitor.open()
    dialog = opened(visitor.page)
    with locked(visitor.service.postgres, "message"):
        for leave in ("Cancel", "Close"):
            with visitor.page.expect_event("requestfailed") as ended:
                press(dialog, "Download everything")
                expect(dialog.get_by_role("progressbar", name="Collecting everything")).to_be_visible()
                expect(dialog.get_by_text(" MB")).to_be_visible()
                press(dialog, leave)
            assert ended.value.failure == "net::ERR_ABORTED"
            expect(dialog.get_by_role("alert")).to_have_count(0)
    expect(dialog).to_have_count(0)


@pytest.mark.allow_errors("401", "403")
def test_an_account_is_deleted_by_whoever_knows_its_password(
    page: Page, new_page: NewPage, postgres: Postgres, stage: Stage
) -> None:
    gate = Gate()
    stage.plays("An answer ", gate, "that nobody waits for.")
    register(page)
    page.get_by_role("textbox", name="Message", exact=True).fill("Remember me")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_text("An answer")
    other_tab = page.context.new_page()
    other_tab.goto("/")
    expect(other_tab.get_by_role("link", name="Remember me")).to_be_visible()
    dialog = opened(page)
    press(dialog, "Delete account")
    expect(dialog.get_by_text("This cannot be undone")).to_be_visible()
    field = dialog.get_by_label("Password", exact=True)
    field.fill("not my password")
    press(dialog, "Delete for good")
    expect(dialog.get_by_role("alert")).to_have_text("That is not right. Nothing was deleted.")
    signs_in(new_page(), PASSWORD)
    field.fill(PASSWORD)
    press(dialog, "Delete for good")
    expect(page.get_by_text("Your account is deleted, and everything that was in it.")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    expect(page.get_by_text("Remember me")).to_have_count(0)
    expect(other_tab.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert postgres.rows('SELECT * FROM "user"') == postgres.rows("SELECT * FROM message") == []
    signs_in(new_page(), PASSWORD, NO_ACCOUNT)
    page.reload()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    expect(page.get_by_text("Your account is deleted")).to_have_count(0)


def unanswered(page: Page, path: str, then: Callable[[], None] = lambda: None) -> None:
    """The service does what the next request asks for, and the connection is cut before the answer."""

    def cut(route: Route) -> None:
        assert route.fetch().ok
        then()
        route.abort("connectionreset")

    page.route(path, cut, times=1)


@pytest.mark.allow_errors("401", "ERR_CONNECTION_RESET", "ERR_INTERNET_DISCONNECTED")
@pytest.mark.parametrize("then", ["one can look", "one tries again", "one waits for the network"])
def test_an_account_is_deleted_also_if_the_answer_is_lost(page: Page, postgres: Postgres, then: str) -> None:
    def lose() -> None:
        if then == "one tries again":
            page.route("**/api/auth/me", lambda route: route.abort("connectionreset"), times=1)
        page.context.set_offline(then == "one waits for the network")

    register(page)
    dialog = opened(page)
    press(dialog, "Delete account")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    unanswered(page, "**/api/auth/me", lose)
    press(dialog, "Delete for good")
    if then != "one can look":
        expect(dialog.get_by_role("alert")).to_have_text("Could not reach the server.")
    if then == "one tries again":
        press(dialog, "Delete for good")
    page.context.set_offline(False)
    expect(page.get_by_text(UNKNOWN)).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert postgres.rows('SELECT * FROM "user"') == []


@pytest.mark.allow_errors("401", "ERR_CONNECTION_RESET")
def test_a_session_that_ends_otherwise_is_not_said_to_be_an_account_that_is_deleted(
    page: Page, new_page: NewPage
) -> None:
    register(page)
    dialog = opened(page)
    press(dialog, "Delete account")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    # Neither the deletion nor the look whether the account is still there arrives.
    page.route("**/api/auth/me", lambda route: route.abort("connectionreset"), times=2)
    press(dialog, "Delete for good")
    expect(dialog.get_by_role("alert")).to_have_text("Could not reach the server.")
    sign_out_everywhere(new_page())
    press(dialog, "Delete for good")
    expect(page.get_by_text(UNKNOWN)).to_be_visible()
    expect(page.get_by_text("Your account is deleted")).to_have_count(0)
    signs_in(new_page(), PASSWORD)


@pytest.mark.allow_errors("401", "403", "ERR_CONNECTION_RESET")
def test_an_account_that_is_still_there_is_not_said_to_be_deleted(page: Page, new_page: NewPage) -> None:
    register(page)
    dialog = opened(page)
    press(dialog, "Delete account")
    field = dialog.get_by_label("Password", exact=True)
    field.fill(PASSWORD)
    page.route("**/api/auth/me", lambda route: route.abort("connectionreset"), times=1)
    press(dialog, "Delete for good")
    expect(dialog.get_by_role("alert")).to_have_text("Could not reach the server.")
    field.fill("not my password")
    press(dialog, "Delete for good")
    expect(dialog.get_by_role("alert")).to_have_text("That is not right. Nothing was deleted.")
    sign_out_everywhere(new_page())
    field.fill(PASSWORD)
    press(dialog, "Delete for good")
    expect(page.get_by_role("dialog", name="Please sign in again")).to_be_visible()
    expect(page.get_by_text("Your account is deleted")).to_have_count(0)


@pytest.mark.allow_errors("401", "ERR_CONNECTION_RESET")
def test_what_was_refused_is_forgotten_when_one_has_signed_in_again(page: Page) -> None:
    register(page)
    dialog = opened(page)
    press(dialog, "Change password")
    unanswered(page, "**/api/auth/password")
    change(dialog)
    expect(dialog.get_by_role("alert")).to_have_text("Could not reach the server.")
    press(dialog, "Set new password")
    again = page.get_by_role("dialog", name="Please sign in again")
    expect(dialog.get_by_role("alert")).to_have_text("Please sign in again.")
    again.get_by_label("Password", exact=True).fill(NEW)
    press(again, "Sign in")
    expect(again).to_have_count(0)
    expect(dialog.get_by_label("Current password")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_have_count(0)


@pytest.mark.allow_errors("403")
def test_a_user_of_an_issuer_has_no_password_here_and_confirms_with_their_name(
    new_page: NewPage, serve_with: Serve, origins: list[str]
) -> None:
    with serve_with(**ISSUER) as service, closing(new_page()) as page:
        origins.append(service.url)
        page.goto(service.url)
        page.evaluate("given => { document.querySelector('chat-bot').token = async () => given }", token())
        dialog = opened(page)
        expect(dialog.get_by_text("auth0|alice", exact=True)).to_be_visible()
        for absent in ("Change password", "Sign out everywhere"):
            expect(dialog.get_by_role("button", name=absent)).to_have_count(0)
        with page.expect_download():
            press(dialog, "Download everything")
        press(dialog, "Delete account")
        field = dialog.get_by_label("To confirm, type auth0|alice")
        field.fill("auth0|bob")
        press(dialog, "Delete for good")
        expect(dialog.get_by_role("alert")).to_have_text("That is not right. Nothing was deleted.")
        assert service.postgres.value('SELECT count(*) FROM "user"') == 1
        field.fill("auth0|alice")
        press(dialog, "Delete for good")
        expect(page.get_by_text("Your account is deleted, and everything that was in it.")).to_be_visible()
        expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()
        assert service.postgres.value('SELECT count(*) FROM "user"') == 0


@pytest.mark.allow_errors("favicon.ico", "404")
@pytest.mark.parametrize("handed", [True, False], ids=["with its token", "without one"])
def test_in_another_site_it_is_there_for_whoever_signed_in_here(
    new_page: NewPage, serve_with: Serve, origins: list[str], host: tuple[Path, str], handed: bool
) -> None:
    folder, address = host
    issuer = ISSUER if handed else {}
    with serve_with(cors_origins=(address,), **issuer) as service, closing(new_page()) as page:
        origins += [address, service.url]
        body = HOST.format(service=service.url, tokens=json.dumps([token()]))
        (folder / "index.html").write_text(body if handed else body.replace("bot.token", "bot.nothing"))
        page.goto(address)
        if not handed:
            page.get_by_role("button", name="Create account").click()
            fill_in(page, "Create account")
        page.get_by_role("button", name="Account and settings").click()
        expect(page.get_by_role("menuitem", name="Keyboard shortcuts")).to_be_visible()
        expect(page.get_by_role("menuitem", name="Account", exact=True)).to_have_count(0 if handed else 1)
        if not handed:
            page.keyboard.press("Escape")
            with page.expect_download():
                press(opened(page), "Download everything")
