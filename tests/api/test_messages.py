"""Messages: append and read, without the assistant."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support import User, pages


def test_messages_come_back_in_order(alice: User) -> None:
    conversation = alice.conversation()
    said = [alice.say(conversation, f"Number {number}") for number in range(1, 4)]
    assert [message["seq"] for message in said] == [1, 2, 3]
    assert alice.messages(conversation) == said
    assert said[0]["role"] == "user"
    assert said[0]["status"] == "complete"
    assert said[0]["conversation_id"] == conversation


def test_an_assistants_message_can_be_stored(alice: User) -> None:
    conversation = alice.conversation()
    assert alice.say(conversation, "Said elsewhere", role="assistant")["role"] == "assistant"
    refused = alice.post(f"/api/conversations/{conversation}/messages", {"content": "x", "role": "system"})
    assert refused.status_code == 422


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_both_directions_are_complete_page_by_page(alice: User, limit: int) -> None:
    conversation = alice.conversation()
    said = [alice.say(conversation, str(number)) for number in range(5)]
    forwards = list(pages(alice, f"/api/conversations/{conversation}/messages", limit=limit))
    assert forwards == said

    backwards: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    while True:
        page = alice.get(f"/api/chat/{conversation}/history", params={"limit": limit, **cursor}).json()
        backwards = page["items"] + backwards
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert backwards == said


def test_an_empty_conversation_is_an_empty_page(alice: User) -> None:
    conversation = alice.conversation()
    empty: dict[str, object] = {"items": [], "next_cursor": None}
    assert alice.get(f"/api/conversations/{conversation}/messages").json() == empty
    assert alice.get(f"/api/chat/{conversation}/history").json() == empty | {"newer_cursor": None}


def test_a_cursor_leads_on_in_its_own_list_only(alice: User, bob: User) -> None:
    conversation, other = alice.conversation(), alice.conversation()
    for number in range(3):
        alice.say(conversation, str(number))
        alice.say(other, str(number))
    forwards, backwards = f"/api/conversations/{conversation}/messages", f"/api/chat/{conversation}/history"
    cursor = {"limit": 1, "cursor": alice.get(forwards, params={"limit": 1}).json()["next_cursor"]}
    assert alice.get(forwards, params=cursor).json()["items"][0]["content"] == "1"
    for user, path in (
        (alice, backwards),
        (alice, f"/api/conversations/{other}/messages"),
        (alice, "/api/conversations"),
        (bob, forwards),
    ):
        refused = user.get(path, params=cursor)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


def test_simultaneous_writers_get_a_gap_free_order(alice: User) -> None:
    conversation = alice.conversation()
    with ThreadPoolExecutor(16) as executor:
        said = list(executor.map(lambda number: alice.say(conversation, str(number)), range(120)))
    assert sorted(message["seq"] for message in said) == list(range(1, 121))
    assert alice.messages(conversation) == sorted(said, key=lambda message: message["seq"])


def test_a_retry_stores_nothing_new(alice: User) -> None:
    conversation, other = alice.conversation(), alice.conversation()
    first = alice.say(conversation, "Once", client_id="m-1")
    assert alice.say(conversation, "Once", client_id="m-1") == first
    assert alice.say(other, "Once", client_id="m-1")["id"] != first["id"]
    assert alice.messages(conversation) == [first]
    for body in ({"content": "Twice"}, {"content": "Once", "role": "assistant"}):
        refused = alice.post(f"/api/conversations/{conversation}/messages", {**body, "client_id": "m-1"})
        assert (refused.status_code, refused.json()["code"]) == (422, "client_id_reused")
    assert alice.messages(conversation) == [first]


def test_eight_simultaneous_retries_store_one_message(alice: User) -> None:
    conversation = alice.conversation()
    with ThreadPoolExecutor(8) as executor:
        said = list(executor.map(lambda _: alice.say(conversation, "Once", client_id="m-8"), range(8)))
    assert alice.messages(conversation) == [said[0]]
    assert all(message == said[0] for message in said)


def test_nobody_writes_into_another_users_conversation(alice: User, bob: User) -> None:
    conversation = alice.conversation()
    said = alice.say(conversation, "Mine", client_id="m-1")
    for body in ({"content": "Yours"}, {"content": "Mine", "client_id": "m-1"}):
        refused = bob.post(f"/api/conversations/{conversation}/messages", body)
        assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_found")
    assert bob.get(f"/api/conversations/{conversation}/messages").status_code == 404
    assert alice.messages(conversation) == [said]
