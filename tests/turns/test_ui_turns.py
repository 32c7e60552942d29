"""Questions, edits and other replies as the AI SDK asks for them, and as clients do that are made by hand."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from assistants_for_tests import Echo, Scripted
from support import Service, User
from turns.reading import streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]
Json = dict[str, Any]


@pytest.fixture
def user(serve_with: Serve) -> Iterator[User]:
    """A user of an assistant that numbers its replies, with two turns behind them."""
    with serve_with(Echo()) as service:
        user = service.user("a@example.com")
        streamed(user, "/api/chat", chat("q-1", "One?"))
        streamed(user, "/api/chat", chat("q-2", "Two?"))
        yield user


def chat(client_id: str, said: str, **changes: object) -> Json:
    message = {"id": client_id, "role": "user", "parts": [{"type": "text", "text": said}]}
    return {"id": "chat-1", "message": message, "trigger": "submit-message", **changes}


def again(**changes: object) -> Json:
    return {"id": "chat-1", "trigger": "regenerate-message", **changes}


def history(user: User) -> list[Json]:
    return list(user.get("/api/chat/chat-1/history").json()["items"])


def said(user: User) -> list[str]:
    return [message["content"] for message in history(user)]


def test_a_client_may_ask_for_another_reply_without_the_question(user: User) -> None:
    first, second = history(user)[1::2]
    assert text(streamed(user, "/api/chat", again())) == "3. Two?"
    assert said(user) == ["One?", "1. One?", "Two?", "3. Two?"]
    refused = user.post("/api/chat", again(messageId=str(second["id"])))
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_answer")
    assert text(streamed(user, "/api/chat", again(messageId=str(first["id"])))) == "4. One?"
    assert said(user) == ["One?", "4. One?"]
    refused = user.post("/api/chat", again(messageId="never-there"))
    assert (refused.status_code, refused.json()["code"]) == (404, "message_not_found")


def test_another_reply_to_a_question_that_has_only_our_id_stays_a_version(user: User) -> None:
    turn = user.post("/api/chat/chat-1/message", {"message": "Three?"}).json()
    question = turn["message"]
    asked = again(message=chat(str(question["id"]), "Three?")["message"])
    assert text(streamed(user, "/api/chat", asked)) == "4. Three?"
    assert history(user)[4] == question
    path = f"/api/chat/chat-1/replies/{turn['reply']['id']}/versions"
    assert [reply["content"] for reply in user.get(path).json()["items"]] == ["3. Three?", "4. Three?"]


def test_a_tab_that_is_behind_gets_what_it_shows(user: User) -> None:
    asked = again(message=chat("q-1", "One?")["message"])
    assert text(streamed(user, "/api/chat", asked)) == "3. One?"
    assert said(user) == ["One?", "3. One?"]
    put_away = again(message=chat("q-2", "Two?")["message"])
    assert text(streamed(user, "/api/chat", put_away)) == "4. Two?"
    assert said(user) == ["One?", "3. One?", "Two?", "4. Two?"]


def test_an_edit_names_a_message_that_is_there_or_its_own(user: User) -> None:
    refused = user.post("/api/chat", chat("q-3", "Three?", messageId="never-there"))
    assert (refused.status_code, refused.json()["code"]) == (404, "message_not_found")
    assert len(history(user)) == 4
    assert text(streamed(user, "/api/chat", chat("q-3", "Three?", messageId="q-2"))) == "3. Three?"
    assert text(streamed(user, "/api/chat", chat("q-4", "Four?", messageId="q-4"))) == "4. Four?"
    assert said(user) == ["One?", "1. One?", "Three?", "3. Three?", "Four?", "4. Four?"]


def test_what_is_refused_makes_no_conversation(user: User) -> None:
    before = user.get("/api/conversations").json()
    for asked in (
        again(id="chat-2"),
        again(id="chat-2", messageId="never-there"),
        chat("q-1", "One?", id="chat-2", messageId="never-there"),
    ):
        refused = user.post("/api/chat", asked)
        assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_found")
    assert user.get("/api/conversations").json() == before


def test_a_question_that_was_lost_with_its_chat_makes_it_when_it_is_asked_again(user: User) -> None:
    question = chat("q-1", "One?")["message"]
    retry = again(id="chat-2", message=question, messageId="r-1")
    assert text(streamed(user, "/api/chat", retry)) == "3. One?"
    edit = chat("q-1", "One?", id="chat-3", messageId="q-1")
    assert text(streamed(user, "/api/chat", edit)) == "4. One?"
    assert len(user.get("/api/conversations").json()["items"]) == 3


def test_the_same_edit_again_is_a_retry(user: User) -> None:
    edit = chat("q-1", "Three?", messageId="q-1")
    first = streamed(user, "/api/chat", edit)
    streamed(user, "/api/chat", chat("q-5", "Five?"))
    retried = streamed(user, "/api/chat", edit)
    assert (retried[0], text(retried)) == (first[0], "3. Three?")
    assert said(user) == ["Three?", "3. Three?", "Five?", "4. Five?"]


def test_while_a_reply_is_written_nothing_is_put_away(serve_with: Serve) -> None:
    assistant = Scripted("Patience ... ", "here it is.", waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        with streaming(user, "/api/chat", chat("q-1", "One?")) as events:
            reply_id = int(next(events)["messageId"])
            for asked in (
                again(),
                again(message=chat("q-1", "One?")["message"]),
                again(message=chat("q-2", "Two?")["message"]),
                chat("q-1", "Two?", messageId="q-1"),
                chat("q-2", "Two?", messageId="q-2"),
            ):
                refused = user.post("/api/chat", asked)
                assert (refused.status_code, refused.json()["code"]) == (409, "turn_in_progress")
                assert refused.json()["reply_id"] == reply_id
            assistant.go()
            assert text(list(events)) == "Patience ... here it is."
    assert len(assistant.prompts) == 1
