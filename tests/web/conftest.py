"""A real browser, whose pages may have no error and ask no other host.

Made with Playwright's synchronous interface and Debian's Chromium. Its event loop runs as long as the
browser does: a test in this folder cannot use `asyncio.run`. It is gone before the tests of other folders.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from app.main import create_app
from support import Postgres, Service, User, served, settings
from web.stage import Stage
from web.visitor import Visitor, signed_in

ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MILLISECONDS = 60_000
"""Until what is expected counts as not coming, on a busy machine too."""

NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def running_service(postgres: Postgres) -> Iterator[Service]:
    """One server for all pages, whose assistant says what a test tells it to."""
    stage = Stage()
    with served(create_app(settings(postgres), stage), postgres) as service:
        service.app.state.stage = stage
        yield service


@pytest.fixture
def stage(service: Service) -> Iterator[Stage]:
    stage: Stage = service.app.state.stage
    stage.clear()
    yield stage
    stage.clear()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=False, args=ARGUMENTS, timeout=2 * PATIENCE_MILLISECONDS
        )
        yield browser
        browser.close()


@pytest.fixture
def origins(service: Service) -> list[str]:
    """The only origins that pages of the test may ask. A test may add one."""
    return [service.url]


@pytest.fixture
def problems(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What went wrong on the pages of the test so far. Whatever is left at its end fails it.

    `@pytest.mark.allow_errors("a part of it")` names what may be left.
    """
    found: list[str] = []
    yield found
    marker = request.node.get_closest_marker("allow_errors")
    allowed = marker.args if marker else ()
    assert [problem for problem in found if not any(part in problem for part in allowed)] == []


@pytest.fixture
def new_page(
    browser: Browser, service: Service, origins: list[str], problems: list[str]
) -> Iterator[NewPage]:
    """Opens an empty page of another visitor, with nothing stored: `new_page(viewport=..., locale=...)`.

    The test fails if a page has an error, or asks another origin.
    """
    contexts: list[BrowserContext] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def asked(one: Request) -> None:
        if not one.url.startswith((*origins, "data:", "blob:")):
            problems.append(f"asked: {one.url}")

    def open_page(**options: Any) -> Page:
        context = browser.new_context(base_url=service.url, **options)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", said)
        page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
        page.on("request", asked)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """An empty page of a new visitor."""
    return new_page()


@pytest.fixture
def new_visitor(new_page: NewPage, service: Service, stage: Stage) -> Callable[..., Visitor]:
    """A signed-in user in a browser of their own: `new_visitor(email=..., viewport=...)`."""

    def visit(email: str = "alice@example.com", user: User | None = None, **options: Any) -> Visitor:
        user = user or service.user(email)
        page = new_page(**options)
        signed_in(page.context, user, email)
        return Visitor(page, user, service)

    return visit


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    """Alice."""
    return new_visitor()
