"""Reading a chat from a place in it: backwards, forwards, and around a message."""

from typing import Any

import pytest

from support import User

Json = dict[str, Any]


@pytest.fixture
def said(alice: User) -> list[Json]:
    """Ten messages of a conversation."""
    conversation = alice.conversation()
    return [alice.say(conversation, f"Number {number}") for number in range(1, 11)]


def page(user: User, said: list[Json], **parameters: object) -> Json:
    answer = user.get(f"/api/chat/{said[0]['conversation_id']}/history", params=parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 200])
def test_from_any_message_both_directions_lead_through_everything(
    alice: User, said: list[Json], limit: int
) -> None:
    for message in said:
        middle = page(alice, said, around=message["id"], limit=limit)
        assert message in middle["items"]
        assert len(middle["items"]) <= limit
        if limit < 5 and 3 <= message["seq"] <= 8:
            assert middle["items"].index(message) == (limit - 1) // 2
        found, older, newer = middle["items"], middle["next_cursor"], middle["newer_cursor"]
        while older is not None:
            before = page(alice, said, before=older, limit=limit)
            assert before["newer_cursor"] is not None
            found, older = before["items"] + found, before["next_cursor"]
        while newer is not None:
            after = page(alice, said, after=newer, limit=limit)
            assert after["next_cursor"] is not None
            found, newer = found + after["items"], after["newer_cursor"]
        assert found == said


def test_pages_of_long_messages_are_short_and_lead_through_everything(alice: User) -> None:
    """A page of two hundred of the longest would have 200 MB, and hold up all other users meanwhile."""
    conversation = alice.conversation()
    said = [alice.say(conversation, letter * 1_000_000) for letter in "abcdefg"]
    newest = page(alice, said, limit=200)
    assert newest["items"] == said[4:]
    assert page(alice, said, before=newest["next_cursor"], limit=200)["items"] == said[1:4]
    assert page(alice, said, limit=200, format="ui")["next_cursor"] == newest["next_cursor"]
    middle = page(alice, said, around=said[3]["id"], limit=200)
    assert middle["items"] == said[1:]
    assert middle["newer_cursor"] is None
    assert page(alice, said, before=middle["next_cursor"], limit=200)["items"] == said[:1]
    assert alice.messages(conversation) == said


def test_the_way_back_meets_what_was_left(alice: User, said: list[Json]) -> None:
    newest = page(alice, said, limit=3)
    assert (newest["items"], newest["newer_cursor"]) == (said[7:], None)
    earlier = page(alice, said, limit=3, cursor=newest["next_cursor"])
    assert earlier == page(alice, said, limit=3, before=newest["next_cursor"])
    assert page(alice, said, limit=3, after=earlier["newer_cursor"]) == newest


def test_after_the_end_comes_what_is_said_next(alice: User, said: list[Json]) -> None:
    newer = page(alice, said, around=said[0]["id"], limit=16)["newer_cursor"]
    assert page(alice, said, after=newer)["items"] == said[9:]
    alice.say(said[0]["conversation_id"], "Number 11")
    following = page(alice, said, after=newer)
    assert [one["content"] for one in following["items"]] == ["Number 10", "Number 11"]


def test_what_an_edit_put_away_is_no_place_any_more(alice: User, said: list[Json]) -> None:
    newer = page(alice, said, around=said[0]["id"], limit=16)["newer_cursor"]
    edited = {"id": "e", "role": "user", "parts": [{"type": "text", "text": "help"}]}
    body = {"id": str(said[0]["conversation_id"]), "message": edited, "messageId": str(said[2]["id"])}
    assert alice.post("/api/chat", body).status_code == 200
    assert [one["seq"] for one in page(alice, said, after=newer)["items"]] == [11, 12]
    hidden = alice.get(f"/api/chat/{said[0]['conversation_id']}/history", params={"around": said[5]["id"]})
    assert (hidden.status_code, hidden.json()["code"]) == (404, "message_not_found")


def test_a_message_that_is_not_there_is_not_found(alice: User, bob: User, said: list[Json]) -> None:
    elsewhere = alice.say(alice.conversation(), "Elsewhere")
    path = f"/api/chat/{said[0]['conversation_id']}/history"
    for message in (elsewhere["id"], 2**62, bob.say(bob.conversation(), "Mine")["id"]):
        answer = alice.get(path, params={"around": message})
        assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")
    foreign = bob.get(path, params={"around": said[0]["id"]})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "conversation_not_found")
    assert alice.get(path, params={"around": said[0]["id"]}).status_code == 200


def test_only_one_place_can_be_asked_for(alice: User, said: list[Json]) -> None:
    middle = page(alice, said, around=said[5]["id"], limit=3)
    places = {
        "cursor": middle["next_cursor"],
        "before": middle["next_cursor"],
        "after": middle["newer_cursor"],
        "around": said[5]["id"],
    }
    path = f"/api/chat/{said[0]['conversation_id']}/history"
    for one, other in ((a, b) for a in places for b in places if a < b):
        refused = alice.get(path, params={one: places[one], other: places[other]})
        assert refused.status_code == 422
        assert [fault["code"] for fault in refused.json()["errors"]] == ["one_place"]
    for name, value in places.items():
        assert alice.get(path, params={name: value}).status_code == 200
    for wrong in ("0", "-1", "01", "x", str(2**63)):
        assert alice.get(path, params={"around": wrong}).status_code == 422, wrong
    mixed_up = alice.get(path, params={"after": places["before"]})
    assert (mixed_up.status_code, mixed_up.json()["code"]) == (400, "invalid_cursor")


def test_the_ai_sdks_form_has_the_same_cursors(alice: User, said: list[Json]) -> None:
    ours = page(alice, said, around=said[5]["id"], limit=3)
    theirs = page(alice, said, around=said[5]["id"], limit=3, format="ui")
    assert [one["id"] for one in theirs["items"]] == [str(one["id"]) for one in ours["items"]]
    assert (theirs["next_cursor"], theirs["newer_cursor"]) == (ours["next_cursor"], ours["newer_cursor"])
