"""Limits, cursors and ids: a wrong one is refused, and never leads to another page or another thing."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from urllib.parse import quote

import pytest

from app.api.pages import Cursor
from support import User

from .answers import Record, faults, refusal

MAX = 2**63 - 1

ODD_IDS = ["-1", "0", str(MAX + 1), str(2**64), "1.5", "{}.0", "1e2", "{}e0", "0{}", "00{}", "+{}", "-{}"]
ODD_IDS += [
    "%2B{}",
    "%20{}",
    "{}%20",
    "{}%0A",
    "%09{}",
    "{}%00",
    "%00",
    "{}_0",
    "0x1",
    "0b1",
    "{},",
    "{};a=b",
]
ODD_IDS += [
    "%D9%A1",
    "%EF%BC%91",
    "%C2%B9",
    "%E1%81%A1",
    "%FF",
    "%ED%A0%80",
    "%C0%B1",
    "%",
    "%zz",
    "{}%",
    "%u0031",
]
ODD_IDS += [
    "me",
    "null",
    "undefined",
    "NaN",
    "Infinity",
    "true",
    "*",
    "..",
    "...",
    "%2e%2e",
    "'{}'",
    "{}--",
    "[1]",
]
ODD_IDS += ["9" * 19, "9" * 400, "1" * 4_301, "x" * 10_000, quote("'; DROP TABLE message--"), quote("{}")]


@dataclass(frozen=True)
class List:
    """A list of a user: its address, and what a page of one has."""

    user: User
    path: str

    def page(self, **parameters: object) -> list[int]:
        return [item["id"] for item in self.user.get(self.path, params=parameters).json()["items"]]

    @property
    def cursor(self) -> str:
        return str(self.user.get(self.path, params={"limit": 1}).json()["next_cursor"])


def lists(user: User) -> Iterator[List]:
    """Every list that comes in pages, each of several; two conversations have messages."""
    user.conversation()
    for conversation in (user.conversation(), user.conversation()):
        for number in range(3):
            user.say(conversation, str(number))
        yield List(user, f"/api/conversations/{conversation}/messages")
        yield List(user, f"/api/chat/{conversation}/history")
    yield List(user, "/api/conversations")


def test_a_limit_is_a_number_from_1_to_200(alice: User) -> None:
    for one in lists(alice):
        for wrong in (
            "0",
            "-1",
            "201",
            str(MAX),
            str(2**63),
            "9" * 5_000,
            "1e3",
            "NaN",
            "abc",
            "",
            "1.5",
            "1.0",
            "1_0",
            "+1",
            " 1",
            "01",
            "٣٤",
        ):
            answer = alice.get(one.path, params={"limit": wrong})
            assert set(faults(answer)) == {("query", "limit")}
        assert len(one.page(limit=1)) == 1
        assert one.page(limit=200) == one.page()
        repeated = alice.get(one.path, params=[("limit", "201"), ("limit", "1")])
        assert len(repeated.json()["items"]) == 1  # the last one counts, and only it


def test_unknown_parameters_are_ignored(alice: User) -> None:
    """Proxies and trackers add them; in a body they would be a mistake, here they are nobody's."""
    for one in lists(alice):
        assert (
            one.page(utm_source="x", user_id=1, Limit=0, **{"limit ": 0, "\0": "\0", "a[]": "\ufffd"})
            == one.page()
        )
        for raw in ("?&&=&;", "?%00=%00", "?%ff=%ff", "?%ED%A0%80", "?%", "?%zz=%u0000", "?limit%20=0"):
            assert alice.get(one.path + raw).json()["items"]


def test_a_cursor_of_elsewhere_is_refused(alice: User, bob: User, record_property: Record) -> None:
    alices, bobs = list(lists(alice)), list(lists(bob))
    tried = 0
    for one in (*alices, *bobs):
        for other in (*alices, *bobs):
            answer = other.user.get(other.path, params={"limit": 1, "cursor": one.cursor})
            tried += 1
            if one is other:
                assert {item["id"] for item in answer.json()["items"]}.isdisjoint(one.page(limit=1))
            else:
                assert refusal(answer) == (400, "invalid_cursor")
    record_property("cursors of another list accepted", (0, tried - len(alices) - len(bobs)))


def test_a_cursor_that_was_changed_is_refused(alice: User, record_property: Record) -> None:
    tried = 0
    for one in lists(alice):
        cursor = one.cursor
        binary = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        changed = [cursor[:cut] for cut in range(1, len(cursor))]
        changed += [cursor + end for end in ("=", "==", "A", " ", "\n", "\r\n", "-", "é", "A" * 4)]
        changed += [start + cursor for start in (" ", "A", "=", "\ufeff")]
        changed += [cursor[:place] + "!" + cursor[place:] for place in (1, 5)]
        changed += [_flipped(binary, place) for place in range(len(binary))]
        changed += [base64.b64encode(binary).decode(), base64.b32encode(binary).decode(), binary.hex()]
        changed += ["null", "0", "1", "undefined", "AAAA", "A" * 200, "😀", "\ud7ff", "'; --", "%s", "../.."]
        for wrong in changed:
            if wrong != cursor:
                answer = alice.get(one.path, params={"cursor": wrong})
                assert refusal(answer) == (400, "invalid_cursor"), wrong
                tried += 1
    record_property("changed cursors accepted", (0, tried))


def test_a_cursor_that_is_no_text_for_one_is_malformed(alice: User) -> None:
    for one in lists(alice):
        for wrong, code in (
            ("\0", "text_nul"),
            ("A" * 201, "text_too_long"),
            ("A" * 5_000, "text_too_long"),
        ):
            assert faults(alice.get(one.path, params={"cursor": wrong})) == {("query", "cursor"): code}
        for raw in ("cursor=%FF%FE", "cursor=%ED%A0%80", "cursor=%", "cursor=%zz"):
            assert refusal(alice.get(f"{one.path}?{raw}")) == (400, "invalid_cursor")
        assert set(faults(alice.get(f"{one.path}?cursor="))) == {("query", "cursor")}


def test_a_forged_place_leads_to_ones_own_rows_or_nowhere(alice: User) -> None:
    """The code is public: anybody can make a cursor of any place."""
    conversation = alice.conversation()
    own = {alice.say(conversation, str(number))["id"] for number in range(3)}
    edges = (0, 1, -1, MAX, -MAX - 1, 2**53, 253_402_300_799_999_999, -62_135_596_800_000_000)
    for place in edges:
        for name, path in (
            ("messages", f"/api/conversations/{conversation}/messages"),
            ("history", f"/api/chat/{conversation}/history"),
        ):
            forged = Cursor(name, alice.id, conversation).write(place)
            answer = alice.get(path, params={"cursor": forged})
            assert {item["id"] for item in answer.json()["items"]} <= own
        for second in edges:
            forged = Cursor("conversations", alice.id).write(place, second)
            answer = alice.get("/api/conversations", params={"cursor": forged})
            if answer.is_success:
                assert {item["id"] for item in answer.json()["items"]} <= {conversation}
            else:
                assert refusal(answer) == (400, "invalid_cursor")


@pytest.mark.parametrize("q", ["milk", "牛奶"])
def test_a_forged_place_in_a_search_leads_to_ones_own_rows_or_nowhere(alice: User, q: str) -> None:
    conversation = alice.conversation(title="-")
    alice.say(conversation, "milk 牛奶")
    cursors = Cursor("search", alice.id, q)
    edges = (0, 1, -1, MAX, -MAX - 1, 253_402_300_799_999_999, -62_135_596_800_000_000)
    for indexed, in_titles in product((0, 1), repeat=2):
        for time, at, number in product(edges, (conversation, MAX), (*edges, 2**62)):
            forged = cursors.write(indexed, in_titles, time, at, number)
            answer = alice.get("/api/search", params={"q": q, "cursor": forged})
            if not 0 <= number <= 2**62:
                assert refusal(answer) == (400, "invalid_cursor")
            elif answer.is_success:
                found = {item["conversation"]["id"] for item in answer.json()["items"]}
                assert found <= {conversation}
            else:
                assert refusal(answer) == (400, "invalid_cursor")


@pytest.mark.parametrize("path", ["/api/conversations/{}", "/api/conversations/{}/messages", "/api/todos/{}"])
def test_an_id_has_one_spelling(alice: User, path: str) -> None:
    known = alice.post("/api/todos", {"title": "x"}).json()["id"] if "todos" in path else alice.conversation()
    for odd in ODD_IDS:
        for method in ("GET", "PATCH", "DELETE") if path.endswith("{}") else ("GET", "POST"):
            address = path.replace("{}", odd.replace("{}", str(known)))
            body = {"title": "y"} if method == "PATCH" else {"content": "y"} if method == "POST" else None
            assert alice.client.request(method, address, json=body).status_code in (404, 405, 414, 422), odd
    assert alice.get(path.format(known)).status_code == 200
    encoded = "".join(
        f"%{ord(digit):02X}" for digit in str(known)
    )  # which is how an address may spell digits
    assert alice.get(path.format(encoded)).content == alice.get(path.format(known)).content
    assert alice.get(path.format(MAX)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/chat/{}/history"), ("POST", "/api/chat/{}/message")]
)
def test_a_session_that_never_was_is_one_that_ended(alice: User, method: str, path: str) -> None:
    known = alice.conversation()
    body = {"message": "x"} if method == "POST" else None
    for odd in (*ODD_IDS, str(MAX)):
        address = path.replace("{}", odd.replace("{}", str(known)))
        answer = alice.client.request(method, address, json=body)
        assert answer.status_code in (404, 405, 414), odd
    assert alice.client.request(method, path.format(known), json=body).status_code == 200


def _flipped(binary: bytes, place: int) -> str:
    changed = binary[:place] + bytes([binary[place] ^ 1]) + binary[place + 1 :]
    return base64.urlsafe_b64encode(changed).decode().rstrip("=")
