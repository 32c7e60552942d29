"""Searching titles and messages."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unicodedata import normalize

import pytest

from app.db.database import Database
from app.repositories import indexed, unindexed, word_index
from app.repositories.search import SearchRepository
from app.words import PART, Words
from support import Postgres, Service, User

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
        ("egg boil", "Boil the eggs slowly", ["Boil", "egg"]),
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
        ("Über", "viel darÜBER und über", ["über"]),
        ("iphone", "我的iPhone手机", ["iPhone"]),
        ("手机 iphone", "我的iPhone手机", ["iPhone", "手机"]),
        ("λόγος", "Ὁ ΛΌΓΟΣ ἦν", ["ΛΌΓΟΣ"]),
        ("мир", "кумир и мир", ["мир"]),
        ("שלום", "אמר שלום לכולם", ["שלום"]),
        ("caf\u00e9", "un cafe\u0301 noir", ["caf\u00e9"]),
        (normalize("NFC", "ガイド"), normalize("NFD", "ガイドブック"), ["ガイド"]),
        (normalize("NFD", "ガイド"), normalize("NFD", "ガイドブック"), ["ガイド"]),
        ("❤️", "mit ❤️ gemacht", None),
        ("1️⃣ 北京", "北京 1️⃣", ["北京", "1", "\u20e3"]),
        ("273\u212a 北京", "北京 273\u212a", ["北京", "273K"]),
        ("273k 北京", "北京 273\u212a", ["北京", "273K"]),
        ("\uf900", "\uf900其", ["\u8c48"]),
        ("\u0958लम c++", "\u0958लम C++", ["\u0915\u093cलम", "C++"]),
        ("été", "L'ÉTÉ dernier", ["ÉTÉ"]),
        ("नमस्ते", "नमस्ते दुनिया", ["नमस्ते"]),
        ("2026", "in 2026-11", ["2026"]),
        ("strasse", "Die Straße", ["Straße"]),
        ("STRAS", "die straße", ["straß"]),
        ("Straße", "IN DER STRASSE", ["STRASSE"]),
        ("Flussschiff", "ein Flußschiff", ["Flußschiff"]),
        ("Flußschiff", "ein Flussschiff", ["Flussschiff"]),
        ("strase", "Die Straße", None),
        ("c++", "I like C++, and c++11", ["C++", "c++"]),
        ("C#", "C# it is", ["C#"]),
        ("c#", "C and C++, or # alone", None),
        ("c", "C++", ["C"]),
        ("learn C++?", "To learn: (C++)", ["learn", "C++"]),
        ("1+1", "what is 1 + 1", ["1", "1"]),
        ("#cooking", "We are cooking", ["cooking"]),
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
    "字" * 200, "'", "''", "\\'", "!a", "a:b", "a|b", "<->", "1/egg", "'1/quite'", "א\u202eב",
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
    """Two conversations with needles deep in them, and more between than a page looks through.

    In Chinese, of which the index has no words.
    """
    long = alice.conversation(title="Long")
    many = "INSERT INTO message (user_id, conversation_id, seq, role, content) "
    size = 2 * unindexed.MESSAGES + 500
    service.postgres.rows(
        many + "SELECT %s, %s, n, 'user', CASE WHEN n IN (7, 9) THEN '一根针' ELSE '干草' END"
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
    alice.say(last, "一根针")
    service.postgres.rows("UPDATE conversation SET updated_at = '2025-01-01' WHERE id = %s", last)
    return [long, last]


def test_a_page_looks_through_so_much_and_the_next_ones_through_the_rest(
    alice: User, crowd: list[int]
) -> None:
    first = alice.get("/api/search", params={"q": "针"}).json()
    assert first["items"] == []
    assert first["next_cursor"] is not None
    items = found(alice, "针")
    assert conversations(items) == crowd
    assert [item["message"]["seq"] for item in items] == [9, 1]
    assert found(alice, "没有") == []
    assert conversations(found(alice, "干草")) == crowd[:1]
    assert conversations(found(alice, "long")) == crowd[:1]


@pytest.mark.parametrize(
    ("text", "q", "expected"),
    [
        ("# Eggs\n\n**Boil** them `slowly`.", "slow", "Eggs Boil them slowly."),
        ("1. Take *eggs*\n2. ~~Fry~~ boil", "boil", "Take eggs Fry boil"),
        ("> See [the eggs](https://eggs.example/a) now", "now", "See the eggs now"),
        ("See [this](https://boil.example/a) now", "boil", "See this https://boil.example/a now"),
        ("```python\nboil(2 * 3, my_egg)\n```", "boil", "boil(2 * 3, my_egg)"),
        ("C# and #1 boil", "boil", "C# and #1 boil"),
        ("![An egg](egg.png) boils", "boil", "An egg boils"),
    ],
)
def test_a_snippet_is_free_of_markdown(alice: User, text: str, q: str, expected: str) -> None:
    alice.say(alice.conversation(title="-"), text)
    (item,) = found(alice, q)
    assert text_of(item) == expected
    assert matches(item) == [piece for piece in matches(item) if piece.lower() == q]


def aged(postgres: Postgres, message: Json, days: int) -> None:
    ago = "UPDATE message SET created_at = now() - %s * interval '1 day' WHERE id = %s"
    postgres.rows(ago, days, message["id"])


def test_the_best_hits_come_first_and_a_month_is_worth_twice_as_good(alice: User, service: Service) -> None:
    conversation = {name: alice.conversation(title="-") for name in ("good", "new", "old", "near", "far")}
    filler = " and something else that is long enough to be of little use"
    good = alice.say(conversation["good"], "Eggs, eggs, eggs and eggs." + filler)
    new = alice.say(conversation["new"], "Eggs are something." + filler)
    old = alice.say(conversation["old"], "Eggs are something." + filler)
    for message, days in ((good, 31), (new, 0), (old, 29)):  # four times as good: two months
        aged(service.postgres, message, days)
    order = [conversation[name] for name in ("good", "new", "old")]
    assert conversations(found(alice, "eggs")) == order
    assert conversations(found(alice, "eggs", limit=1)) == order
    for name, text in (("near", "Boil a potato." + filler), ("far", "Boil." + filler + " a potato")):
        aged(service.postgres, alice.say(conversation[name], text), 0)
    assert conversations(found(alice, "boil potato")) == [conversation["near"], conversation["far"]]


def test_a_conversation_is_told_with_its_best_hit(alice: User) -> None:
    conversation = alice.conversation(title="-")
    best = alice.say(conversation, "Eggs, eggs, eggs")
    alice.say(conversation, "And eggs, perhaps, if there is nothing else to be had at this time")
    (item,) = found(alice, "eggs")
    assert item["message"]["id"] == best["id"]


def test_what_is_said_after_a_search_is_found_by_the_next(alice: User, service: Service) -> None:
    conversation = alice.conversation(title="-")
    for number in range(3):
        assert found(alice, f"word{number}") == []
        said = alice.say(conversation, f"A word{number}")
        (item,) = found(alice, f"word{number}")
        assert item["message"]["id"] == said["id"]
    assert service.postgres.rows("SELECT seq FROM message_words ORDER BY 1") == [(1,), (2,), (3,)]


def test_messages_that_were_put_away_hide_none_that_are_shown(alice: User) -> None:
    conversation = alice.conversation(title="-")
    turns = [
        alice.post(f"/api/chat/{conversation}/message", {"message": f"An ostrich, number {number}"}).json()
        for number in range(5)
    ]
    assert conversations(found(alice, "ostrich")) == [conversation]
    message = {"id": "e", "role": "user", "parts": [{"type": "text", "text": "Something else"}]}
    edit = {"id": str(conversation), "message": message, "messageId": str(turns[1]["message"]["id"])}
    assert alice.post("/api/chat", edit).status_code == 200
    (item,) = found(alice, "ostrich")
    assert "number 0" in text_of(item)


def test_deleted_conversations_hide_none_that_are_there(alice: User, service: Service) -> None:
    conversation = alice.conversation(title="-")
    alice.say(conversation, "An ostrich")
    made = (
        "INSERT INTO conversation (user_id, title, next_seq) SELECT %s, '-', 4 FROM generate_series(1, 200)"
    )
    service.postgres.rows(made, alice.id)
    said = (
        "INSERT INTO message (user_id, conversation_id, seq, role, content)"
        " SELECT user_id, id, seq, 'user', 'An ostrich' FROM conversation, generate_series(1, 3) seq"
        " WHERE next_seq = 4"
    )
    service.postgres.rows(said)
    found(alice, "ostrich")
    assert (
        service.postgres.value("SELECT min(indexed_seq) FROM conversation WHERE user_id = %s", alice.id) > 0
    )
    assert conversation not in conversations(found(alice, "ostrich")), "it is behind the newest 500 hits"
    service.postgres.rows("UPDATE conversation SET deleted_at = now() WHERE next_seq = 4")
    assert conversations(found(alice, "ostrich")) == [conversation]


def test_a_reply_is_found_when_it_has_ended_or_its_writer_is_dead(alice: User, service: Service) -> None:
    conversation = alice.conversation(title="-")
    reply = alice.say(conversation, "Growing text about C++", role="assistant")
    written = "UPDATE message SET status = 'streaming', lease_until = now() + %s::interval WHERE id = %s"
    service.postgres.rows(written, "1 minute", reply["id"])
    later = alice.say(conversation, "Later text")
    assert found(alice, "text") == found(alice, "c++") == []
    service.postgres.rows(written, "-1 second", reply["id"])
    for q in ("growing text", "c++"):  # with the index, and without
        assert conversations(found(alice, q)) == [conversation]
    (item,) = found(alice, "later")
    assert item["message"]["id"] == later["id"]


def test_a_title_is_found_however_its_letters_are_composed(alice: User) -> None:
    conversation = alice.conversation(title=normalize("NFD", "Müller und Söhne"))
    for q in ("müller", normalize("NFD", "söhne")):
        assert conversations(found(alice, q)) == [conversation]


@pytest.mark.parametrize(
    ("q", "title"), [("strasse", "Die Straße"), ("straße", "DIE STRASSE"), ("c++", "Über C++"), ("f#", "F#")]
)
def test_a_title_is_found_as_a_message_is(alice: User, q: str, title: str) -> None:
    conversation = alice.conversation(title=title)
    said = alice.conversation(title="-")
    alice.say(said, title)
    for other in ("C and F", "Strase"):
        alice.say(alice.conversation(title=other), other)
    items = found(alice, q)
    assert conversations(items) == [conversation, said]
    assert matches(items[0]) == matches(items[1])
    assert q.casefold() == matches(items[0])[0].casefold()


def test_a_word_at_the_end_of_a_very_long_message_is_found(alice: User) -> None:
    text = "hay " * (PART // 2) + "needle " + "x" * 3_000
    assert len(text) > 2 * PART
    alice.say(alice.conversation(title="-"), text)
    (item,) = found(alice, "needle")
    assert matches(item) == ["needle"]
    assert len(found(alice, "hay")) == 1


def test_messages_that_have_many_different_words_fit(alice: User) -> None:
    text = " ".join(chr(0x10400 + n % 80) + f"{n:x}" for n in range(100_000))
    alice.say(alice.conversation(title="-"), text[:250_000])
    assert len(found(alice, "\U00010400320")) == 1


def test_searches_at_once_and_beside_others_who_write_miss_nothing(alice: User, service: Service) -> None:
    chats = [alice.conversation(title="-") for _ in range(4)]

    def write(number: int) -> None:
        client = service.client(alice.token)
        for n in range(25):
            path = f"/api/conversations/{chats[(number + n) % 4]}/messages"
            client.post(path, json={"content": f"text {number}x{n}end"}).raise_for_status()

    def search(_: int) -> set[int]:
        client = service.client(alice.token)
        return {client.get("/api/search", params={"q": "text"}).status_code for _ in range(15)}

    with ThreadPoolExecutor(8) as executor:
        writers = [executor.submit(write, number) for number in range(4)]
        assert set().union(*executor.map(search, range(4))) == {200}
        for writer in writers:
            writer.result()
    assert set(conversations(found(alice, "text"))) == set(chats)
    wanted = [f"{number}x{n}end" for number in range(4) for n in range(25)]
    missing = [word for word in wanted if len(found(alice, word)) != 1]
    print(f"messages that a search misses: {len(missing)} of 100")
    assert missing == []
    assert service.postgres.value("SELECT count(*) FROM message_words") == 100
    assert service.postgres.value("SELECT bool_and(indexed_seq = next_seq - 1) FROM conversation")


def test_who_brings_much_finds_it_while_it_is_put_into_the_index(
    alice: User, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_index, "SECONDS", 0)
    conversation, size = alice.conversation(title="-"), 3 * word_index.SLICE_MESSAGES + 1
    service.postgres.rows(
        "INSERT INTO message (user_id, conversation_id, seq, role, content)"
        " SELECT %s, %s, n, 'user', 'Straw ' || n FROM generate_series(1, %s) n",
        alice.id, conversation, size,
    )  # fmt: skip
    service.postgres.rows("UPDATE conversation SET next_seq = %s WHERE id = %s", size + 1, conversation)
    in_index = "SELECT count(*) FROM message_words"
    counted = []
    for _ in range(4):
        (item,) = found(alice, f"straw {size}")
        assert item["message"]["seq"] == size
        counted.append(service.postgres.value(in_index))
    assert counted == [min(size, n * word_index.SLICE_MESSAGES) for n in (1, 2, 3, 4)]


def test_of_a_very_common_word_the_latest_hits_count(
    alice: User, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = indexed.HITS + 5
    service.postgres.rows(
        "WITH made AS (INSERT INTO conversation (user_id, title, next_seq)"
        " SELECT %s, '-', 2 FROM generate_series(1, %s) RETURNING id, user_id)"
        " INSERT INTO message (user_id, conversation_id, seq, role, content, created_at)"
        " SELECT user_id, id, 1, 'user', 'The same', now() - id * interval '1 second' FROM made",
        alice.id, chats,
    )  # fmt: skip
    monkeypatch.setattr(word_index, "SECONDS", 60)
    items = conversations(found(alice, "the", limit=100))
    assert items == sorted(items)
    assert len(items) == len(set(items)) == indexed.HITS


CORPUS = [
    "How do I boil an egg? Boil the EGGS in a pan_with_water(), then node.js 2.0!",
    "L'été dernier, à la Réunion: œufs, cafés et naïveté",
    "viel darÜBER und über Größe, STRASSE",
    "Ну привет, мир! Кумир и ЁЛКА",  # noqa: RUF001
    "नमस्ते दुनिया। कैसे हैं",
    "السلام عليكم، كيف الحال؟",
    "안녕하세요 세계 여러분",
    "Tôi muốn ăn phở; Việt Nam",
    "ὁ λόγος ΛΌΓΟΣ λόγοις",
]
QUERIES = [
    *("egg", "EGGS boil", "gg", "pan water", "js node", "2", "0", "the", "été", "la réunion", "cafe", "café"),
    *(
        "naïv",
        "über",
        "ber",
        "größe",
        "strasse",
        "straße",
        "grösse",
        "stras",
        "привет",
        "мир",
        "ёлка",
        "ивет",
        "नमस्ते",
        "कैसे",
        "मस्ते",
    ),
    *("السلام", "كيف", "سلام", "안녕", "세계", "녕하", "phở", "việt", "nam", "λόγο", "λόγοις", "nothing"),
]


def test_both_ways_find_the_same_for_words_that_both_can_serve(alice: User, service: Service) -> None:
    for text in CORPUS:
        alice.say(alice.conversation(title="-"), text)

    async def both(q: str) -> list[list[bytes]]:
        database = Database(service.postgres.url)
        search = SearchRepository(database, alice.id)
        await search.catch_up()
        words = Words.of(q)
        indexed, (unindexed, _) = await search.look_up(words, 20), await search.look_through(words, 20)
        await database.close()
        return [sorted(hit.conversation for hit in hits) for hits in (indexed.hits, unindexed)]

    found = {q: asyncio.run(both(q)) for q in QUERIES}
    different = [q for q, (one, other) in found.items() if one != other]
    print(f"different answers: {len(different)} of {len(QUERIES)}")
    assert different == []
    assert {q for q, (one, _) in found.items() if not one} == {
        *("gg", "cafe", "ber", "ивет", "मस्ते", "سلام", "녕하", "nothing")
    }
