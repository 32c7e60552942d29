"""It is fast: little to load, little to ask, and no stutter while a reply streams."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from web.stage import Pause, Stage
from web.test_text import EVERYTHING
from web.visitor import Visitor, fill

Record = Callable[[str, object], None]

MOST_BYTES_OF_A_FIRST_LOAD = 120_000
TOKENS_A_SECOND = 100

LONG_TASKS = """
window.tasks = []
new PerformanceObserver(list => { for (const entry of list.getEntries()) window.tasks.push(entry.duration) })
  .observe({type: 'longtask', buffered: true})
"""


def sizes(page: Page) -> list[int]:
    """Follows how many bytes come over the wire, head and body."""
    found: list[int] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: found.append(int(event["encodedDataLength"])))
    return found


def test_the_first_load_is_small(visitor: Visitor, record_property: Record) -> None:
    visitor.user.conversation(title="Here")
    found = sizes(visitor.page)
    visitor.open()
    expect(visitor.link("Here")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    record_property("bytes of the first load", sum(found))
    record_property("requests of the first load", len(found))
    print(f"{sum(found)} bytes in {len(found)} requests")
    assert sum(found) < MOST_BYTES_OF_A_FIRST_LOAD
    found.clear()
    visitor.page.reload()
    expect(visitor.link("Here")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    print(f"{sum(found)} bytes of a second load")
    assert sum(found) < MOST_BYTES_OF_A_FIRST_LOAD / 5


def test_two_requests_show_the_newest_page_of_ten_thousand_messages(
    visitor: Visitor, record_property: Record
) -> None:
    conversation = visitor.user.conversation(title="Very long")
    fill(visitor.service.postgres, visitor.user, conversation, 10_000)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    visitor.page.add_init_script(
        "new MutationObserver(() => { if (document.querySelector('.messages li')) window.shown ??="
        " [performance.now(), performance.getEntriesByType('resource')"
        ".filter(e => e.name.includes('/api/')).length] })"
        ".observe(document, {subtree: true, childList: true})"
    )
    visitor.open(conversation)
    expect(visitor.page.get_by_text("reply 10000", exact=True)).to_be_in_viewport()
    shown: list[Any] = visitor.page.evaluate("window.shown")
    record_property("milliseconds to the newest of 10,000 messages", round(shown[0]))
    print(f"shown after {shown[0]:.0f} ms and {shown[1]} requests")
    assert shown[1] <= 2
    assert len([url for url in asked if "/history" in url]) == 1


def test_a_hundred_tokens_a_second_stream_without_a_long_task(
    visitor: Visitor, stage: Stage, record_property: Record
) -> None:
    text = EVERYTHING * 6
    tokens = [text[start : start + 8] for start in range(0, len(text), 8)]
    conversation = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, conversation, 100)
    stage.plays("```js\nlet warm\n```")
    visitor.page.add_init_script(LONG_TASKS)
    visitor.open(conversation)
    visitor.send("Warm up")
    expect(visitor.reply.locator(".hljs-keyword")).to_be_visible()
    expect(visitor.button("Write another reply")).to_be_visible()
    visitor.page.evaluate("window.tasks.length = 0")
    stage.plays(*[line for token in tokens for line in (Pause(1 / TOKENS_A_SECOND), token)])
    visitor.send("Go")
    expect(visitor.button("Stop the reply")).to_be_visible()
    expect(visitor.button("Write another reply")).to_be_visible()
    tasks: list[float] = visitor.page.evaluate("window.tasks")
    longest = max(tasks, default=0)
    record_property("longest task in milliseconds", round(longest))
    print(f"{len(tokens)} tokens, {len(tasks)} tasks above 50 ms, the longest {longest:.0f} ms")
    assert visitor.reply.locator(".code").count() == 12


def test_an_idle_page_asks_nothing(visitor: Visitor) -> None:
    visitor.user.conversation(title="Here")
    visitor.open()
    expect(visitor.link("Here")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.clock.install()
    visitor.page.clock.run_for(600_000)
    assert asked == []
