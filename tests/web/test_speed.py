"""It is fast: little to load, little to ask, and no stutter while a reply streams."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, expect

from support import until
from web.stage import Gate, Pause, Stage
from web.test_text import EVERYTHING
from web.visitor import Visitor, fill

Record = Callable[[str, object], None]

MOST_BYTES_OF_A_FIRST_LOAD = 120_000
TOKENS_A_SECOND = 100

LOOP = """() => {
  let sum = 0
  for (let step = 0; step < 28_000_000; step++) sum = (sum + step * 7) % 1000003
  performance.mark('looped')
  return sum
}"""
"""Work for a tenth of a second on the processor that the tests were written on."""

SAY_WHEN_IT_ENDS = """() => new MutationObserver((_, observer) => {
  if (!document.querySelector('.message:last-child .actions')) return
  performance.mark('ended')
  observer.disconnect()
}).observe(document.querySelector('.messages'), {subtree: true, childList: true})"""

RUNNING = "SELECT count(*) FROM message WHERE status = 'streaming'"
TRACED = ["toplevel", "blink.user_timing", "devtools.timeline"]


@dataclass(frozen=True)
class Task:
    """What the main thread of a page did in one go, in milliseconds."""

    begun: float
    wall: float
    processor: float
    """What it had of a processor: without the time that it waited for one."""


def tasks(trace: bytes) -> tuple[list[Task], list[Task]]:
    """Those of the page until the loop was over, and from there to the end of the reply."""
    events = json.loads(trace)["traceEvents"]
    looped, ended = (next(one for one in events if one["name"] == mark) for mark in ("looped", "ended"))
    found = [
        Task(one["ts"], one["dur"] / 1000, one["tdur"] / 1000)
        for one in events
        if one["name"].endswith("RunTask")
        and "tdur" in one  # not those in which the trace begins or ends
        and (one["pid"], one["tid"]) == (looped["pid"], looped["tid"])
    ]
    return (
        [task for task in found if task.begun < looped["ts"]],
        [task for task in found if looped["ts"] <= task.begun <= ended["ts"]],
    )


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
    visitor: Visitor, stage: Stage, browser: Browser, record_property: Record
) -> None:
    """At the end of a long reply, whose blocks must not be drawn again for each token.

    How long a task takes depends on what else the machine does. So what counts is the processor's time, and
    it is compared with that of a loop in the same page. Nobody asks the page anything meanwhile: looking for
    something in it is a task, too.
    """
    text = EVERYTHING * 4
    tokens = [text[start : start + 8] for start in range(0, len(text), 8)]
    conversation = visitor.user.conversation(title="Long")
    fill(visitor.service.postgres, visitor.user, conversation, 100)
    gate = Gate()
    long = EVERYTHING.partition("Explained")[0] * 60
    stage.plays(long, gate, *[line for token in tokens for line in (Pause(1 / TOKENS_A_SECOND), token)])
    visitor.open(conversation)
    visitor.send("Go")
    expect(visitor.reply.locator(".code")).to_have_count(120)
    expect(visitor.reply.locator(".hljs-keyword").first).to_be_visible()
    browser.start_tracing(page=visitor.page, categories=TRACED)
    visitor.page.evaluate(SAY_WHEN_IT_ENDS)
    visitor.page.evaluate(LOOP)
    gate.open()
    until(lambda: visitor.service.postgres.value(RUNNING) == 0)
    expect(visitor.button("Write another reply")).to_be_visible()
    before, streamed = tasks(browser.stop_tracing())
    loop = max(task.processor for task in before)
    longest = max(task.processor for task in streamed)
    each = sum(task.processor for task in streamed) / len(tokens)
    record_property("longest task in milliseconds of the processor", round(longest))
    record_property("milliseconds of the processor for a token", round(each, 1))
    record_property("milliseconds of the processor for the loop", round(loop))
    print(
        f"{len(tokens)} tokens, {len(streamed)} tasks, {each:.1f} ms a token, the longest {longest:.0f} ms"
        f" ({max(task.wall for task in streamed):.0f} ms by the clock), the loop {loop:.0f} ms"
    )
    assert visitor.reply.locator(".code").count() == 128
    assert longest < loop


def test_an_idle_page_asks_nothing(visitor: Visitor) -> None:
    visitor.user.conversation(title="Here")
    with visitor.page.expect_response("**/api/chat/live"):
        visitor.open()
    expect(visitor.link("Here")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.clock.install()
    visitor.page.clock.run_for(600_000)
    assert asked == []
