"""What goes wrong is said in a sentence, can be tried again, and costs nobody what they wrote."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from web.stage import Gate, Stage
from web.visitor import Visitor

STREAM = {"Content-Type": "text/event-stream"}
STREAMED = {"Accept": "text/event-stream"}


def once(
    visitor: Visitor, what: Callable[[Route], None], path: str | re.Pattern[str] = "**/api/chat"
) -> None:
    """Answers the next request of the path in place of the server."""
    visitor.page.route(path, what, times=1)


def problem(status: int, code: str, **headers: str) -> Callable[[Route], None]:
    body = json.dumps({"code": code, "status": status})
    return lambda route: route.fulfill(
        status=status,
        body=body,
        headers={
            "Content-Type": "application/problem+json",
            "Access-Control-Expose-Headers": "Retry-After",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


@pytest.mark.allow_errors("500", "ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION")
@pytest.mark.parametrize("fault", ["500", "no network", "cut before the start"])
def test_a_question_that_was_not_sent_can_be_sent_again(visitor: Visitor, stage: Stage, fault: str) -> None:
    sentence = {
        "500": "Something went wrong on the server.",
        "no network": "Could not reach the server.",
        "cut before the start": "The connection was lost before the reply was complete.",
    }[fault]
    answers: dict[str, Callable[[Route], None]] = {
        "500": problem(500, "internal_error"),
        "no network": lambda route: route.abort(),
        "cut before the start": lambda route: route.fulfill(headers=STREAM, body=""),
    }
    stage.plays("Here I am.")
    once(visitor, answers[fault])
    visitor.open()
    visitor.send("Are you there?")
    expect(visitor.alert).to_contain_text(sentence)
    expect(visitor.page.get_by_text("Are you there?")).to_be_visible()
    visitor.button("Try again").click()
    expect(visitor.reply).to_have_text("Here I am.")
    expect(visitor.alert).to_have_count(0)
    expect(visitor.messages).to_have_count(2)
    assert stage.asked == ["Are you there?"]


@pytest.mark.allow_errors("ERR_FAILED")
def test_a_question_that_was_not_sent_can_be_taken_back_and_survives_a_reload(
    visitor: Visitor, stage: Stage
) -> None:
    stage.plays("Yes.")
    once(visitor, lambda route: route.abort())
    visitor.open()
    visitor.send("Are you ther?")
    expect(visitor.alert).to_be_visible()
    visitor.page.reload()
    expect(visitor.box).to_have_value("Are you ther?")
    once(visitor, lambda route: route.abort())
    visitor.box.press("Enter")
    visitor.button("Edit").click()
    expect(visitor.box).to_have_value("Are you ther?")
    expect(visitor.messages).to_have_count(0)
    visitor.send("Are you there?")
    expect(visitor.reply).to_have_text("Yes.")
    visitor.page.reload()
    expect(visitor.reply).to_have_text("Yes.")
    expect(visitor.box).to_have_value("")


@pytest.mark.allow_errors("ERR_FAILED")
def test_a_question_whose_answer_was_lost_is_not_stored_twice(visitor: Visitor, stage: Stage) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    stage.plays("Once.")
    once(visitor, lose)
    visitor.open()
    visitor.send("How often?")
    expect(visitor.alert).to_contain_text("Could not reach the server.")
    visitor.button("Try again").click()
    expect(visitor.reply).to_have_text("Once.")
    visitor.page.reload()
    expect(visitor.messages).to_have_count(2)
    assert stage.asked == ["How often?"]


@pytest.mark.allow_errors("ERR_FAILED")
@pytest.mark.parametrize("writing", [False, True], ids=["complete", "still written"])
def test_another_reply_whose_request_was_lost_is_not_written_twice(
    visitor: Visitor, stage: Stage, writing: bool
) -> None:
    gate = Gate()
    stage.plays("The first answer.")
    stage.plays("The second", gate, " answer.")
    stage.plays("A third answer, which nobody asked for.")
    if not writing:
        gate.open()
    visitor.open()
    visitor.send("Which one?")
    expect(visitor.button("Write another reply")).to_be_visible()
    conversation = visitor.conversation_here()

    def lose(route: Route) -> None:
        where = f"/api/chat/{conversation}/regenerate"
        key = {"Idempotency-Key": route.request.headers["idempotency-key"]}
        with visitor.user.client.stream("POST", where, headers={**STREAMED, **key}) as answer:
            next(answer.iter_lines()) if writing else answer.read()
        route.abort()

    once(visitor, lose, "**/regenerate")
    visitor.button("Write another reply").click()
    expect(visitor.alert).to_contain_text("Could not reach the server.")
    expect(visitor.reply).to_have_text("The first answer.")
    expect(visitor.button("Edit")).to_have_count(0)
    visitor.button("Try again").click()
    expect(visitor.reply).to_contain_text("The second")
    gate.open()
    expect(visitor.reply).to_have_text("The second answer.")
    expect(visitor.page.get_by_text("2/2")).to_be_visible()
    expect(visitor.alert).to_have_count(0)
    assert stage.asked == ["Which one?"] * 2


@pytest.mark.allow_errors("ERR_FAILED")
def test_another_reply_whose_request_did_not_arrive_is_written_after_all(
    visitor: Visitor, stage: Stage
) -> None:
    stage.plays("The first answer.")
    stage.plays("The second answer.")
    visitor.open()
    visitor.send("Which one?")
    once(visitor, lambda route: route.abort(), "**/regenerate")
    visitor.button("Write another reply").click()
    visitor.button("Try again").click()
    expect(visitor.reply).to_have_text("The second answer.")
    expect(visitor.page.get_by_text("2/2")).to_be_visible()
    assert stage.asked == ["Which one?"] * 2


def test_a_reply_that_fails_can_be_written_again(visitor: Visitor, stage: Stage) -> None:
    stage.plays("Half of ", RuntimeError("planted"))
    stage.plays("The whole.")
    visitor.open()
    visitor.send("Tell me")
    for _ in range(2):
        expect(visitor.alert).to_contain_text("The assistant could not finish this reply.")
        expect(visitor.reply).to_have_text("Half of")
        visitor.page.reload()
    visitor.button("Try again").click()
    expect(visitor.reply).to_have_text("The whole.")
    expect(visitor.alert).to_have_count(0)


@pytest.mark.allow_errors("ERR_", "Failed to load")
def test_a_stream_that_is_cut_is_taken_up_again(visitor: Visitor, stage: Stage) -> None:
    gate = Gate()
    stage.plays("It begins ", gate, "and ends.")

    def cut(route: Route) -> None:
        """Sends the question, and shows the page the first event of the reply only."""
        route.fulfill(headers=STREAM, body=f"{begun(route)}\n\n")

    def begun(route: Route) -> str:
        asked = json.loads(route.request.post_data or "")
        with visitor.user.client.stream("POST", "/api/chat", json=asked, headers=STREAMED) as answer:
            return next(answer.iter_lines())

    seen = False

    def refuse(route: Route) -> None:
        if seen:
            route.continue_()
        else:
            route.abort()

    visitor.page.route("**/api/chat/*/stream", refuse)
    once(visitor, cut)
    visitor.open()
    visitor.send("Tell me")
    expect(visitor.alert).to_contain_text(re.compile("The connection was lost|Could not reach the server"))
    seen = True
    visitor.page.evaluate("document.querySelector('.failure button')?.click()")  # unless it is tried just now
    expect(visitor.reply).to_have_text("It begins")
    expect(visitor.alert).to_have_count(0)
    gate.open()
    expect(visitor.reply).to_have_text("It begins and ends.")
    expect(visitor.messages).to_have_count(2)
    assert stage.asked == ["Tell me"]


@pytest.mark.allow_errors("503", "429")
@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (503, "overloaded", "The assistant has a lot to do"),
        (429, "too_many_turns", "Too many replies of yours"),
    ],
)
def test_a_busy_service_is_tried_again_by_itself(
    visitor: Visitor, stage: Stage, status: int, code: str, sentence: str
) -> None:
    stage.plays("Now I have time.")
    once(visitor, problem(status, code, Retry_After="600"))
    visitor.page.clock.install()  # ten minutes of its own
    visitor.open()
    expect(
        visitor.page.get_by_text("Your conversations will be here.")
    ).to_be_visible()  # or it took too long
    visitor.send("Hello?")
    expect(visitor.alert).to_contain_text(sentence)
    expect(visitor.alert).to_contain_text("Trying again in")
    visitor.page.clock.fast_forward(600_000)
    expect(visitor.reply).to_have_text("Now I have time.")
    expect(visitor.alert).to_have_count(0)


@pytest.mark.allow_errors("409")
def test_while_a_reply_is_written_elsewhere_it_is_shown_and_the_text_waits(
    visitor: Visitor, stage: Stage
) -> None:
    gate = Gate()
    conversation = visitor.user.conversation(title="Busy")
    visitor.open(conversation)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Busy")
    stage.plays("Somebody else's ", gate, "answer.")
    body = {"message": "From the phone"}
    with visitor.user.client.stream(
        "POST", f"/api/chat/{conversation}/message", json=body, headers={"Accept": "text/event-stream"}
    ) as answer:
        next(answer.iter_lines())
        visitor.send("Mine")
        expect(visitor.page.get_by_text("Your message waits in the box.")).to_be_visible()
        expect(visitor.reply).to_have_text("Somebody else's")
        expect(visitor.box).to_have_value("Mine")
        gate.open()
    expect(visitor.reply).to_have_text("Somebody else's answer.")
    expect(visitor.messages).to_have_count(2)
    expect(visitor.button("Write another reply")).to_be_visible()  # it has ended for this page too
    stage.plays("Yours.")
    visitor.box.press("Enter")
    expect(visitor.reply).to_have_text("Yours.")


@pytest.mark.allow_errors("404")
def test_a_conversation_that_was_deleted_meanwhile_gives_the_text_back(
    visitor: Visitor, stage: Stage
) -> None:
    conversation = visitor.user.conversation(title="Short-lived")
    visitor.open(conversation)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Short-lived")
    assert visitor.user.delete(f"/api/conversations/{conversation}").status_code == 204
    visitor.send("Still here?")
    expect(visitor.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    visitor.page.get_by_role("link", name="Start a new chat").click()
    expect(visitor.box).to_have_value("Still here?")
    assert stage.asked == []


@pytest.mark.allow_errors("ERR_INTERNET_DISCONNECTED")
def test_without_a_network_a_banner_says_so_and_the_draft_is_kept(visitor: Visitor, stage: Stage) -> None:
    conversation = visitor.user.conversation(title="Here")
    visitor.open(conversation)
    expect(visitor.link("Here")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    visitor.box.fill("Later")
    visitor.page.context.set_offline(True)
    expect(visitor.page.get_by_text("You are offline.")).to_be_visible()
    visitor.box.press("Enter")
    expect(visitor.alert).to_contain_text("Could not reach the server.")
    visitor.user.say(conversation, "said on the phone")
    stage.plays("There you are.")
    visitor.page.context.set_offline(False)
    expect(visitor.page.get_by_text("You are offline.")).to_have_count(0)
    expect(visitor.reply).to_have_text("There you are.")
    assert stage.asked == ["Later"]


@pytest.mark.allow_errors("ERR_INTERNET_DISCONNECTED")
def test_back_online_the_open_conversation_is_looked_at_again(visitor: Visitor) -> None:
    conversation = visitor.user.conversation(title="Here")
    visitor.user.say(conversation, "said before")
    visitor.open(conversation)
    expect(visitor.page.get_by_text("said before")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.context.set_offline(True)
    expect(visitor.page.get_by_text("You are offline.")).to_be_visible()
    visitor.user.say(conversation, "said on the phone")
    visitor.page.context.set_offline(False)
    expect(visitor.page.get_by_text("said on the phone")).to_be_visible()


@pytest.mark.allow_errors("503")
def test_a_page_that_could_not_be_loaded_can_be_loaded_again(visitor: Visitor) -> None:
    conversation = visitor.user.conversation(title="Here")
    visitor.user.say(conversation, "said before")
    once(visitor, problem(503, "database_unavailable"), "**/history*")
    once(visitor, problem(503, "database_unavailable"), "**/api/conversations?*")
    visitor.open(conversation)
    main = visitor.page.get_by_role("main")
    expect(main.get_by_text("The service is busy.")).to_be_visible()
    main.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_text("said before")).to_be_visible()
    visitor.conversations.get_by_role("button", name="Try again").click()
    expect(visitor.link("Here")).to_be_visible()
