"""What the route of the AI SDK takes and refuses, and the addresses of replies."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support import User

Json = dict[str, Any]


def message(text: object = "help", **changes: object) -> Json:
    return {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": text}], **changes}


def sent(user: User, chat: Json) -> httpx.Response:
    """Sends it with escapes, in which a JSON text may hold half of a surrogate pair."""
    headers = {"Content-Type": "application/json"}
    return user.client.post("/api/chat", content=json.dumps({"id": "c-1", **chat}), headers=headers)


@pytest.mark.parametrize("chat", [{"message": message()}, {"messages": [message("Hello"), message()]}])
def test_both_shapes_of_a_request_are_answered_and_what_else_is_in_it_is_left_alone(
    chat: Json, alice: User
) -> None:
    answer = alice.post("/api/chat", {"id": "c-1", "theme": {"dark": True}, **chat})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    asked = alice.get("/api/chat/c-1/history").json()["items"][0]
    assert (asked["content"], asked["client_id"]) == ("help", "m-1")


@pytest.mark.parametrize(
    ("chat", "code"),
    [
        ({"message": message("a\0b")}, "text_nul"),
        ({"message": message("a\ud800")}, "text_surrogate"),
        ({"message": message("x" * 1_048_577)}, "text_too_long"),
        ({"message": message(" \n")}, "text_blank"),
        ({"message": message(id="a\0")}, "text_nul"),
        ({"message": message(id="x" * 257)}, "text_too_long"),
        ({"message": message(role="tool")}, "literal_error"),
        ({"message": message(parts="help")}, "list_type"),
        ({"messages": ["help"]}, "model_attributes_type"),
        ({"message": message(), "messageId": ""}, "text_blank"),
        ({"message": message(), "trigger": "say"}, "literal_error"),
        ({"message": message(), "id": 1}, "string_type"),
        ({"message": message(), "id": "\udfff"}, "text_surrogate"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_stored(chat: Json, code: str, alice: User) -> None:
    answer = sent(alice, chat)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]
    assert alice.get("/api/conversations").json()["items"] == []


@pytest.mark.parametrize(
    "chat",
    [
        {},
        {"messages": []},
        {"message": message(role="assistant")},
        {"message": message(5)},
        {"message": message(parts=[{"type": "file", "url": "data:,x"}, {"type": "text", "text": "See"}])},
        {"message": message(parts=[{"\ud800": 1}])},
        {"messages": [message(), message(role="system")]},
    ],
)
def test_what_is_no_text_of_the_user_is_unreadable(chat: Json, alice: User) -> None:
    answer = sent(alice, chat)
    assert (answer.status_code, answer.json()["code"]) == (422, "message_unreadable")
    assert alice.get("/api/conversations").json()["items"] == []


def test_a_thousand_faults_are_told_as_one(alice: User) -> None:
    for chat in ({"messages": [0] * 1_000}, {"message": message(parts=[0] * 1_000)}):
        answer = sent(alice, chat)
        assert answer.status_code == 422
        assert len(answer.content) < 1_000


def test_a_request_that_nests_too_deep_is_refused(alice: User) -> None:
    deep: object = "x"
    for _ in range(40):
        deep = [deep]
    answer = alice.post("/api/chat", {"id": "c-1", "message": message(), "theme": deep})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("chat_id", ["007", "0", "+1", "9223372036854775808", "1.0", "c/1", "٣"])
def test_an_id_that_is_not_written_as_ours_is_the_clients_own(chat_id: str, alice: User) -> None:
    assert alice.post("/api/chat", {"id": chat_id, "message": message()}).status_code == 200
    (made,) = alice.get("/api/conversations").json()["items"]
    assert made["client_id"] == chat_id
    assert len(alice.get(f"/api/chat/{quote(chat_id, safe='')}/history").json()["items"]) == 2


def test_an_id_of_ours_must_be_there(alice: User, bob: User) -> None:
    session = str(alice.conversation())
    assert alice.post("/api/chat", {"id": session, "message": message()}).status_code == 200
    for user, chat_id in ((bob, session), (alice, "9223372036854775807")):
        refused = user.post("/api/chat", {"id": chat_id, "message": message()})
        assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_found")


@pytest.mark.parametrize("reply_id", ["0", "-1", "01", "+1", "1.0", "٣", "9223372036854775808", "x"])
def test_a_reply_has_one_address(reply_id: str, alice: User, bob: User) -> None:
    session = alice.conversation()
    reply = alice.post(f"/api/chat/{session}/message", {"message": "help"}).json()["reply"]
    path = f"/api/chat/{session}/replies"
    assert alice.get(f"{path}/{reply['id']}/versions").json() == {"items": [reply]}
    refused = alice.get(f"{path}/{reply_id}/versions")
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    for user, place, code in (
        (alice, f"{path}/9223372036854775807", "message_not_found"),
        (alice, f"{path}/{reply['id'] - 1}", "message_not_found"),
        (alice, f"/api/chat/9223372036854775807/replies/{reply['id']}", "conversation_not_found"),
        (bob, f"{path}/{reply['id']}", "conversation_not_found"),
    ):
        refused = user.get(f"{place}/versions")
        assert (refused.status_code, refused.json()["code"]) == (404, code)
