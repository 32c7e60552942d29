"""Tools that the assistant uses, as cards; and the todos beside the conversation, which follow them."""

from playwright.sync_api import expect

from app.models.events import ToolCall, ToolResult
from web.stage import Gate, Stage
from web.visitor import Visitor


def test_a_tool_is_a_card_that_says_what_it_does_and_how_it_went(visitor: Visitor, stage: Stage) -> None:
    gate = Gate()
    stage.plays(
        "Let me look.",
        ToolCall("call-1", "add_todo", {"title": "buy <b>milk</b>"}),
        gate,
        ToolResult("call-1", {"id": 1, "title": "buy <b>milk</b>"}),
        ToolCall("call-2", "look_up_weather", {"place": "Ålesund"}),
        ToolResult("call-2", error="There is no weather."),
        ToolCall("call-3", "update_todo", {"id": 1, "completed": True}),
        ToolResult("call-3", {"id": 1, "title": "buy <b>milk</b>"}),
        "Done.",
    )
    visitor.open()
    visitor.send("Do it")
    first = visitor.page.locator("details").first
    expect(first.locator("summary")).to_contain_text("Added “buy <b>milk</b>”")
    expect(first).to_contain_text("at work")
    gate.open()
    expect(first).to_contain_text("done")
    second = visitor.page.locator("details").nth(1)
    for _ in range(2):
        expect(second.locator("summary")).to_contain_text("Used look up weather")
        expect(second).to_contain_text("did not work")
        expect(visitor.page.locator("summary").last).to_contain_text("Completed “buy <b>milk</b>”")
        expect(visitor.reply).to_contain_text("Let me look.")
        expect(visitor.reply).to_contain_text("Done.")
        visitor.page.reload()
    expect(second.get_by_text("There is no weather.")).to_be_hidden()
    second.locator("summary").press("Enter")
    expect(second.get_by_text("There is no weather.")).to_be_visible()
    expect(second.get_by_text("Ålesund")).to_be_visible()


def test_a_tool_of_a_stopped_reply_did_not_work(visitor: Visitor, stage: Stage) -> None:
    stage.plays(ToolCall("call-1", "list_todos", {}), Gate())
    visitor.open()
    visitor.send("Look")
    expect(visitor.page.locator("summary")).to_contain_text("Looked at the todos")
    visitor.button("Stop the reply").click()
    for _ in range(2):
        expect(visitor.page.locator("summary")).to_contain_text("did not work")
        expect(visitor.page.get_by_text("You stopped this reply.")).to_be_visible()
        visitor.page.reload()


def test_the_todos_follow_the_assistant(visitor: Visitor) -> None:
    visitor.open()
    visitor.button("Show todos").click()
    panel = visitor.page.get_by_role("complementary", name="Todos")
    expect(panel.get_by_text("Nothing to do.")).to_be_visible()
    visitor.send("add buy milk\nadd call Anna")
    expect(panel.get_by_role("checkbox", name="buy milk")).not_to_be_checked()
    expect(panel.get_by_text("2 open")).to_be_visible()
    visitor.send("done 1")
    expect(panel.get_by_role("checkbox", name="buy milk")).to_be_checked()
    expect(panel.get_by_role("heading", name="Done")).to_be_visible()
    visitor.send("delete 2")
    expect(panel.get_by_role("checkbox")).to_have_count(1)


def test_the_user_changes_the_same_todos(visitor: Visitor) -> None:
    visitor.open()
    visitor.button("Show todos").click()
    panel = visitor.page.get_by_role("complementary", name="Todos")
    field = panel.get_by_role("textbox", name="Add a todo")
    for title in ("buy milk", "<b>call</b> Anna"):
        field.fill(title)
        field.press("Enter")
        expect(panel.get_by_role("checkbox", name=title)).to_be_visible()
        expect(field).to_be_focused()
    panel.get_by_role("checkbox", name="buy milk").click()
    expect(panel.get_by_role("heading", name="Done")).to_be_visible()
    items = {one["title"]: one["completed"] for one in visitor.user.get("/api/todos").json()["items"]}
    assert items == {"buy milk": True, "<b>call</b> Anna": False}
    panel.get_by_role("checkbox", name="buy milk").click()
    expect(panel.get_by_role("heading", name="Done")).to_have_count(0)
    panel.get_by_role("listitem").filter(has_text="buy milk").hover()
    panel.get_by_role("button", name="Delete buy milk").click()
    expect(panel.get_by_role("checkbox")).to_have_count(1)
    visitor.send("what is left?")
    expect(visitor.reply).to_contain_text("call")
    panel.get_by_role("button", name="Hide todos").click()
    expect(panel).to_have_count(0)
    expect(visitor.button("Show todos")).to_be_focused()


def test_without_the_panel_nothing_asks_for_todos(visitor: Visitor) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open()
    for title in ("buy milk", "call Anna", "water the plants"):
        visitor.send(f"add {title}")
        expect(visitor.reply).to_contain_text(title)
        expect(visitor.button("Write another reply")).to_be_visible()
    assert not [url for url in asked if "/api/todos" in url]


def test_another_reply_adds_no_second_todo(visitor: Visitor) -> None:
    visitor.open()
    visitor.send("add buy milk")
    expect(visitor.reply).to_contain_text("Added:")
    visitor.page.locator(".messages > li").last.hover()
    visitor.button("Write another reply").click()
    expect(visitor.reply).to_contain_text("I answered this before, so I changed nothing now.")
    expect(visitor.reply).to_contain_text("buy milk")
    assert [todo["title"] for todo in visitor.user.get("/api/todos").json()["items"]] == ["buy milk"]
