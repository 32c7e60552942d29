"""Searching titles and messages."""

from typing import Any

import pytest

from app.repositories import unindexed
from support import Service, User

Json = dict[str, Any]


def found(user: User, q: str, **parameters: object) -> list[Json]:
    """All that a search finds, page by page."""
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        answer = user.get("/api/search", params={"q": q, **parameters, **cursor})
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        cursor = {"cursor": answer.json()["next_cursor"]}


def conversations(items: list[Json]) -> list[int]:
    return [item["conversation"]["id"] for item in items]


def text_of(item: Json) -> str:
    return "".join(piece["text"] for piece in item["snippet"])


def matches(item: Json) -> list[str]:
    return [piece["text"] for piece in item["snippet"] if piece["match"]]


def test_a_word_is_found_in_a_message_with_the_text_around_it(alice: User) -> None:
    conversation = alice.conversation(title="Cooking")
    alice.say(conversation, "Nothing of interest")
    said = alice.say(conversation, "x " * 300 + "How do I boil an egg? " + "y " * 300)
    alice.say(conversation, "Nothing again")
    (item,) = found(alice, "boil")
    assert item["conversation"] == alice.get(f"/api/conversations/{conversation}").json()
    assert item["message"] == {name: said[name] for name in ("id", "seq", "role", "created_at")}
    assert matches(item) == ["boil"]
    assert "How do I boil an egg?" in text_of(item)
    assert 120 <= len(text_of(item)) <= 170
    around = alice.get(f"/api/chat/{conversation}/history", params={"around": item["message"]["id"]})
    assert said in around.json()["items"]


def test_the_snippet_shows_the_hit_and_not_a_longer_word_before_it(alice: User) -> None:
    alice.say(alice.conversation(title="-"), "We start. " * 100 + "What is art? " + "A party. " * 100)
    (item,) = found(alice, "art")
    assert matches(item) == ["art"]
    assert "What is art?" in text_of(item)


def test_titles_come_first_then_the_latest_activity_and_each_conversation_once(alice: User) -> None:
    titled = alice.conversation(title="All about Docker")
    alice.say(titled, "It is a program.")
    both = alice.conversation(title="docker compose")
    alice.say(both, "DOCKER is a program.")
    older, newer, _ = (alice.conversation(title=title) for title in ("One", "Two", "Three"))
    for conversation in (older, newer):
        for number in range(3):
            alice.say(conversation, f"A dockerfile, number {number}")
    items = found(alice, "docker")
    assert conversations(items) == [both, titled, newer, older]
    assert [item["message"] and item["message"]["seq"] for item in items] == [1, None, 3, 3]
    assert [matches(item) for item in items] == [["DOCKER"], ["Docker"], ["docker"], ["docker"]]
    assert text_of(items[1]) == "All about Docker"
    for limit in (1, 2, 3):
        assert found(alice, "docker", limit=limit) == items


@pytest.mark.parametrize(
    ("q", "text", "expected"),
    [
        ("boil egg", "Boil the eggs", ["Boil", "egg"]),
        ("egg boil", "Boil the egg slowly", ["Boil", "egg"]),
        ("egg boil", "Boil the eggs slowly", None),  # only the last word may be unfinished
        ("boil potato", "Boil the eggs", None),
        ("oil", "Boil the eggs", None),
        ("egg", "EGGS! egg.", ["EGG", "egg"]),
        ("node.js", "I use Node-JS", ["Node", "JS"]),
        ("foo bar", "call foo_bar()", ["foo", "bar"]),
        ("don't", "Please DON'T", ["DON", "T"]),
        ("北京", "我想去北京旅游", ["北京"]),
        ("東京タワー", "昨日は東京タワーに行きました", ["東京タワー"]),
        ("ข้าว", "ฉันกินข้าวแล้ว", ["ข้าว"]),
        ("ПРИВЕТ", "Ну привет, мир", ["привет"]),  # noqa: RUF001
        ("Über", "viel darÜBER und über", ["ÜBER", "über"]),
        ("été", "L'ÉTÉ dernier", ["ÉTÉ"]),
        ("नमस्ते", "नमस्ते दुनिया", ["नमस्ते"]),
        ("2026", "in 2026-11", ["2026"]),
    ],
)  # fmt: skip
def test_what_matches_in_which_language(alice: User, q: str, text: str, expected: list[str] | None) -> None:
    conversation = alice.conversation(title="-")
    alice.say(conversation, text)
    items = found(alice, q)
    assert [matches(item) for item in items] == ([] if expected is None else [expected])


HOSTILE = [
    "' OR 1=1 --", "'; DROP TABLE message", "a & b | !c", "foo:*", "a <-> b", "%", "_", "\\", "a\\", "(((",
    "[a-z", "{1,9999}", ".*", "*", "$1", "%(user_id)s", "%s", "?", "🎉", "-", "«»", "()", "\u200b", "a" * 200,
    "字" * 200,
]  # fmt: skip


@pytest.mark.parametrize("q", HOSTILE)
def test_a_hostile_text_is_only_a_text(alice: User, q: str) -> None:
    conversation = alice.conversation(title="-")
    alice.say(conversation, "Quite harmless")
    assert found(alice, q) == []
    assert conversations(found(alice, "harmless")) == [conversation]


@pytest.mark.parametrize("q", ["", "  ", "\0", "a\0b", "x" * 201, "x" * 5_000, "字" * 201, "😀" * 201])
def test_a_text_that_cannot_be_searched_for_is_refused(alice: User, q: str) -> None:
    answer = alice.get("/api/search", params={"q": q})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert alice.get("/api/search").status_code == 422
    assert alice.get("/api/search", params={"q": "x" * 200}).status_code == 200


def test_archived_ones_are_found_and_deleted_and_replaced_ones_are_not(alice: User) -> None:
    archived, deleted, edited = (alice.conversation(title="-") for _ in range(3))
    for conversation in (archived, deleted):
        alice.say(conversation, "A needle")
    alice.patch(f"/api/conversations/{archived}", {"archived": True})
    turn = alice.post(f"/api/chat/{edited}/message", {"message": "A needle"}).json()
    assert set(conversations(found(alice, "needle"))) == {archived, deleted, edited}
    message = {"id": "e", "role": "user", "parts": [{"type": "text", "text": "A pin"}]}
    edit = {"id": str(edited), "message": message, "messageId": str(turn["message"]["id"])}
    assert alice.post("/api/chat", edit).status_code == 200
    alice.delete(f"/api/conversations/{deleted}")
    assert conversations(found(alice, "needle")) == [archived]
    alice.post(f"/api/conversations/{deleted}/restore")
    assert set(conversations(found(alice, "needle"))) == {archived, deleted}


def test_nobody_elses_messages_and_titles_are_found(alice: User, bob: User) -> None:
    alice.say(alice.conversation(title="Secret plans"), "A secret needle")
    own = bob.conversation(title="-")
    bob.say(own, "My own needle")
    assert conversations(found(bob, "needle")) == [own]
    assert found(bob, "secret") == []
    assert len(found(alice, "secret")) == 1


def test_a_cursor_belongs_to_its_search(alice: User, bob: User) -> None:
    for _ in range(3):
        alice.say(alice.conversation(title="-"), "A needle, a pin")
    cursor = alice.get("/api/search", params={"q": "needle", "limit": 1}).json()["next_cursor"]
    assert alice.get("/api/search", params={"q": "needle", "cursor": cursor}).status_code == 200
    for user, q in ((alice, "pin"), (bob, "needle")):
        refused = user.get("/api/search", params={"q": q, "cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


@pytest.fixture
def crowd(alice: User, service: Service) -> list[int]:
    """Two conversations with needles deep in them, and more between than a page looks through."""
    long = alice.conversation(title="Long")
    many = "INSERT INTO message (user_id, conversation_id, seq, role, content) "
    size = 2 * unindexed.MESSAGES + 500
    service.postgres.rows(
        many + "SELECT %s, %s, n, 'user', CASE WHEN n IN (7, 9) THEN 'A needle' ELSE 'Hay' END"
        " FROM generate_series(1, %s) n",
        alice.id, long, size,
    )  # fmt: skip
    service.postgres.rows("UPDATE conversation SET next_seq = %s WHERE id = %s", size + 1, long)
    service.postgres.rows(
        "INSERT INTO conversation (user_id, title, updated_at) SELECT %s, '-', '2026-01-01'"
        " FROM generate_series(1, %s)",
        alice.id, unindexed.CONVERSATIONS + 10,
    )  # fmt: skip
    last = alice.conversation(title="Last")
    alice.say(last, "A needle")
    service.postgres.rows("UPDATE conversation SET updated_at = '2025-01-01' WHERE id = %s", last)
    return [long, last]


def test_a_page_looks_through_so_much_and_the_next_ones_through_the_rest(
    alice: User, crowd: list[int]
) -> None:
    first = alice.get("/api/search", params={"q": "needle"}).json()
    assert first["items"] == []
    assert first["next_cursor"] is not None
    items = found(alice, "needle")
    assert conversations(items) == crowd
    assert [item["message"]["seq"] for item in items] == [9, 1]
    assert found(alice, "nothing") == []
    assert conversations(found(alice, "hay")) == crowd[:1]
    assert conversations(found(alice, "long")) == crowd[:1]
