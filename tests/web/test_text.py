"""What the assistant says as Markdown: whole, coloured, safe."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from web.stage import Gate, Stage
from web.visitor import Visitor

EVERYTHING = """\
# A heading

A **bold** word, `inline code` and a [link](https://example.com/).

| Left | Right |
|------|------:|
| one  | 1     |

1. first
   - nested
   - [x] done
2. second

   ```js
   const nested = true
   ```

> A quote

```python
def answer(question: str) -> int:
    return 42
```

Explained [later][1].

[1]: https://example.com/later
"""

EXPLAINED = "\n\n[later]: https://example.com/later\n[more\\!]: https://example.com/more\n"

ATTACKS = [
    "<img src=x onerror=\"window.__xss = 'img'\">",
    "<script>window.__xss = 'script'</script>",
    "<svg onload=\"window.__xss = 'svg'\"></svg>",
    "<details open ontoggle=\"window.__xss = 'details'\">x</details>",
    "<IMG SRC=x OnErRoR=\"window.__xss = 'mixed'\">",
    "<ScRiPt>window.__xss = 'mixed'</sCrIpT>",
    '<iframe srcdoc="<script>parent.__xss = 1</script>"></iframe>',
    "[click](javascript:window.__xss='link')",
    "[click](JaVaScRiPt:window.__xss='link')",
    "[click](data:text/html,<script>window.__xss=1</script>)",
    "[click](vbscript:x)",
    "<a href=\"javascript:window.__xss='a'\">click</a>",
    "![picture](https://evil.example/pixel.png)",
    '[x](https://example.com/ "\\" onmouseover=\\"window.__xss=1")',
    "```html\n<img src=x onerror=\"window.__xss = 'code'\">\n```",
    '```"><img/src/onerror=window.__xss=1>\ncode\n```',
    "`<img src=x onerror=\"window.__xss = 'inline'\">`",
    "| <img src=x onerror=\"window.__xss = 'cell'\"> |\n|---|\n| <svg onload=\"window.__xss = 'cell'\"> |",
    "<form action=//evil.example><input name=x><button>send</button></form>",
    '<div style="position:fixed;inset:0" class="sidebar">over everything</div>',
    "<math><mtext><mglyph><style><img src=x onerror=window.__xss=1></style></mglyph></mtext></math>",
]


def test_markdown_is_shown_as_it_is_meant(visitor: Visitor, stage: Stage) -> None:
    stage.plays(EVERYTHING)
    visitor.open()
    visitor.send("Everything")
    reply = visitor.reply
    expect(reply.get_by_role("heading", name="A heading")).to_be_visible()
    expect(reply.locator("strong")).to_have_text("bold")
    expect(reply.locator("p code")).to_have_text("inline code")
    expect(reply.get_by_role("cell", name="one")).to_be_visible()
    expect(reply.locator("ol > li").first).to_contain_text("first")
    expect(reply.locator("ol ul > li")).to_have_text(["nested", "☑ done"])
    for text, dot in (("nested", "disc"), ("☑ done", "none")):
        expect(reply.locator("ol ul > li").filter(has_text=text)).to_have_css("list-style-type", dot)
    expect(reply.locator("blockquote")).to_have_text("A quote")
    expect(reply.get_by_role("link", name="link")).to_have_attribute("target", "_blank")
    expect(reply.get_by_role("link", name="link")).to_have_attribute("rel", "noopener noreferrer")
    expect(reply.get_by_role("link", name="later")).to_have_attribute("href", "https://example.com/later")
    expect(reply.locator(".code-head span")).to_have_text(["js", "python"])
    expect(reply.locator(".hljs-keyword").first).to_be_visible()
    expect(reply.locator("pre").last).to_have_text("def answer(question: str) -> int:\n    return 42")


def test_a_number_stays_on_one_line_in_a_narrow_table(
    new_visitor: Callable[..., Visitor], stage: Stage
) -> None:
    visitor = new_visitor(viewport={"width": 390, "height": 844})
    stage.plays(
        "| Approach | Page 1 | Page 1,000 | Remarks |\n|---|---:|---:|---|\n"
        "| offset | 1 ms | 480 ms | slow, because it walks through everything before it |"
    )
    visitor.open()
    visitor.send("Compare")
    number = visitor.reply.get_by_role("cell", name="480 ms")
    lines = number.evaluate(
        "e => { const range = document.createRange(); range.selectNodeContents(e);"
        " return new Set(Array.from(range.getClientRects(), box => box.top)).size }"
    )
    assert lines == 1


def test_html_is_shown_line_by_line(visitor: Visitor, stage: Stage) -> None:
    stage.plays("<details>\n<summary>More</summary>\n</details>\n\nAnd <b>inline</b>.")
    visitor.open()
    visitor.send("Show me")
    expect(visitor.reply.locator("p").last).to_have_text("And <b>inline</b>.")
    assert visitor.reply.locator("p").first.inner_text().split("\n") == [
        "<details>",
        "<summary>More</summary>",
        "</details>",
    ]


def test_code_is_copied_without_its_colours(visitor: Visitor, stage: Stage) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stage.plays("```python\nprint('<&>')\n```")
    visitor.open()
    visitor.send("Code")
    expect(visitor.reply.locator(".hljs-string")).to_be_visible()
    visitor.reply.get_by_role("button", name="Copy").click()
    expect(visitor.page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == "print('<&>')"


def test_the_highlighter_comes_with_the_first_code_and_not_before(visitor: Visitor, stage: Stage) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    stage.plays("Only words.")
    stage.plays("```js\nlet x = 1\n```")
    visitor.open()
    visitor.send("Words")
    expect(visitor.reply).to_have_text("Only words.")
    assert not [url for url in asked if "highlight.min" in url]
    visitor.send("Code")
    expect(visitor.reply.locator(".hljs-keyword")).to_be_visible()
    assert len([url for url in asked if "highlight.min" in url]) == 1


def test_a_growing_reply_is_drawn_like_a_whole_one(visitor: Visitor, stage: Stage) -> None:
    """However the text is cut into pieces, also within a mark of Markdown."""
    pieces = [EVERYTHING[start : start + 7] for start in range(0, len(EVERYTHING), 7)]
    gate = Gate()
    stage.plays(*pieces[:20], gate, *pieces[20:])
    visitor.open()
    visitor.send("Everything")
    expect(visitor.reply.get_by_role("heading", name="A heading")).to_be_visible()
    gate.open()
    expect(visitor.button("Write another reply")).to_be_visible()
    coloured = [block.locator(".hljs-keyword").first for block in visitor.reply.locator("pre").all()]
    assert len(coloured) == 2
    for block in coloured:
        expect(block).to_be_visible()
    grown = visitor.reply.inner_html()
    visitor.page.reload()
    for block in coloured:
        expect(block).to_be_visible()
    assert visitor.reply.inner_html() == grown


def test_text_that_is_finished_is_left_alone_while_more_comes(visitor: Visitor, stage: Stage) -> None:
    gate = Gate()
    stage.plays("The first paragraph.\n\n", "The second", gate, " paragraph.\n\nThe third.")
    visitor.open()
    visitor.send("Tell me")
    first = visitor.page.get_by_text("The first paragraph.", exact=True)
    expect(first).to_be_visible()
    first.evaluate("e => { e.mine = true; getSelection().selectAllChildren(e) }")
    gate.open()
    expect(visitor.page.get_by_text("The third.", exact=True)).to_be_visible()
    assert first.evaluate("e => e.mine") is True
    assert visitor.page.evaluate("getSelection().toString()") == "The first paragraph."


def test_what_is_explained_at_the_end_becomes_a_link_and_nothing_else_is_drawn_again(
    visitor: Visitor, stage: Stage
) -> None:
    visitor.open()
    for turn, (end, links) in enumerate((("", 0), (EXPLAINED, 2)), start=1):
        gate = Gate()
        stage.plays(
            "Nothing [here].\n\n", "See [Later]\nand [more\\!][].\n\n", "The last", gate, f" one.{end}"
        )
        visitor.send("Tell me")
        expect(visitor.messages).to_have_count(2 * turn)
        expect(visitor.reply).to_contain_text("The last")
        first = visitor.reply.locator("p").first
        first.evaluate("e => { e.mine = true }")
        gate.open()
        expect(visitor.reply).to_contain_text("The last one.")
        expect(visitor.button("Write another reply")).to_be_visible()
        expect(visitor.reply.get_by_role("link")).to_have_count(links)
        assert first.evaluate("e => e.mine") is True


@pytest.mark.parametrize("place", ["reply", "question", "title"])
def test_nothing_that_is_said_is_run(visitor: Visitor, stage: Stage, place: str) -> None:
    said = "\n\n".join(ATTACKS)
    if place == "reply":
        stage.plays(*[f"{attack}\n\n" for attack in ATTACKS], "The end.")
        visitor.open()
        visitor.send("Attack me")
        expect(visitor.reply).to_contain_text("The end.")
    elif place == "question":
        stage.plays("The end.")
        visitor.open()
        visitor.send(said)
        expect(visitor.reply).to_have_text("The end.")
    else:
        for attack in ATTACKS:
            visitor.user.conversation(title=attack.replace("\n", " "))
        visitor.open()
        expect(visitor.conversations.get_by_role("link")).to_have_count(len(ATTACKS))
        visitor.conversations.get_by_role("link").last.click()
        expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    for link in visitor.page.locator(".answer a").all():
        assert (link.get_attribute("href") or "https:").startswith("https:"), (
            "a link that is no page's address"
        )
    made = visitor.page.evaluate(
        """() => [...document.querySelectorAll('chat-bot *')].flatMap(e => [
          ...(['IMG', 'SCRIPT', 'IFRAME', 'STYLE', 'MATH', 'OBJECT'].includes(e.tagName) ? [e.tagName] : []),
          ...[...e.attributes].filter(a => a.name.startsWith('on') || a.name === 'style'
            && e.closest('.answer')).map(a => a.name)])"""
    )
    assert made == []
    assert visitor.page.locator(".answer form, .answer .sidebar, .answer input").count() == 0
    assert visitor.page.evaluate("window.__xss") is None


def test_text_of_the_other_direction_stands_on_its_side(visitor: Visitor, stage: Stage) -> None:
    stage.plays("שלום עולם\n\nHello world\n\n- مرحبا")
    visitor.open()
    visitor.send("مرحبا بالعالم")
    expect(visitor.reply.get_by_text("Hello world")).to_be_visible()

    def direction(text: str) -> str:
        found = visitor.page.locator(".messages").get_by_text(text, exact=True).first
        return str(found.evaluate("e => getComputedStyle(e).direction"))

    assert direction("مرحبا بالعالم") == "rtl"
    assert direction("שלום עולם") == "rtl"
    assert direction("Hello world") == "ltr"
    visitor.box.fill("مرحبا")
    assert visitor.box.evaluate("e => getComputedStyle(e).direction") == "rtl"
