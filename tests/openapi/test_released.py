"""Clients that were written after an earlier document go on working: nothing that it says is taken back."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from openapi.committed import current
from openapi.compatible import Comparison
from openapi.document import LINES, Document, Json, Operation
from openapi.examples import answers
from openapi.released import NAMES, compact, released
from support import Service

NOT_DIGITS = {
    r"(start_chat|create_conversation) Idempotency-Key has another pattern": (
        "digits alone are taken for an id of ours: another conversation than the one that was made"
    )
}
INTENDED = {
    "2026-11-21-27-operations": {
        **NOT_DIGITS,
        r"create_token body\.grant_type has another pattern": "an empty one is taken, too",
        r"(register|create_token) body\.(email|username) has another pattern": (
            "what is no address never was taken, and now the document says so"
        ),
        r"[a-z_]+ (Idempotency-Key|cursor|body\.[a-zA-Z_.\[\]]+) has another pattern": (
            "a blank text never was taken, and now the document says so; for a conversation's, as above"
        ),
    },
    "2026-11-21-35-operations": NOT_DIGITS,
}
"""What is not as it was released, and why that is better than to leave it."""

GONE = object()
SCHEMAS = ("components", "schemas")
MESSAGE = (*SCHEMAS, "Message")
CREATE = (*SCHEMAS, "MessageCreate")
SEARCH = ("paths", "/api/search", "get")
CREATE_TODO = ("paths", "/api/todos", "post")
NEEDED = {"name": "since", "in": "query", "required": True, "schema": {"type": "string"}}
TEXT_OR_NULL = {"anyOf": [{"type": "string"}, {"type": "null"}]}

BREAKING: dict[str, tuple[tuple[str | int, ...], object]] = {
    "search_conversations is gone": (SEARCH, GONE),
    "search_conversations is called find": ((*SEARCH, "operationId"), "find"),
    "search_conversations cursor is gone": ((*SEARCH, "parameters", 2), GONE),
    "search_conversations since is needed": ((*SEARCH, "parameters", 3), NEEDED),
    "search_conversations limit is beyond the maximum": (
        (*SEARCH, "parameters", 1, "schema", "maximum"),
        100,
    ),
    "search_conversations limit is something else by default": (
        (*SEARCH, "parameters", 1, "schema", "default"),
        10,
    ),
    "healthz needs a token": (("paths", "/healthz", "get", "security"), [{"Bearer": []}]),
    "start_chat body is needed": (("paths", "/api/chat/start", "post", "requestBody", "required"), True),
    "create_todo body as application/json is gone": (
        (*CREATE_TODO, "requestBody", "content", "application/json"),
        GONE,
    ),
    "append_message body.role may be assistant": ((*CREATE, "properties", "role", "enum"), ["user"]),
    "append_message body.role is needed": ((*CREATE, "required"), ["content", "role"]),
    "append_message body.client_id is gone": ((*CREATE, "properties", "client_id"), GONE),
    "append_message body.client_id is of another type": (
        (*CREATE, "properties", "client_id", "anyOf", 1),
        GONE,
    ),
    "append_message body.content is of another type": ((*CREATE, "properties", "content", "type"), "integer"),
    "append_message body.content is beyond the maxLength": (
        (*CREATE, "properties", "content", "maxLength"),
        100,
    ),
    "append_message body.content is below the minLength": (
        (*CREATE, "properties", "content", "minLength"),
        2,
    ),
    "append_message body.content has another pattern": ((*CREATE, "properties", "content", "pattern"), "^a"),
    "create_todo 201 is gone": ((*CREATE_TODO, "responses", "201"), GONE),
    "create_todo 201 application/json is gone": (
        (*CREATE_TODO, "responses", "201", "content", "application/json"),
        GONE,
    ),
    "create_todo 201 header Location is gone": (
        (*CREATE_TODO, "responses", "201", "headers", "Location"),
        GONE,
    ),
    "create_todo 409 todo_limit_reached is gone": (
        (
            *CREATE_TODO,
            "responses",
            "409",
            "content",
            "application/problem+json",
            "examples",
            "todo_limit_reached",
        ),
        GONE,
    ),
    "append_message 201.seq is gone": ((*MESSAGE, "properties", "seq"), GONE),
    "append_message 201.seq is of another type": ((*MESSAGE, "properties", "seq", "type"), "string"),
    "append_message 201.content is of another type": ((*MESSAGE, "properties", "content"), TEXT_OR_NULL),
    "append_message 201.status is never failed": (
        (*MESSAGE, "properties", "status", "enum"),
        ["streaming", "complete", "stopped", "interrupted"],
    ),
    "append_message 201.role may be system": (
        (*MESSAGE, "properties", "role", "enum"),
        ["user", "assistant", "system"],
    ),
    "append_message 201.created_at has another format": (
        (*MESSAGE, "properties", "created_at", "format"),
        "date",
    ),
    "list_messages 200.items[].seq is left out": ((*MESSAGE, "required"), ["id"]),
}
"""What is said of each change: where it is made, and what is there afterwards."""

COMPATIBLE: dict[str, tuple[tuple[str | int, ...], object]] = {
    "an operation more": (("paths", "/api/news"), {"get": {"operationId": "news", "responses": {}}}),
    "a parameter that may be left out": ((*SEARCH, "parameters", 3), NEEDED | {"required": False}),
    "a larger limit": ((*CREATE, "properties", "content", "maxLength"), 2**21),
    "a limit less": ((*CREATE, "properties", "content", "maxLength"), GONE),
    "a role more to send": ((*CREATE, "properties", "role", "enum"), ["user", "assistant", "system"]),
    "a field more to send": ((*CREATE, "properties", "mood"), {"type": "string"}),
    "nothing that must be sent": ((*CREATE, "required"), GONE),
    "null, too, is taken": ((*CREATE, "properties", "content"), TEXT_OR_NULL),
    "a field more in an answer": ((*MESSAGE, "properties", "mood"), {"type": "string"}),
    "never null any more": ((*MESSAGE, "properties", "model"), {"type": "string"}),
    "one refusal more": ((*CREATE_TODO, "responses", "418"), {"description": "I'm a teapot"}),
    "another sentence": ((*MESSAGE, "properties", "seq", "description"), "Counts."),
}


def changed(document: Json, place: tuple[str | int, ...], value: object) -> Json:
    """A copy with something else at a place, or nothing."""
    copy: Any = deepcopy(document)
    node = copy
    for key in place[:-1]:
        node = node[key]
    if value is GONE:
        del node[place[-1]]
    elif isinstance(node, list):
        node.append(value)
    else:
        node[place[-1]] = value
    return copy  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def now() -> Json:
    return dict(json.loads(current()))


def test_what_was_released_is_not_taken_back(now: Json) -> None:
    compared = 0
    for name in NAMES:
        compared += len(released(name).operations)
        intended, used = INTENDED.get(name, {}), set()
        for what in Comparison(released(name), Document(now)).broken():
            reason = next((one for one in intended if re.fullmatch(one, what)), None)
            assert reason is not None, f"since {name}: {what}"
            used.add(reason)
        assert used == set(intended)
    assert compared > 0, "no document of an earlier version is here"
    print(f"{compared} operations of {len(NAMES)} documents, 0 taken back")


def test_what_is_kept_of_a_document_is_what_clients_rely_on(now: Json) -> None:
    kept = json.loads(json.dumps(compact(now)))
    for old, new in ((now, kept), (kept, now)):
        assert list(Comparison(Document(old), Document(new)).broken()) == []


@pytest.mark.parametrize("said", BREAKING)
def test_a_change_that_breaks_clients_is_noticed(said: str, now: Json) -> None:
    broken = list(Comparison(Document(now), Document(changed(now, *BREAKING[said]))).broken())
    assert said in broken, broken


@pytest.mark.parametrize("change", COMPATIBLE)
def test_a_change_that_breaks_nobody_is_none(change: str, now: Json) -> None:
    assert list(Comparison(Document(now), Document(changed(now, *COMPATIBLE[change]))).broken()) == []


@pytest.mark.parametrize("name", NAMES)
def test_requests_of_earlier_clients_are_taken_and_answered_as_they_know(
    name: str, fresh_service: Service
) -> None:
    document = released(name)
    sent = 0
    for operation, answer in answers(document, fresh_service):
        assert answer.status_code in operation.successes, (operation.name, answer.text)
        _fits(answer, operation)
        sent += 1
    assert sent > len(document.operations)
    print(f"{sent} requests of {len(document.operations)} operations, 0 refused")


def _fits(answer: Any, operation: Operation) -> None:
    """Whether an answer has all that an old document names; it may have more."""
    content = operation.specification["responses"][str(answer.status_code)].get("content", {})
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    assert (media_type in content) == bool(content), operation.name
    if content:
        value = answer.text if media_type.startswith("text/") or media_type == LINES else answer.json()
        whole = {**content[media_type]["schema"], "components": operation.document.content["components"]}
        Draft202012Validator(whole).validate(value)
