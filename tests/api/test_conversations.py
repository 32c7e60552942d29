"""Conversations: create, list, get, rename, pin, archive."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support import Service, User, pages


def test_a_new_conversation_can_be_read_back(alice: User) -> None:
    made = alice.post("/api/conversations", {"title": "Holiday plans", "client_id": "c-1"})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/conversations/{made.json()['id']}"
    assert alice.get(made.headers["Location"]).json() == made.json()
    assert made.json()["title"] == "Holiday plans"
    assert made.json()["client_id"] == "c-1"
    assert made.json()["created_at"].endswith("+00:00")


def test_neither_body_nor_slash_is_needed(alice: User) -> None:
    assert alice.client.post("/api/conversations").status_code == 201
    assert alice.client.post("/api/conversations/").status_code == 201
    assert len(alice.get("/api/conversations/").json()["items"]) == 2


def test_what_is_another_users_is_like_what_does_not_exist(alice: User, bob: User) -> None:
    mine = alice.conversation(title="Mine")
    absent = f"/api/conversations/{mine + 1}"
    for method, body in (("GET", None), ("PATCH", {"title": "Yours"}), ("DELETE", None)):
        foreign = bob.client.request(method, f"/api/conversations/{mine}", json=body)
        missing = bob.client.request(method, absent, json=body)
        assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
        assert foreign.status_code == 404
        assert foreign.json()["code"] == "conversation_not_found"
    assert alice.get(f"/api/conversations/{mine}").json()["title"] == "Mine"
    assert bob.get("/api/conversations").json() == {"items": [], "next_cursor": None}


def test_the_list_has_the_newest_activity_first(alice: User) -> None:
    first, second, third = (alice.conversation() for _ in range(3))
    alice.say(first, "Hello")
    alice.patch(f"/api/conversations/{second}", {"title": "A rename is no activity"})
    assert [item["id"] for item in alice.get("/api/conversations").json()["items"]] == [first, third, second]


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_the_list_is_complete_page_by_page(alice: User, bob: User, limit: int) -> None:
    made = [alice.conversation() for _ in range(7)]
    bob.conversation()
    assert [item["id"] for item in pages(alice, "/api/conversations", limit=limit)] == made[::-1]


def test_the_last_full_page_has_no_cursor(alice: User) -> None:
    for _ in range(4):
        alice.conversation()
    page = alice.get("/api/conversations", params={"limit": 2}).json()
    page = alice.get("/api/conversations", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert len(page["items"]) == 2
    assert page["next_cursor"] is None


def test_paging_misses_nothing_while_others_write(alice: User) -> None:
    made = {alice.conversation() for _ in range(30)}
    seen: list[int] = []
    with ThreadPoolExecutor(1) as executor:
        writing = executor.submit(lambda: [alice.conversation() for _ in range(30)])
        seen = [item["id"] for item in pages(alice, "/api/conversations", limit=2)]
        writing.result()
    assert made <= set(seen)
    assert len(seen) == len(set(seen))


def test_equal_activity_is_ordered_by_id(alice: User, service: Service) -> None:
    made = [alice.conversation() for _ in range(5)]
    service.postgres.rows("UPDATE conversation SET updated_at = '2026-01-01T00:00:00.123456Z'")
    assert [item["id"] for item in pages(alice, "/api/conversations", limit=2)] == made[::-1]


def test_pinned_ones_come_first_and_flags_are_no_activity(alice: User) -> None:
    first, second, third = (alice.conversation() for _ in range(3))
    before = alice.get(f"/api/conversations/{first}").json()
    assert (before["pinned"], before["archived"]) == (False, False)
    pinned = alice.patch(f"/api/conversations/{first}", {"pinned": True})
    assert (pinned.status_code, pinned.json()) == (200, before | {"pinned": True})
    assert _listed(alice) == [first, third, second]
    alice.patch(f"/api/conversations/{second}", {"pinned": True, "title": "Second"})
    assert _listed(alice) == [second, first, third]
    unpinned = alice.patch(f"/api/conversations/{first}", {"pinned": False, "title": None})
    assert unpinned.json() == before
    assert _listed(alice) == [second, third, first]


def test_archived_ones_are_a_list_of_their_own(alice: User) -> None:
    kept, put_away = alice.conversation(), alice.conversation()
    archived = alice.patch(f"/api/conversations/{put_away}", {"archived": True}).json()
    assert archived["archived"] is True
    assert (_listed(alice), _listed(alice, archived="false")) == ([kept], [kept])
    assert _listed(alice, archived="true") == [put_away]
    assert alice.get(f"/api/conversations/{put_away}").json() == archived
    alice.patch(f"/api/conversations/{put_away}", {"archived": False})
    assert (_listed(alice), _listed(alice, archived="true")) == ([put_away, kept], [])


@pytest.mark.parametrize("archived", ["true", "false"])
def test_both_lists_are_complete_page_by_page_and_their_cursors_differ(alice: User, archived: str) -> None:
    made = [alice.conversation() for _ in range(7)]
    for number, one in enumerate(made):
        alice.patch(f"/api/conversations/{one}", {"archived": archived == "true", "pinned": number % 3 == 0})
    expected = [one for rest in (False, True) for one in made[::-1] if (made.index(one) % 3 != 0) == rest]
    for limit in (1, 2, 3, 7):
        found = pages(alice, "/api/conversations", limit=limit, archived=archived)
        assert [item["id"] for item in found] == expected
    cursor = alice.get("/api/conversations", params={"limit": 1, "archived": archived}).json()["next_cursor"]
    other = {"archived": "false" if archived == "true" else "true", "cursor": cursor}
    refused = alice.get("/api/conversations", params=other)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("body", [{}, {"title": None}, {"pinned": None, "archived": None}])
def test_a_change_of_nothing_is_refused(alice: User, body: dict[str, None]) -> None:
    conversation = alice.conversation(title="Stays")
    refused = alice.patch(f"/api/conversations/{conversation}", body)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"location": ["body"], "code": "nothing_given", "detail": "Changes nothing."}
    ]
    assert alice.patch(f"/api/conversations/{conversation}", {"pinned": "yes"}).status_code == 422
    assert alice.patch(f"/api/conversations/{conversation}", {"pinned": False}).json()["title"] == "Stays"


def test_a_flag_keeps_an_automatic_title_automatic(alice: User) -> None:
    conversation = alice.conversation()
    alice.patch(f"/api/conversations/{conversation}", {"pinned": True})
    alice.say(conversation, "How do I boil an egg?")
    assert alice.get(f"/api/conversations/{conversation}").json()["title"] == "How do I boil an egg?"


def _listed(user: User, **parameters: str) -> list[int]:
    return [item["id"] for item in user.get("/api/conversations", params=parameters).json()["items"]]


def test_the_first_message_gives_the_title(alice: User) -> None:
    conversation = alice.conversation()
    assert alice.get(f"/api/conversations/{conversation}").json()["title"] is None
    alice.say(conversation, "Greetings", role="assistant")
    alice.say(conversation, "\n  How do I\tboil an egg?  \nSoft, please.")
    alice.say(conversation, "Thanks")
    assert alice.get(f"/api/conversations/{conversation}").json()["title"] == "How do I boil an egg?"


def test_a_rename_is_never_overwritten(alice: User) -> None:
    conversation = alice.conversation()
    renamed = alice.patch(f"/api/conversations/{conversation}", {"title": "Eggs"})
    assert renamed.json()["title"] == "Eggs"
    alice.say(conversation, "How do I boil an egg?")
    assert alice.get(f"/api/conversations/{conversation}").json()["title"] == "Eggs"
    given = alice.conversation(title="Given")
    alice.say(given, "How do I boil an egg?")
    assert alice.get(f"/api/conversations/{given}").json()["title"] == "Given"


def test_the_same_client_id_gives_the_same_conversation(alice: User, bob: User) -> None:
    body = {"title": "Once", "client_id": "bOAN2PpKlQFAXHEU"}
    first, again = alice.post("/api/conversations", body), alice.post("/api/conversations", body)
    assert (again.status_code, again.json()) == (201, first.json())
    other = alice.post("/api/conversations", {**body, "title": "Twice"})
    assert (other.status_code, other.json()["code"]) == (422, "client_id_reused")
    assert bob.post("/api/conversations", body).json()["id"] != first.json()["id"]


def test_eight_simultaneous_retries_make_one_conversation(alice: User) -> None:
    body = {"client_id": "eight"}
    with ThreadPoolExecutor(8) as executor:
        answers = list(executor.map(lambda _: alice.post("/api/conversations", body), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(alice.get("/api/conversations").json()["items"]) == 1


def test_the_token_of_a_deleted_account_makes_nothing(alice: User, service: Service) -> None:
    service.postgres.rows('DELETE FROM "user"')
    assert alice.post("/api/conversations").status_code == 401
    assert alice.post("/api/todos", {"title": "Ghost"}).status_code == 401
    assert alice.get("/api/auth/me").status_code == 401
    assert alice.get("/api/conversations").status_code == 401
