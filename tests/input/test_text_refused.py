"""Text that cannot be stored, or has nothing to read in it, is refused by name, and its twin is accepted."""

from collections.abc import Iterator
from unittest.mock import patch

import httpx
import pytest

from app.main import create_app
from faults.machine import CHEAP
from support import Postgres, Service, User, served, settings

from .answers import faults, refusal
from .fields import CHOICES, FIELDS, FORMS_AND_QUERIES, KEYS, PARTS, TextField
from .texts import BLANK, CURIOUS, HALVES, INVISIBLE, NO_TEXTS, NO_UTF8, NULS

every_text = pytest.mark.parametrize("field", [*FIELDS, *PARTS, *FORMS_AND_QUERIES], ids=str)
every_text_of_json = pytest.mark.parametrize("field", [*FIELDS, *PARTS], ids=str)


@pytest.fixture(scope="module")
def running_service(postgres: Postgres) -> Iterator[Service]:
    """One at which whoever guesses may go on: a good text in the place of a password is a wrong password."""
    unlimited = settings(postgres, wrong_passwords=0, sign_ins_per_minute=0, registrations_per_hour=0)
    with patch("app.passwords._HASHES", CHEAP), served(create_app(unlimited), postgres) as service:
        yield service


def assert_takes(field: TextField, answer: httpx.Response) -> None:
    assert field.takes(answer), answer.text[:300]


def assert_refuses(field: TextField, answer: httpx.Response, code: str) -> None:
    assert faults(answer) == {field.location: code}


@every_text
def test_nul_is_refused_and_its_neighbour_is_not(field: TextField, alice: User) -> None:
    for text in NULS:
        assert_refuses(field, field.send_text(alice, field.text(text)), "text_nul")
    assert_takes(field, field.send_text(alice, field.text("a\x01b")))
    # The six characters, not what they mean:
    assert_takes(field, field.send_text(alice, field.text("a\\u0000b")))


@every_text_of_json
def test_half_a_surrogate_pair_is_refused_and_a_pair_is_not(field: TextField, alice: User) -> None:
    for half in HALVES:
        assert_refuses(field, field.send(alice, f'"{field.text(half)}"'), "text_surrogate")
    pair = r"\ud83d\ude00"
    assert_takes(field, field.send(alice, f'"{field.text(pair)}"'))


@every_text
def test_the_longest_text_is_accepted_and_one_character_more_is_not(field: TextField, alice: User) -> None:
    assert len(field.longest) == field.characters
    assert_takes(field, field.send_text(alice, field.longest))
    assert_refuses(field, field.send_text(alice, field.too_long), "text_too_long")


@pytest.mark.parametrize("field", KEYS, ids=str)
def test_a_key_is_refused_that_is_too_long(field: TextField, alice: User) -> None:
    assert_refuses(field, field.send_text(alice, field.too_long), "text_too_long")


@pytest.mark.parametrize(
    "field", [one for one in (*FIELDS, *FORMS_AND_QUERIES) if one.has_bytes_to_run_out_of], ids=str
)
def test_the_largest_text_is_accepted_and_one_byte_more_is_not(field: TextField, alice: User) -> None:
    assert len(field.largest.encode()) == field.size
    assert_takes(field, field.send_text(alice, field.largest))
    assert_refuses(field, field.send_text(alice, "x" + field.largest), "text_too_long")


@every_text
def test_text_without_anything_to_read_is_refused(field: TextField, alice: User) -> None:
    for text in BLANK:
        answer = field.send_text(alice, text)
        if field.may_be_blank:
            assert_takes(field, answer)
        else:
            nothing = field.source == "form" and not text
            assert_refuses(field, answer, "missing" if nothing else "text_blank")


@every_text
def test_invisible_characters_are_text(field: TextField, alice: User) -> None:
    """They carry meaning between others, and who sends one alone did not press the key by mistake."""
    for text in INVISIBLE:
        assert_takes(field, field.send_text(alice, field.text(text)))


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_what_is_no_text_is_refused(field: TextField, alice: User) -> None:
    for literal in NO_TEXTS:
        assert_refuses(field, field.send(alice, literal), "string_type")
    if field.may_be_null:
        assert_takes(field, field.send(alice, "null"))
    else:
        assert_refuses(field, field.send(alice, "null"), "string_type")


@pytest.mark.parametrize("field", PARTS, ids=str)
def test_a_part_without_text_is_refused(field: TextField, alice: User) -> None:
    for literal in (*NO_TEXTS, "null"):
        assert refusal(field.send(alice, literal)) == (422, "message_unreadable")


@pytest.mark.parametrize("field", CHOICES, ids=str)
def test_what_is_none_of_some_words_is_refused(field: TextField, alice: User) -> None:
    for text in (*CURIOUS.values(), *NULS, *BLANK):
        assert_refuses(field, field.send_text(alice, text), "literal_error")
    for half in HALVES:
        assert_refuses(field, field.send(alice, f'"{half}"'), "string_unicode")
    for literal in NO_TEXTS:
        assert_refuses(field, field.send(alice, literal), "literal_error")


@every_text_of_json
def test_what_is_no_utf8_is_refused(field: TextField, alice: User) -> None:
    start, end = f'"{field.start}a'.encode(), f'b{field.end}"'.encode()
    for name, wrong in NO_UTF8.items():
        assert refusal(field.send(alice, start + wrong + end)) == (400, "invalid_json"), name
    for control in (b"\x00", b"\n", b"\x1f"):  # which JSON wants escaped
        assert refusal(field.send(alice, start + control + end)) == (400, "invalid_json")
    assert_takes(field, field.send(alice, start + "Grüße\ufffd".encode() + end))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_a_body_in_another_encoding_is_refused(alice: User, encoding: str) -> None:
    body = '{"title": "Grüße"}'
    for kind in ("application/json", f"application/json; charset={encoding}"):
        headers = {"Content-Type": kind}
        wrong = alice.client.post("/api/conversations", content=body.encode(encoding), headers=headers)
        assert refusal(wrong) == (400, "invalid_json")
        # RFC 8259, section 11: there is no `charset`. JSON is UTF-8, whatever else the header says.
        right = alice.client.post("/api/conversations", content=body.encode(), headers=headers)
        assert right.json()["title"] == "Grüße"
