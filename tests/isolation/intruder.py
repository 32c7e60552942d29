"""What one user tries on all that another one has, by every operation of the document."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from support import Service

from .answer import Answer
from .estate import (
    NOBODYS,
    NOWHERE,
    PASSWORD,
    SAID,
    Estate,
    Owned,
    again,
    erased,
    registered,
    rows_of,
    signed_out,
)
from .operations import MAKES, Operation, Uncovered
from .pace import Paces

WITHOUT_TOKEN = {"healthz", "readyz", "metrics", "register", "create_token"}
"""The operations that anybody may call."""

ENDS_TOKENS = {"change_password", "sign_out_everywhere", "erase_me"}
"""The operations after which whoever called them is a stranger."""

Values = dict[str, Any]
Noticed = Iterator[str]
Made = list[tuple[Any, ...]]
"""Rows that a request has made."""

_TAKE_BACK = """
    WITH gone AS (DELETE FROM conversation WHERE user_id = %s AND client_id = %s RETURNING id)
    SELECT seq, role, content, replaced FROM message JOIN gone ON conversation_id = gone.id ORDER BY seq
"""


class Swap(NamedTuple):
    """Ids of a request that are the owner's, and beside them ids of nothing in the same positions."""

    place: Values
    nowhere: Values
    in_own_conversation: bool


class Intruder:
    """Tries everything. What it can see of another user is what it can see of nobody.

    What it notices comes one by one: whoever has heard enough stops listening.
    """

    def __init__(self, service: Service, owner: Estate, intruder: Estate) -> None:
        self._service = service
        self._owner = owner
        self._me = intruder
        self._nobody = service.client()
        self._ended = [signed_out(service, owner), erased(service)]
        self.tried = 0
        self.crossed = 0
        """How many of them had an id or a cursor of the owner's."""
        self.ended = 0
        """How many of them had a token that has ended."""
        self.paces = Paces()

    def try_all(self, operations: Sequence[Operation]) -> Noticed:
        """Plays each operation with its own ids, with the owner's, and without a token that is good."""
        for operation in operations:
            before = self._owners_rows()
            if operation.name in ENDS_TOKENS:
                yield from self._act_for_the_last_time(operation)
            else:
                yield from self._act_at_home(operation)
            if operation.needs_token:
                yield from self._turn_pages(operation)
                yield from self._swap_ids(operation)
                yield from self._come_without_token(operation)
            elif operation.name not in WITHOUT_TOKEN:
                raise Uncovered(f"{operation.name}: may anybody call it without a token?")
            yield from self._expect(self._owners_rows() == before, f"{operation.name} changed")

    def use_assistant(self) -> Noticed:
        """Words that make the assistant list and delete reach one's own list only."""
        before = self._owners_rows()
        conversation = self._me.user.conversation()
        for words in ("add milk", "list", "done 1", "clear completed", "add milk", "delete all todos"):
            self.tried += 1
            answer = self._me.user.post(f"/api/chat/{conversation}/message", {"message": words})
            yield from self._expect(answer.status_code == 200, f"{words!r} fails: {answer.text}")
            yield from self._expect(not self._owner.betrayed_by(answer.content), f"{words!r} betrays")
        yield from self._expect(self._owners_rows() == before, "the assistant changed")

    def _owners_rows(self) -> dict[str, list[str]]:
        return rows_of(self._service.postgres, self._owner.user.id)

    def _act_at_home(self, operation: Operation) -> Noticed:
        """On what is the intruder's own it succeeds, whatever client ids the owner used before."""
        account = {
            "email": f"{self._me.name}-and-{operation.name}@example.com",
            "username": self._me.email,
            "password": PASSWORD,
        }
        for way in operation.ways:
            for key in operation.keys or ["no key"]:
                for place in self._own_places(operation, way):
                    answer = self._send(operation, {**account, **place, **way, key: again(operation)})
                    succeeds = answer.status in operation.successes
                    yield from self._expect(succeeds, f"{operation.name} is uncovered: {answer}")
                    yield from self._expect_own(operation, answer)

    def _act_for_the_last_time(self, operation: Operation) -> Noticed:
        """As somebody who has just come: it succeeds once."""
        client = registered(self._service, f"passer-by-{self.tried}-{operation.name}@example.com").client
        for expected in (operation.successes, {401}):
            self.tried += 1
            answer = operation.call(client, {}, self._owner.betrayed_by)
            yield from self._expect(answer.status in expected, f"{operation.name} is uncovered: {answer}")
            yield from self._expect_own(operation, answer)

    def _swap_ids(self, operation: Operation) -> Noticed:
        """With the owner's ids, a new request and a repeated one are answered as for ids of nothing."""
        for swap in self._swaps(operation):
            for way in operation.ways:
                for key in self._keys(operation, swap):
                    (missing, left), (answer, made) = self._by_turns(operation, {**way, **key}, swap)
                    yield from self._expect_nothing(operation, missing)
                    yield from self._expect_same(operation, answer, missing)
                    yield from self._expect_own(operation, answer)
                    yield from self._expect(made == left, f"{operation.name} made something else: {answer}")
                    self.paces.note(operation.name, foreign=answer, missing=missing)

    def _by_turns(self, operation: Operation, given: Values, swap: Swap) -> list[tuple[Answer, Made]]:
        """Answers and rows made with ids of nothing, and with the owner's: neither is always the first."""
        sides = [(self._send, swap.nowhere), (self._cross, swap.place)]
        turned = slice(None, None, -1 if self.crossed % 2 else 1)
        done = [
            (send(operation, {**given, **place}), self._take_back(place)) for send, place in sides[turned]
        ]
        return done[turned]

    def _keys(self, operation: Operation, swap: Swap) -> list[Values]:
        """Those of a new request, and of one that the owner sent to the same conversation."""
        if not operation.keys:
            return [{}]
        new = {operation.keys[0]: f"new-{self.tried}"}
        repeated = [] if swap.in_own_conversation else [{key: again(operation)} for key in operation.keys]
        return [new, *repeated]

    def _turn_pages(self, operation: Operation) -> Noticed:
        """One's own list ends without the owner's; the owner's cursor leads nowhere, on either list.

        A list of which the owner has no second page, and so no cursor, is uncovered.
        """
        if "cursor" not in operation.schemas:
            return
        own = self._own_place(operation, {})
        home = {name: value for name, value in own.items() if not operation.may_be_left_out(name)}
        place = {**home, "limit": 2}
        while place.get("cursor", "first") is not None:
            page = self._send(operation, place)
            yield from self._expect_own(operation, page)
            place["cursor"] = page.json().get("next_cursor")
        before = self.crossed
        for there, nowhere, _ in self._foreign_places(operation):
            page = operation.call(self._owner.user.client, {**there, **self._sought, "limit": 1})
            if page.status != 200 or (cursor := page.json()["next_cursor"]) is None:
                continue  # it was deleted, or is short
            never_made = cursor[::-1]
            for tried, reference in (
                ({**home, "cursor": cursor}, {**home, "cursor": never_made}),
                ({**there, "cursor": cursor}, {**nowhere, "cursor": cursor}),
            ):
                answer = self._cross(operation, tried)
                yield from self._expect_same(operation, answer, self._send(operation, reference))
        yield from self._expect(self.crossed > before, f"{operation.name} is uncovered: there is no cursor")

    def _come_without_token(self, operation: Operation) -> Noticed:
        for place, nowhere, _ in self._foreign_places(operation):
            self.tried += 1
            refused = operation.call(self._nobody, nowhere)
            yield from self._expect(refused.status == 401, f"{operation.name} answers nobody: {refused}")
            yield from self._expect_same(operation, operation.call(self._nobody, place), refused)
            yield from self._come_too_late(operation, place, refused)

    def _come_too_late(self, operation: Operation, place: Values, refused: Answer) -> Noticed:
        """Tokens that were good once are refused in the same words, also the owner's for the owner's rows."""
        for client in self._ended:
            self.tried, self.ended = self.tried + 1, self.ended + 1
            answer = operation.call(client, place, self._owner.betrayed_by)
            same = (answer.status, answer.content) == (refused.status, refused.content)
            yield from self._expect(same, f"{operation.name} answers a token that has ended: {answer}")

    def _own_places(self, operation: Operation, way: Values) -> Iterator[Values]:
        """Fresh rows of the intruder's for the ids of a request; also by the ids that a client gave them."""
        yield self._own_place(operation, way)
        if any(operation.is_text(name) for name in operation.tables):
            yield self._own_place(operation, way, client_id=f"mine/{self.tried}")

    def _own_place(self, operation: Operation, way: Values, client_id: str | None = None) -> Values:
        tables = operation.tables
        if not tables:
            return {}
        me = self._me.user
        if "todo" in tables.values():
            todo = me.post("/api/todos", {"title": "mine"}).raise_for_status().json()["id"]
            return dict.fromkeys(tables, todo)
        conversation = me.conversation(title="mine", client_id=client_id)
        said = {"message": "hello", "client_id": client_id}
        turn = me.post(f"/api/chat/{conversation}/message", said).raise_for_status().json()
        edits = way.get("trigger") == "submit-message"
        ids = {"conversation": conversation, "message": turn["message" if edits else "reply"]["id"]}
        if client_id is not None:
            ids = dict.fromkeys(ids, client_id) if edits else {**ids, "conversation": client_id}
        return {
            name: str(ids[table]) if operation.is_text(name) else ids[table] for name, table in tables.items()
        }

    def _swaps(self, operation: Operation) -> Iterator[Swap]:
        """Each of the owner's rows in each position, deleted ones too, and beside it the ids of nothing.

        What other ids the request has are the intruder's own, or nobody's, or those of the same place of the
        owner's.
        """
        tables = operation.tables
        for position, table in tables.items():
            # Two homes: what happens in one does not change what is answered in the other.
            homes = zip(self._beside(position, operation), self._beside(position, operation), strict=True)
            for here, there in homes:
                for row in self._owner.rows[table]:
                    for name, nothing in _names(row, as_text=operation.is_text(position)):
                        yield Swap({**here, position: name}, {**there, position: nothing}, table == "message")
        if len(tables) > 1:
            for message in self._owner.rows["message"]:
                yield self._whole_place(operation, message)

    def _foreign_places(self, operation: Operation) -> list[Swap]:
        """The same, and the one that an operation without ids has."""
        return list(self._swaps(operation)) or [Swap({}, {}, in_own_conversation=False)]

    def _beside(self, position: str, operation: Operation) -> Iterator[Values]:
        """What other ids a request may have besides the one in a position: what it must, and all it can."""
        others = [name for name in operation.tables if name != position]
        needed = [name for name in others if not operation.may_be_left_out(name)]
        home = self._own_place(operation, {}) if needed else {}
        yield {name: home[name] for name in needed}
        if needed != others:
            nothing = {name: NOBODYS if operation.is_text(name) else NOWHERE for name in others}
            yield nothing | home

    def _whole_place(self, operation: Operation, message: Owned) -> Swap:
        """A message of the owner's in its conversation."""
        place, nowhere = {}, {}
        for name, table in operation.tables.items():
            row = message.conversation or message if table == "conversation" else message
            place[name], nowhere[name] = _names(row, as_text=operation.is_text(name))[0]
        return Swap(place, nowhere, in_own_conversation=False)

    def _take_back(self, place: Values) -> Made:
        """Undoes what a request has made, and says what was in it."""
        name = place.get(MAKES, "0")
        return [] if name.isdecimal() else self._service.postgres.rows(_TAKE_BACK, self._me.user.id, name)

    def _send(self, operation: Operation, values: Values) -> Answer:
        self.tried += 1
        given = {**SAID, **self._sought, **values}
        return operation.call(self._me.user.client, given, self._owner.betrayed_by)

    def _cross(self, operation: Operation, values: Values) -> Answer:
        self.crossed += 1
        return self._send(operation, values)

    @property
    def _sought(self) -> Values:
        """What is searched for: it is in every text of the owner's."""
        return {"q": self._owner.name}

    def _expect_nothing(self, operation: Operation, missing: Answer) -> Noticed:
        """What does not exist is not found, and has no stream; where it is made, that may be refused."""
        otherwise = {200, 409} if MAKES in operation.tables else {204} if operation.method == "GET" else set()
        found = missing.status not in {404, *otherwise}
        yield from self._expect(not found, f"{operation.name} finds nothing: {missing}")

    def _expect_own(self, operation: Operation, answer: Answer) -> Noticed:
        yield from self._expect(not self._owner.betrayed_by(answer.content), f"{operation.name} betrays")

    def _expect_same(self, operation: Operation, answer: Answer, reference: Answer) -> Noticed:
        told = f"{operation.name} tells of {answer} (nothing: {reference})"
        yield from self._expect(answer.seen == reference.seen, told)

    def _expect(self, holds: bool, otherwise: str) -> Noticed:
        if not holds:
            yield otherwise


def _names(row: Owned, *, as_text: bool) -> list[tuple[Any, Any]]:
    """What a row can be called by nobody but its owner, and beside it what could be called so but is not."""
    if not as_text:
        return [(row.id, NOWHERE)]
    by_client = [] if row.client_id is None else [(row.client_id, NOBODYS)]
    return [(str(row.id), str(NOWHERE)), *by_client]
