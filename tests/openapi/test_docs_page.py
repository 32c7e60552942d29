"""The interactive documentation: whole without the internet, and it really signs in and sends."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

from support import Service

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP chat.example 127.0.0.1",
]
ACCOUNT = {"email": "alice@example.com", "password": "correct horse battery"}


class Assets(HTMLParser):
    """What a page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # its name is HTMLParser's
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_page_loads_from_its_own_origin_alone(service: Service) -> None:
    client = service.client()
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assets = Assets(page.text).found
    assert len(assets) >= 3
    for asset in [*assets, "/openapi.json"]:
        assert re.fullmatch(r"/[a-z][a-z0-9/.-]+", asset), asset
        assert client.get(asset).status_code == 200, asset
    assert "://" not in page.text
    print(f"{len(assets)} assets, 0 of another origin")


@contextmanager
def opened(service: Service) -> Iterator[tuple[Page, list[str]]]:
    """The page in a real browser, as on a real host name, and the addresses that it asked for."""
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=120_000)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.set_default_timeout(120_000)  # a slow machine takes long to draw it
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://chat.example:{urlsplit(service.url).port}/docs")
        yield page, asked
        browser.close()


def execute(page: Page, operation: str) -> int:
    """Presses Try it out and Execute; returns the status that the page shows."""
    block = page.locator(f"[id$={operation}]")
    block.locator(".opblock-summary").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    return int(block.locator(".live-responses-table .response-col_status").nth(1).inner_text().split()[0])


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_person_signs_in_and_sends_requests_from_the_page(service: Service, tmp_path: Path) -> None:
    assert service.client().post("/api/auth/register", json=ACCOUNT).status_code == 201
    with opened(service) as (page, asked):
        assert execute(page, "list_todos") == 401

        page.get_by_role("button", name="Authorize").first.click()
        dialog = page.locator(".dialog-ux")
        dialog.get_by_label("username").fill(ACCOUNT["email"])
        dialog.get_by_label("password").fill(ACCOUNT["password"])
        dialog.get_by_role("button", name="Apply given OAuth2 credentials").click()
        dialog.get_by_role("button", name="Remove authorization").wait_for()
        dialog.get_by_role("button", name="Close").last.click()
        for operation, status in (("get_me", 200), ("start_chat", 201)):
            assert execute(page, operation) == status
        page.screenshot(path=tmp_path / "docs.png", full_page=True)

    origins = {urlsplit(address).netloc for address in asked if not address.startswith("data:")}
    assert origins == {f"chat.example:{urlsplit(service.url).port}"}
    print(f"{len(asked)} requests, 0 to another host")
