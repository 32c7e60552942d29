"""Bodies are JSON as RFC 8259 defines it, and nothing that parsers disagree about."""

import gzip
import json
from collections import Counter

import httpx
import pytest

from support import Service, User

from . import texts
from .answers import Record, Watched, faults, refusal, send_json

PATH = "/api/conversations"

NO_JSON = {
    "NaN": '{"title":NaN}',
    "Infinity": '{"title":Infinity}',
    "-Infinity": '{"title":-Infinity}',
    "too large for a float": '{"title":1e400}',
    "too small for a float": '{"title":-1e400}',
    "a huge integer": '{"title":' + "9" * 401 + "}",
    "an integer that takes long": '{"title":' + "9" * 1_000_000 + "}",
    "a key twice": '{"title":"a","title":"b"}',
    "a key twice, spelled otherwise": r'{"title":"a","\u0074itle":"b"}',
    "a key twice, within": '{"title":{"a":1,"a":1}}',
    "depth 33": "[" * 33 + "]" * 33,
    "depth 1,000": "[" * 1_000 + "]" * 1_000,
    "depth 100,000": "[" * 100_000 + "]" * 100_000,
    "depth 100,000 in objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "never closed": "[" * 500_000,
    "something after it": '{"title":"a"} {"title":"b"}',
    "a NUL after it": '{"title":"a"}\0',
    "a comment": '{"title":"a"} // b',
    "a comment within": '{/* b */"title":"a"}',
    "single quotes": "{'title':'a'}",
    "no quotes": '{title:"a"}',
    "a comma too much": '{"title":"a",}',
    "a comma too few": '{"title":"a" "client_id":"b"}',
    "Python's words": '{"title":None}',
    "hexadecimal": '{"title":0x1}',
    "a leading zero": '{"title":01}',
    "only a space": " ",
    "half": '{"title":"a',
    "no JSON": "title=a",
    "XML": "<title>a</title>",
    "a no-break space": '\u00a0{"title":"a"}',
}
NO_OBJECT = ["[]", '["title"]', '"title"', "1", "true", "[[]]", "0.5e3", "[" * 32 + "]" * 32]


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_refused(alice: User, name: str) -> None:
    assert refusal(send_json(alice, PATH, NO_JSON[name])) == (400, "invalid_json")
    assert alice.get(PATH).json()["items"] == []


def test_a_depth_without_a_limit_is_noticed(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.strict.MAX_DEPTH", 1_000_000)
    with pytest.raises(AssertionError, match="validation_failed"):
        test_what_is_no_json_is_refused(alice, "depth 33")


@pytest.mark.parametrize("body", NO_OBJECT, ids=lambda body: body[:10])
def test_json_of_another_shape_is_refused_as_that(alice: User, body: str) -> None:
    assert set(faults(send_json(alice, PATH, body))) == {("body",)}


def test_unusual_json_is_accepted(alice: User) -> None:
    for body in (
        '\r\n\t {"title" :\n"a"}\r\n ',
        r'{"\u0074itle":"\u0061"}',
        '{"client_id":null,"title":"a"}',
        '{"title":"a"}',
    ):
        assert send_json(alice, PATH, body).json()["title"] == "a"


def test_a_body_may_be_left_out_only_where_nothing_is_needed(alice: User) -> None:
    for body in ("", "null", "{}"):
        made = send_json(alice, PATH, body)
        assert (made.status_code, made.json()["title"]) == (201, None)
        assert faults(send_json(alice, "/api/todos", body))


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/jsonp",
        "application/octet-stream",
        "text/plain, application/json",
        "application",
        "",
        ";application/json",
        None,
    ],
)
def test_a_body_must_say_that_it_is_json(alice: User, kind: str | None) -> None:
    body = b'{"title":"a"}'
    headers = {} if kind is None else {"Content-Type": kind}
    assert refusal(alice.client.post(PATH, content=body, headers=headers)) == (415, "unsupported_media_type")
    for fine in ("application/json", "Application/JSON ; charset=utf-16", 'application/json;x="y"'):
        assert alice.client.post(PATH, content=body, headers={"Content-Type": fine}).status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip", "x-unknown"])
def test_a_body_must_not_be_compressed(alice: User, service: Service, encoding: str) -> None:
    """Its reader would take it for JSON, and say what is wrong with that."""

    def sent(client: httpx.Client, path: str, media: str, body: bytes, **headers: str) -> httpx.Response:
        return client.post(path, content=body, headers={"Content-Type": media, **headers})

    form = f"username={encoding[-3:]}%40example.com&password=correct+horse".encode()
    for client, path, media, body, fine in (
        (alice.client, PATH, "application/json", b'{"title":"a"}', 201),
        (service.client(), "/api/auth/token", "application/x-www-form-urlencoded", form, 401),
    ):
        packed = sent(client, path, media, gzip.compress(body), **{"Content-Encoding": encoding})
        assert refusal(packed) == (415, "unsupported_encoding")
        assert packed.headers["Accept-Encoding"] == "identity"
        for plain in ({}, {"Content-Encoding": "identity"}):
            assert sent(client, path, media, body, **plain).status_code == fine


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/conversations", {"title": "a"}),
        ("PATCH", "/api/conversations/{conversation}", {"title": "a"}),
        ("POST", "/api/conversations/{conversation}/messages", {"content": "a"}),
        ("POST", "/api/chat/start", {"title": "a"}),
        ("POST", "/api/chat/{conversation}/message", {"message": "a"}),
        ("POST", "/api/todos", {"title": "a"}),
        ("PATCH", "/api/todos/{todo}", {"title": "a"}),
        ("POST", "/api/auth/register", {"email": "a@b", "password": "correct horse"}),
    ],
)
def test_unknown_fields_are_refused(alice: User, method: str, path: str, body: dict[str, str]) -> None:
    todo = alice.post("/api/todos", {"title": "Milk"}).json()["id"]
    path = path.format(conversation=alice.conversation(), todo=todo)
    for name in ("user_id", "id", "Title", "title ", "__proto__", "constructor", ""):
        unknown = alice.client.request(method, path, json={**body, name: 1})
        assert faults(unknown) == {("body",): "extra_forbidden"}
    surrogate = json.dumps({**body, "\ud800": 1})
    assert faults(send_json(alice, path, surrogate, method)) == {("body",): "extra_forbidden"}
    assert alice.client.request(method, path, json=body).is_success


def test_a_body_full_of_unknown_fields_has_a_short_answer(alice: User) -> None:
    answer = send_json(alice, PATH, json.dumps({f"{number:x}": 0 for number in range(150_000)}))
    assert faults(answer) == {("body",): "extra_forbidden"}
    assert len(answer.content) < 1_000


def test_a_form_full_of_anything_is_refused(service: Watched) -> None:
    client = service.client()
    form = {"username": "alice@example.com", "password": "correct horse battery"}
    account = {"email": form["username"], "password": form["password"]}
    assert client.post("/api/auth/register", json=account).status_code == 201
    for wrong, code in (
        ({"username": "a\0@b"}, "text_nul"),
        ({"password": "a\0"}, "text_nul"),
        ({"password": "x" * 257}, "text_too_long"),
        ({"client_secret": "x" * 1_001}, "text_too_long"),
        ({"scope": "\0"}, "text_nul"),
        ({"grant_type": "authorization_code"}, "string_pattern_mismatch"),
        ({"colour": "x"}, "extra_forbidden"),
    ):
        assert list(faults(client.post("/api/auth/token", data={**form, **wrong})).values()) == [code]
    assert client.post("/api/auth/token", content=b"username=%ff&password=%ed%a0%80&&=&%").is_client_error
    many = "&".join(f"{number}=" for number in range(2_000))
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/api/auth/token", content=many, headers=urlencoded)
    assert faults(answer)[("body",)] == "extra_forbidden"
    assert len(answer.content) < 1_000
    assert client.post("/api/auth/token", data=form).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
    ],
)
def test_a_form_must_be_one(service: Watched, kind: str) -> None:
    answer = service.client().post("/api/auth/token", content=b"--x--\r\n", headers={"Content-Type": kind})
    assert refusal(answer) == (415, "unsupported_media_type")


_SUITE = texts.SAMPLES / "json-test-suite" / "test_parsing"
DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
"""Valid by the grammar, and refused here: parsers disagree about which value counts."""


@pytest.mark.skipif(not _SUITE.exists(), reason="the samples `json-test-suite` are not here")
def test_the_public_suite_of_json_is_judged_as_it_says(alice: User, record_property: Record) -> None:
    """https://github.com/nst/JSONTestSuite: y_ is valid, n_ is not, i_ is the parser's choice."""
    seen: Counter[tuple[str, int]] = Counter()
    for path in sorted(_SUITE.glob("*.json")):
        body = path.read_bytes()
        answer = send_json(alice, PATH, body)
        seen[path.name[0], answer.status_code] += 1
        if path.name[0] == "n" and body:  # without a body nothing is wrong: it may be left out
            assert answer.is_client_error, path.name
        if path.name[0] == "y" and path.name not in DUPLICATES:
            assert answer.is_success or faults(answer), path.name
        if path.name in DUPLICATES:
            assert refusal(answer) == (400, "invalid_json")
    assert sum(seen.values()) > 300
    for (kind, status), count in seen.items():
        record_property(f"JSON test suite, {kind}_: {status}", (count, sum(seen.values())))
