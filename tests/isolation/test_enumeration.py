"""The fourth wall: every operation of the document, as another user, with every id of the owner's.

What is another user's answers byte for byte like what does not exist. An operation that is new is called like
the others; if that does not succeed, or takes an id that nobody knows, these tests fail until it is covered.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support import Postgres, User, pages

from .estate import NOWHERE, Estate
from .intruder import ENDS_TOKENS, Intruder
from .operations import Operation, Uncovered
from .statements import places, without
from .town import Town, settled

SIZE = 4
PARTS = [{"type": "text", "text": "help"}]

Count = Callable[[str, object], None]


@pytest.fixture
def town(walled: Postgres) -> Iterator[Town]:
    with settled(walled, SIZE) as town:
        yield town


@pytest.fixture
def without_predicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement says any more whose rows it means: only row-level security is left."""
    for place in places():
        monkeypatch.setattr(place.module, place.attribute, without(place.statement))


@pytest.mark.parametrize("turned", [False, True], ids=["the later one intrudes", "the earlier one intrudes"])
def test_what_is_anothers_is_answered_like_what_does_not_exist(
    *, turned: bool, town: Town, record_property: Count
) -> None:
    owner, intruder = (town.bob, town.alice) if turned else (town.alice, town.bob)
    _try_everything(town, owner, intruder, record_property)


def test_row_level_security_is_enough(town: Town, without_predicates: None, record_property: Count) -> None:
    _try_everything(town, town.alice, town.bob, record_property)


def _try_everything(town: Town, owner: Estate, intruder: Estate, record_property: Count) -> None:
    trying = Intruder(town.service, owner, intruder)
    noticed = list(trying.try_all(town.operations)) + list(trying.use_assistant())
    record_property("answers and rows of another user's betrayed", (len(noticed), trying.tried))
    print(f"{len(town.operations)} operations, {trying.tried} requests in all, {len(noticed)} noticed")
    assert noticed == []
    assert trying.tried > 1_000


def test_every_id_is_as_long_as_the_one_that_does_not_exist(town: Town) -> None:
    ids = [row.id for estate in (town.alice, town.bob) for rows in estate.rows.values() for row in rows]
    assert len(ids) > 4 * SIZE
    assert {len(str(row_id)) for row_id in ids} == {len(str(NOWHERE))}


def test_no_list_has_an_item_of_another_user(town: Town) -> None:
    for path in ("/api/conversations", "/api/todos"):
        seen = [{item["id"] for item in _items(estate.user, path)} for estate in (town.alice, town.bob)]
        assert min(map(len, seen)) >= SIZE
        assert seen[0].isdisjoint(seen[1])


def _items(user: User, path: str) -> list[dict[str, Any]]:
    if path == "/api/todos":  # it has one page
        return list(user.get(path).json()["items"])
    return list(pages(user, path, limit=3))


def test_a_thief_of_a_token_is_noticed_at_every_operation(town: Town) -> None:
    """The measure itself: somebody who may do everything to the owner's rows is found out by each."""
    thief = Intruder(town.service, town.alice, Estate(town.alice.user, "thief", {}))
    # What ends tokens takes no id, and is only called by somebody who has just come.
    tried = [one for one in town.operations if one.needs_token and one.name not in ENDS_TOKENS]
    assert len(tried) > 20
    assert [operation.name for operation in tried if not any(thief.try_all([operation]))] == []


def test_a_chat_that_another_user_has_by_the_same_name_stays_apart(town: Town) -> None:
    """A client's own id that is another user's too makes a chat of one's own."""
    [theirs, *_] = town.alice.rows["conversation"]
    bob = town.bob.user
    chat = {"id": theirs.client_id, "messages": [{"id": "1", "role": "user", "parts": PARTS}]}
    answer = bob.post("/api/chat", chat)
    own = int(answer.text.partition('"session_id":"')[2].partition('"')[0])
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert own not in {row.id for row in town.alice.rows["conversation"]}
    history = f"/api/chat/{theirs.client_id}/history"
    assert bob.get(history).json()["items"] == bob.messages(own)
    assert bob.messages(own)[0]["content"] == "help"
    alices = town.alice.user.get(history).json()["items"]
    assert {said["conversation_id"] for said in alices} == {theirs.id}


def test_an_operation_with_an_unknown_id_is_uncovered() -> None:
    described = {"operationId": "get_label", "parameters": [{"name": "conversation_id", "in": "path"}]}
    assert Operation({}, "GET", "/", described).tables == {"conversation_id": "conversation"}
    described["parameters"] = [{"name": "label_id", "in": "path"}]
    with pytest.raises(Uncovered, match="label_id"):
        _ = Operation({}, "GET", "/", described).tables
