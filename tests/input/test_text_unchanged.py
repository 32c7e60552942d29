"""What is accepted comes back as it was sent, to the last byte, in every way in which it can be read."""

import json
import uuid

import pytest

from support import User

from . import texts
from .answers import Record, Watched, refusal
from .reading import through_conversations, through_messages, through_todos, through_turns

DIFFERING = "readings that differ, of curious and of large texts"
CURIOUS = list(texts.CURIOUS.values())


def test_messages_come_back_unchanged(alice: User, record_property: Record) -> None:
    readings = sum(through_messages(alice, CURIOUS, role) for role in ("user", "assistant"))
    assert readings == 6 * len(CURIOUS)
    record_property(DIFFERING, (0, readings))


def test_turns_come_back_unchanged(echoed: User, record_property: Record) -> None:
    readings = through_turns(echoed, CURIOUS)
    assert readings == 6 * len(CURIOUS)
    record_property(DIFFERING, (0, readings))


def test_titles_and_client_ids_come_back_unchanged(alice: User, record_property: Record) -> None:
    readings = through_conversations(alice, CURIOUS)
    record_property(DIFFERING, (0, readings))


def test_todos_come_back_unchanged(alice: User, record_property: Record) -> None:
    readings = through_todos(alice, CURIOUS)
    record_property(DIFFERING, (0, readings))


@pytest.mark.parametrize("name", texts.LARGE)
def test_large_texts_come_back_unchanged(echoed: User, name: str, record_property: Record) -> None:
    text = texts.LARGE[name]
    readings = through_messages(echoed, [text]) + through_turns(echoed, [text])
    record_property(DIFFERING, (0, readings))


def test_what_differs_only_in_its_form_stays_different(alice: User) -> None:
    """Composed and decomposed letters, capitals, spaces: nothing is folded, also not in a client id."""
    conversation = alice.conversation()
    forms = ["\u00c5", "\u212b", "A\u030a", "A", "a", "A ", " A", "\uff21", "\u0391", "A\u200b"]
    ids = [alice.say(conversation, form, client_id=form)["id"] for form in forms]
    assert len(set(ids)) == len(forms)
    assert [alice.say(conversation, form, client_id=form)["id"] for form in forms] == ids


@pytest.mark.parametrize(
    "name", ["emoji with joiners", "decomposed", "control characters", "place holders", "spaces around"]
)
def test_a_password_is_every_character_of_it(service: Watched, name: str) -> None:
    password = f"{texts.CURIOUS[name]}, and eight more"
    email = f"{uuid.uuid4().hex}@example.com"
    client = service.client()
    assert client.post("/api/auth/register", json={"email": email, "password": password}).status_code == 201
    form = {"username": email, "password": password}
    assert client.post("/api/auth/token", data=form).status_code == 200
    wrong = client.post("/api/auth/token", data={**form, "password": password + " "})
    assert refusal(wrong) == (401, "sign_in_failed")


def test_an_address_is_kept_but_for_capitals(service: Watched) -> None:
    for sent, kept in (
        ("Alice@Example.COM", "alice@example.com"),
        ("jürgen.o'neil+%s@bücher.example", "jürgen.o'neil+%s@bücher.example"),
        ("用户@例子.广告", "用户@例子.广告"),
        ('"\\"@example.com', '"\\"@example.com'),
        ("STRASSE\u200b@example.com", "strasse\u200b@example.com"),
    ):
        body = {"email": sent, "password": "correct horse battery"}
        token = service.client().post("/api/auth/register", json=body).json()["access_token"]
        assert service.client(token).get("/api/auth/me").json()["email"] == kept
        again = service.client().post("/api/auth/register", json={**body, "email": sent.upper()})
        assert refusal(again) == (409, "email_taken")


def test_an_address_that_folding_makes_too_long_is_refused_as_too_long(service: Watched) -> None:
    body = {"email": f"{'ΐ' * 200}@example.com", "password": "correct horse battery"}
    refused = service.client().post("/api/auth/register", json=body)
    assert [fault["code"] for fault in refused.json()["errors"]] == ["text_too_long"]
    accepted = service.client().post("/api/auth/register", json={**body, "email": f"{'ΐ' * 70}@example.com"})
    assert accepted.status_code == 201


def test_escapes_mean_what_they_say(alice: User) -> None:
    """However a client writes a text in JSON, it is the same text."""
    conversation = alice.conversation()
    text = 'aé😀\t"\\/\u2028'
    spellings = [json.dumps(text), json.dumps(text, ensure_ascii=False)]
    spellings.append('"' + "".join(json.dumps(one)[1:-1].replace("/", "\\/") for one in text) + '"')
    spellings.append('"' + r"\u0061\u00E9\uD83D\uDE00\u0009\u0022\u005C\u002F\u2028" + '"')
    for spelling in spellings:
        answer = alice.client.post(
            f"/api/conversations/{conversation}/messages",
            content=b'{"content":' + spelling.encode() + b"}",
            headers={"Content-Type": "application/json"},
        )
        assert answer.json()["content"] == text
