"""What a user of a frontend with `useChat` meets when something is in the way."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from ai_sdk.frontend import Frontend, agree, texts
from app.assistants.base import ModelBusy
from app.models.events import ToolCall
from assistants_for_tests import Echo, Scripted
from support import Service

Serve = Callable[..., AbstractContextManager[Service]]

WHOLE = ["One?", "Patience ... here it is."]


@pytest.fixture
def assistant() -> Scripted:
    return Scripted("Patience ... ", "here it is.", waits=True)


@pytest.fixture
def waiting(serve_with: Serve, assistant: Scripted) -> Iterator[Service]:
    with serve_with(assistant) as service:
        yield service


def test_the_button_that_only_leaves_does_not_stop_the_reply(
    frontend: Frontend, waiting: Service, assistant: Scripted
) -> None:
    played = frontend.play("leave", waiting.user("a@example.com"), waiting, go=assistant.go)
    assert texts(played["page"]["messages"]) == ["One?", "Patience ... "]
    assert played["page"]["finished"][0]["isAbort"] is True
    assert texts(played["history"]) == WHOLE
    assert played["history"][1]["metadata"]["status"] == "complete"


def test_stop_keeps_what_was_shown(frontend: Frontend, waiting: Service) -> None:
    played = frontend.play("stop", waiting.user("a@example.com"), waiting)
    page = played["page"]
    assert texts(page["messages"]) == ["One?", "Patience ... "]
    assert (page["status"], page["messages"][1]["metadata"]["status"]) == ("ready", "stopped")
    assert str(played["stopped"]["reply"]["id"]) == page["messages"][1]["id"]
    agree(page["messages"], played["history"])


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_cut_connection_is_resumed_from_the_beginning(
    frontend: Frontend, waiting: Service, assistant: Scripted, serve_with: Serve, elsewhere: bool
) -> None:
    user = waiting.user("a@example.com")
    with serve_with(Scripted("Not me")) as other:
        services = (waiting, other) if elsewhere else (waiting,)
        played = frontend.play("resume", user, *services, go=assistant.go)
    assert played["cut"]["status"] == "error"
    assert texts(played["cut"]["messages"]) == ["One?", "Patience ... "]
    assert texts(played["page"]["messages"]) == WHOLE
    assert (played["page"]["status"], played["page"]["errors"]) == ("ready", [])
    assert played["page"]["messages"][1]["id"] == played["cut"]["messages"][1]["id"]
    agree(played["page"]["messages"], played["history"])
    assert len(assistant.prompts) == 1


def test_there_may_be_nothing_to_resume(frontend: Frontend, echoing: Service) -> None:
    user = echoing.user("a@example.com")
    played = frontend.play("nothing_to_resume", user, echoing)
    fresh, page = played["fresh"], played["page"]
    assert (fresh["status"], fresh["errors"], fresh["messages"]) == ("ready", [], [])
    assert (page["status"], page["errors"]) == ("ready", [])
    agree(page["messages"], played["history"])
    assert len(user.get("/api/conversations").json()["items"]) == 1
    missing = user.get("/api/chat/999999999/stream")
    assert (missing.status_code, missing.json()["code"]) == (404, "conversation_not_found")


def test_a_fault_keeps_what_was_said(frontend: Frontend, serve_with: Serve) -> None:
    with serve_with(Scripted("Half an ans", fault=ModelBusy())) as service:
        played = frontend.play("fault", service.user("a@example.com"), service)
    page = played["page"]
    assert (page["status"], page["error"]) == ("error", {"code": "model_busy"})
    assert page["finished"][0]["isError"] is True
    assert texts(page["messages"]) == ["One?", "Half an ans"]
    agree(page["messages"], played["history"])
    metadata = played["history"][1]["metadata"]
    assert (metadata["status"], metadata["finish_reason"]) == ("failed", "model_busy")


def test_a_fault_without_a_word_leaves_messages_that_can_be_loaded(
    frontend: Frontend, serve_with: Serve
) -> None:
    with serve_with(Scripted(fault=ModelBusy())) as service:
        played = frontend.play("fault", service.user("a@example.com"), service)
    assert texts(played["history"]) == ["One?", ""]
    assert played["page"]["error"] == {"code": "model_busy"}


def test_a_tool_that_never_answered_has_failed(frontend: Frontend, serve_with: Serve) -> None:
    with serve_with(Scripted("So: ", ToolCall("a", "wait", {"days": 3}), fault=ModelBusy())) as service:
        played = frontend.play("fault", service.user("a@example.com"), service)
    tool = played["history"][1]["parts"][1]
    assert (tool["state"], tool["errorText"]) == ("output-error", "model_busy")
    agree(played["page"]["messages"], played["history"])


def test_a_second_tab_is_told_and_reads_along(
    frontend: Frontend, waiting: Service, assistant: Scripted
) -> None:
    played = frontend.play("second_tab", waiting.user("a@example.com"), waiting, go=assistant.go)
    refused = played["refused"]
    assert refused["status"] == "error"
    assert (refused["error"]["status"], refused["error"]["code"]) == (409, "turn_in_progress")
    assert str(refused["error"]["reply_id"]) == played["history"][1]["id"]
    for page in (played["page"], played["tab"]):
        assert (page["status"], texts(page["messages"])) == ("ready", WHOLE)
        agree(page["messages"], played["history"])
    assert len(assistant.prompts) == 1


def test_what_cannot_be_asked_is_refused_and_leaves_nothing(
    frontend: Frontend, echoing: Service, echo: Echo
) -> None:
    user = echoing.user("a@example.com")
    played = frontend.play("refused", user, echoing)
    assert [problem["status"] for problem in played["said"]] == [422] * 3
    assert [problem["code"] for problem in played["said"]] == [
        "validation_failed",
        "validation_failed",
        "message_unreadable",
    ]
    assert [problem["errors"][0]["code"] for problem in played["said"][:2]] == ["text_blank", "text_nul"]
    assert echo.prompts == []
    assert user.get("/api/conversations").json()["items"] == []


def test_the_same_request_again_asks_nobody(frontend: Frontend, echoing: Service, echo: Echo) -> None:
    played = frontend.play("the_same_request_again", echoing.user("a@example.com"), echoing)
    assert texts(played["page"]["messages"]) == ["One?", "1. One?"]
    agree(played["page"]["messages"], played["history"])
    assert len(echo.prompts) == 1


def test_retry_answers_the_question_that_was_lost(frontend: Frontend, echoing: Service, echo: Echo) -> None:
    played = frontend.play("retry_after_a_lost_request", echoing.user("a@example.com"), echoing)
    first = ["One?", "1. One?"]
    assert [step["status"] for step in played["steps"]] == ["error"] * 3
    assert [texts(step["messages"]) for step in played["steps"]] == [
        first,
        [*first, "Two?", "2. Two?"],
        [*first, "Two!", "3. Two!"],
    ]
    for step in played["steps"]:
        agree(step["messages"], step["history"])
    assert len(echo.prompts) == 3


def test_ids_may_be_any_text(frontend: Frontend, waiting: Service, assistant: Scripted) -> None:
    user = waiting.user("a@example.com")
    played = frontend.play("odd_ids", user, waiting, go=assistant.go)
    assert user.get("/api/conversations").json()["items"][0]["client_id"] == played["id"]
    assert texts(played["tab"]["messages"]) == ["One?", "Patience ... "]
    assert played["stopped"]["reply"]["status"] == "stopped"
    assert texts(played["page"]["messages"]) == WHOLE
    assert played["page"]["messages"][0]["id"].startswith(played["id"])
    agree(played["page"]["messages"], played["history"])
