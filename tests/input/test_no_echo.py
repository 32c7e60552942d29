"""No refusal repeats what was sent: answers are kept in logs and shown to people whom it does not concern."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from support import User

from .answers import MEDIA_TYPE, Record, Watched, refusal
from .operations import Operation, operations

MARKER = "zebra7Quagga"
JSON = {"Content-Type": "application/json"}

WRONG = [
    MARKER,
    {MARKER: MARKER},
    [MARKER],
    f"{MARKER}\0",
    f"{MARKER}\ud800",
    MARKER * 100_000,
    None,
    7,
    "",
    " ",
]


def hostile(operation: Operation) -> Iterator[dict[str, Any]]:
    """Requests that have the marker wherever something may be sent."""
    path = operation.address(MARKER)
    yield {"url": path}
    yield {"url": operation.address("1") + "/" + MARKER}
    yield {"url": path, "headers": {"Authorization": f"Bearer {MARKER}"}}
    yield {"url": path, "headers": {"Authorization": f"Bearer {MARKER}.{MARKER}.{MARKER}"}}
    yield {"url": path, "headers": {"Authorization": f"{MARKER} {MARKER}"}}
    yield {"url": path, "headers": {"Content-Type": MARKER}, "content": MARKER}
    yield {"url": path, "headers": {"X-Request-ID": f"{MARKER} {MARKER}", MARKER: MARKER, "Accept": MARKER}}
    for name in (*operation.parameters["query"], MARKER):
        for value in (MARKER, f"{MARKER}\0", MARKER * 40):
            yield {"url": operation.address("1"), "params": {name: value}}
    if operation.media_type is None:
        return
    kind = {"Content-Type": operation.media_type}
    for body in (
        MARKER,
        f'"{MARKER}"',
        f'["{MARKER}"]',
        f'{{"{MARKER}":"{MARKER}"',
        f'{{"{MARKER}":NaN}}',
        MARKER * 1_000_000,
    ):
        yield {"url": operation.address("1"), "content": body, "headers": kind}
    for name in (*operation.fields, MARKER):
        for wrong in WRONG:
            fields = {**dict.fromkeys(operation.fields, MARKER), name: wrong}
            if operation.media_type == "application/json":
                yield {"url": operation.address("1"), "content": json.dumps(fields), "headers": JSON}
            elif not isinstance(wrong, str) or wrong.isprintable():
                yield {"url": operation.address("1"), "data": fields}


def assert_silent(answer: httpx.Response) -> None:
    headers = {name: value for name, value in answer.headers.items() if name != "location"}
    assert MARKER.lower() not in answer.text.lower(), answer.text[:300]
    assert MARKER.lower() not in str(headers).lower()


def test_no_refusal_repeats_what_was_sent(alice: User, service: Watched, record_property: Record) -> None:
    stranger = service.client()
    seen: dict[int, int] = {}
    for client in (alice.client, stranger):
        for operation in operations(alice.client):
            for request in hostile(operation):
                answer = client.request(operation.method, **request)
                if answer.is_client_error:
                    assert answer.headers["content-type"] == MEDIA_TYPE
                    assert_silent(answer)
                    seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
    assert seen.keys() >= {400, 401, 404, 413, 415, 422}
    record_property("refusals that repeat what was sent", (0, sum(seen.values())))


def test_conflicts_repeat_nothing_either(alice: User, service: Watched) -> None:
    account = {"email": f"{MARKER}@example.com", "password": f"{MARKER} {MARKER}"}
    client = service.client()
    assert client.post("/api/auth/register", json=account).status_code == 201
    conversation = alice.conversation(client_id=MARKER, title=MARKER)
    alice.say(conversation, MARKER, client_id=MARKER)
    messages = f"/api/conversations/{conversation}/messages"
    sign_in = {"username": account["email"], "password": f"{MARKER}!"}
    refused = {
        "email_taken": client.post("/api/auth/register", json=account),
        "sign_in_failed": client.post("/api/auth/token", data=sign_in),
        "client_id_reused": alice.post(messages, {"content": f"{MARKER}!", "client_id": MARKER}),
    }
    for code, answer in refused.items():
        assert refusal(answer)[1] == code
        assert_silent(answer)


def test_a_request_id_is_repeated_only_if_it_is_one(alice: User) -> None:
    for fine in (MARKER, "a", "A-b_c.9", "x" * 64):
        assert alice.get("/healthz", headers={"X-Request-ID": fine}).headers["x-request-id"] == fine
    for wrong in (f"{MARKER} {MARKER}", "x" * 65, "é", "a,b", '"', "<script>", "%0d%0a", ""):
        headers = {b"X-Request-ID": wrong.encode()}
        told = alice.client.get("/healthz", headers=headers).headers["x-request-id"]
        assert told
        assert told != wrong
