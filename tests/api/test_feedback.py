"""What users think of replies."""

import pytest

from support import User


@pytest.fixture
def turn(alice: User) -> tuple[str, int, int]:
    """A conversation's address, and the ids of a question and its reply."""
    conversation = alice.conversation()
    turn = alice.post(f"/api/chat/{conversation}/message", {"message": "help"}).json()
    return f"/api/conversations/{conversation}", turn["message"]["id"], turn["reply"]["id"]


def rate(user: User, conversation: str, message: int, value: object) -> int:
    path = f"{conversation}/messages/{message}/feedback"
    return user.client.put(path, json={"value": value}).status_code


def test_feedback_is_kept_changed_and_taken_back(alice: User, turn: tuple[str, int, int]) -> None:
    conversation, _, reply = turn
    history = f"/api/chat/{conversation.rpartition('/')[2]}/history"
    before = alice.get(conversation).json()
    for value in (None, "up", "up", "down", None):
        assert rate(alice, conversation, reply, value) == 204
        question, answer = alice.get(f"{conversation}/messages").json()["items"]
        assert (question["feedback"], answer["feedback"]) == (None, value)
        _, shown = alice.get(history, params={"format": "ui"}).json()["items"]
        assert shown["metadata"].get("feedback", "not there") == (value or "not there")
    assert alice.get(conversation).json() == before


def test_a_version_that_was_replaced_keeps_its_own(alice: User, turn: tuple[str, int, int]) -> None:
    conversation, _, first = turn
    session = f"/api/chat/{conversation.rpartition('/')[2]}"
    assert rate(alice, conversation, first, "down") == 204
    second = alice.post(f"{session}/regenerate").json()["reply"]
    assert second["feedback"] is None
    assert rate(alice, conversation, second["id"], "up") == 204
    versions = alice.get(f"{session}/replies/{second['id']}/versions").json()["items"]
    assert [version["feedback"] for version in versions] == ["down", "up"]


def test_only_a_reply_of_ones_own_takes_it(alice: User, bob: User, turn: tuple[str, int, int]) -> None:
    conversation, question, reply = turn
    elsewhere = f"/api/conversations/{alice.conversation()}"
    assert rate(alice, conversation, question, "up") == 404
    assert rate(alice, conversation, 2**62, "up") == 404
    assert rate(alice, elsewhere, reply, "up") == 404
    assert rate(bob, conversation, reply, "up") == 404
    assert rate(alice, conversation, reply, "great") == 422
    assert alice.client.put(f"{conversation}/messages/{reply}/feedback", json={}).status_code == 422
    assert [said["feedback"] for said in alice.get(f"{conversation}/messages").json()["items"]] == [None] * 2
    assert rate(alice, conversation, reply, "up") == 204
