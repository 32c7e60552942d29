"""Text that cannot be stored, or has nothing to read in it, is refused by name, and its twin is accepted."""

import json

import pytest

from support import User

from .answers import faults, refusal
from .fields import FIELDS, TextField
from .texts import BLANK, HALVES, INVISIBLE, NO_TEXTS, NO_UTF8, NULS

every_field = pytest.mark.parametrize("field", FIELDS, ids=str)


def assert_accepts(field: TextField, user: User, text: str) -> None:
    answer = field.send_text(user, text)
    assert answer.is_success, f"{text[:40]!r}: {answer.text[:300]}"


def assert_refuses(field: TextField, user: User, literal: str, code: str) -> None:
    assert faults(field.send(user, literal)) == {("body", field.name): code}, literal[:40]


@every_field
def test_nul_is_refused_and_its_neighbour_is_not(field: TextField, alice: User) -> None:
    for text in NULS:
        assert_refuses(field, alice, json.dumps(field.text(text)), "text_nul")
    assert_accepts(field, alice, field.text("a\x01b"))
    assert_accepts(field, alice, field.text("a\\u0000b"))  # the six characters, not what they mean


@every_field
def test_half_a_surrogate_pair_is_refused_and_a_pair_is_not(field: TextField, alice: User) -> None:
    for half in HALVES:
        assert_refuses(field, alice, f'"{field.text(half)}"', "text_surrogate")
    pair = r"\ud83d\ude00"
    assert field.send(alice, f'"{field.text(pair)}"').is_success


@every_field
def test_the_longest_text_is_accepted_and_one_character_more_is_not(field: TextField, alice: User) -> None:
    assert len(field.longest) == field.characters
    assert_accepts(field, alice, field.longest)
    too_long = json.dumps(field.longest.replace("x", "xx", 1))
    assert_refuses(field, alice, too_long, "text_too_long")


@pytest.mark.parametrize("field", [one for one in FIELDS if one.has_bytes_to_run_out_of], ids=str)
def test_the_largest_text_is_accepted_and_one_byte_more_is_not(field: TextField, alice: User) -> None:
    assert len(field.largest.encode()) == field.size
    assert_accepts(field, alice, field.largest)
    too_large = json.dumps("x" + field.largest, ensure_ascii=False)
    assert_refuses(field, alice, too_large, "text_too_long")


@every_field
def test_text_without_anything_to_read_is_refused(field: TextField, alice: User) -> None:
    for text in BLANK:
        if field.may_be_blank:
            assert_accepts(field, alice, text)
        else:
            assert_refuses(field, alice, json.dumps(text), "text_blank")


@every_field
def test_invisible_characters_are_text(field: TextField, alice: User) -> None:
    """They carry meaning between others, and who sends one alone did not press the key by mistake."""
    for text in INVISIBLE:
        assert_accepts(field, alice, field.text(text))


@every_field
def test_what_is_no_text_is_refused(field: TextField, alice: User) -> None:
    for literal in NO_TEXTS:
        assert_refuses(field, alice, literal, "string_type")
    if field.may_be_null:
        assert field.send(alice, "null").is_success
    else:
        assert_refuses(field, alice, "null", "string_type")


@every_field
def test_what_is_no_utf8_is_refused(field: TextField, alice: User) -> None:
    start, end = f'"{field.start}a'.encode(), f'b{field.end}"'.encode()
    for name, wrong in NO_UTF8.items():
        assert refusal(field.send(alice, start + wrong + end)) == (400, "invalid_json"), name
    for control in (b"\x00", b"\n", b"\x1f"):  # which JSON wants escaped
        assert refusal(field.send(alice, start + control + end)) == (400, "invalid_json")
    assert field.send(alice, start + "Grüße\ufffd".encode() + end).is_success


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
