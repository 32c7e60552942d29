"""The pages in a real browser: they run under their policy, and what it forbids does not happen unnoticed."""

import pytest
from playwright.sync_api import Page, expect

PLANTED = {
    "fetch('https://evil.example/').catch(() => 0)": "evil.example",
    "document.body.append(Object.assign(document.createElement('img'), {src: 'https://evil.example/'}))": (
        "evil.example"
    ),
    "document.body.innerHTML = '<b>text</b>'": "TrustedHTML",
    "document.body.setAttribute('onclick', 'eval(1)')": "TrustedScript",
    "setTimeout(() => { throw new Error('planted') })": "planted",
    "console.error('planted')": "planted",
}


def test_the_chat_runs_under_its_policy(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading").first).to_be_visible()


def test_the_documentation_runs_under_its_policy(page: Page) -> None:
    page.goto("/docs")
    expect(page.get_by_role("heading", name="chat-history")).to_be_visible()
    page.locator("[id$=send_message] .opblock-summary").first.click()
    expect(page.get_by_text("client_id").first).to_be_visible()


@pytest.mark.parametrize("script", PLANTED)
def test_what_a_page_must_not_do_fails_its_test(page: Page, problems: list[str], script: str) -> None:
    page.goto("/")
    expect(page.get_by_role("heading").first).to_be_visible()
    assert problems == []
    page.evaluate(f"() => {{ try {{ {script} }} catch (error) {{ reportError(error) }} }}")
    while not any(PLANTED[script] in problem for problem in problems):
        page.wait_for_timeout(10)  # in which the browser may tell what happened
    problems.clear()
