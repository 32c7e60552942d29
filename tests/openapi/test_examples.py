"""Every example of the document is sent as it stands, and every answer is what the document says."""

import json

import pytest
from jsonschema import ValidationError

from openapi.document import STREAM, Document, Json, nodes
from openapi.examples import answers
from support import Service, User


def test_the_examples_of_every_operation_succeed_on_a_new_service(fresh_service: Service) -> None:
    document = Document(fresh_service.client().get("/openapi.json").json())
    sent = 0
    for operation, answer in answers(document, fresh_service):
        assert answer.status_code in operation.successes, (operation.name, answer.text)
        operation.check(answer)
        sent += 1
    print(f"{sent} examples of {len(document.operations)} operations, 0 refused")


def test_the_turn_that_is_shown_is_the_one_that_the_first_example_leads_to(fresh_service: Service) -> None:
    document = Document(fresh_service.client().get("/openapi.json").json())
    alice = fresh_service.user("alice@example.com")
    document.operation("start_chat").send(alice.client)
    turn = document.operation("send_message").send(alice.client).json()
    (shown,) = document.content["components"]["schemas"]["Turn"]["examples"]
    for name in ("message", "reply"):
        of_this_moment = {moment: shown[name][moment] for moment in ("created_at", "timings")}
        assert turn[name] | of_this_moment == shown[name]


@pytest.mark.parametrize("name", ["send_message", "chat_with_ai_sdk"])
def test_the_stream_that_is_shown_is_the_one_that_the_first_example_leads_to(
    name: str, fresh_service: Service
) -> None:
    document = Document(fresh_service.client().get("/openapi.json").json())
    alice = fresh_service.user("alice@example.com")
    if name == "send_message":
        document.operation("start_chat").send(alice.client)
    answer = document.operation(name).send(alice.client, headers={"Accept": STREAM})
    document.operation(name).check(answer)
    start, asked, *rest = _events(answer.text)
    assert (asked["type"], asked["data"]["content"]) == ("data-message", "add buy milk")
    for operation in document.operations:
        if operation.is_streamed:
            assert [start, *rest] == _events(operation.successes[200]["content"][STREAM]["example"])


def test_the_same_key_in_the_header_is_the_same_request(alice: User, document: Document) -> None:
    ids = dict.fromkeys(("sessionId", "conversation_id"), alice.conversation())
    for operation in document.operations:
        for one in operation.parameters:
            if one["name"] == "Idempotency-Key":
                key = {one["name"]: one["schema"]["examples"][0] + operation.name}
                first, again, other = (
                    operation.send(alice.client, ids, headers=headers) for headers in (key, key, {})
                )
                assert first.is_success, first.text
                assert again.json() == first.json() != other.json(), operation.name


def test_an_example_of_a_schema_fits_it(document: Document) -> None:
    tried = 0
    for schema in nodes(document.content):
        if isinstance(examples := schema.get("examples"), list):
            for example in examples:
                document.check(example, schema)
                tried += 1
    assert tried >= 40
    print(f"{tried} examples, 0 do not fit")


def test_pages_that_postgres_made_fit_their_schema(alice: User, service: Service, document: Document) -> None:
    conversation = _filled(alice, service)
    ids = {"sessionId": conversation, "conversation_id": conversation}
    for name, least, parameters in (
        ("list_conversations", 5, {"limit": 3}),
        ("list_messages", 5, {"limit": 3}),
        ("get_history", 5, {"limit": 3}),
        ("get_history", 5, {"limit": 3, "format": "ui"}),
        ("list_todos", 5, {}),
        ("list_live", 1, {}),
    ):
        operation = document.operation(name)
        seen = 0
        while True:
            answer = operation.send(alice.client, ids, params=parameters)
            operation.check(answer)
            page = answer.json()
            seen += len(page["items"])
            if not page.get("next_cursor"):
                break
            parameters["cursor"] = page["next_cursor"]
        assert seen >= least, name
    operation = document.operation("list_messages")
    found = operation.send(alice.client, ids, params={"limit": 200}).json()["items"]
    statuses = document.content["components"]["schemas"]["Message"]["properties"]["status"]["enum"]
    assert {message["status"] for message in found} == set(statuses)
    for field in ("parts", "usage", "timings", "finish_reason", "client_id"):
        assert {message[field] is None for message in found} == {True, False}, field


def test_an_account_of_an_issuer_fits_its_schema_like_a_local_one(
    alice: User, service: Service, document: Document
) -> None:
    sql = "INSERT INTO \"user\" (issuer, subject) VALUES ('https://issuer.example', 'alice') RETURNING id"
    guest = service.user_of(service.postgres.value(sql))
    for user in (alice, guest):
        document.operation("get_me").check(document.operation("get_me").send(user.client))


@pytest.mark.parametrize(
    "change",
    [{"surprise": 1}, {"created_at": "yesterday"}, {"created_at": "2026-11-21T09:12:30+01:00"}, {"id": "1"}],
)
def test_an_answer_that_is_not_as_documented_is_noticed(
    change: dict[str, object], alice: User, document: Document
) -> None:
    answer = alice.get(f"/api/conversations/{alice.conversation()}")
    schema = {"$ref": "#/components/schemas/Conversation"}
    document.check(answer.json(), schema)
    with pytest.raises(ValidationError):
        document.check(answer.json() | change, schema)


PARTS = '[{"type": "tool-tell_time", "toolCallId": "1", "state": "input-available", "input": {"zone": null}}]'
USAGE = '{"input_tokens": 10, "output_tokens": 3}'
TIMINGS = '{"first_token_ms": 3, "total_ms": 5}'


def _events(stream: str) -> list[Json]:
    """The events of a stream, with what was said in several pieces made one."""
    lines = [line.removeprefix("data: ") for line in stream.split("\n\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    found: list[Json] = []
    for event in map(json.loads, lines):
        if found and found[-1]["type"] == event["type"] == "text-delta":
            found[-1]["delta"] += event["delta"]
        else:
            found.append(event)
    return found


def _filled(alice: User, service: Service) -> int:
    """Conversations, todos and messages with every status and every field null and not; the fullest's id."""
    for number in range(6):
        alice.conversation(
            **({} if number % 2 else {"title": f"Reise № {number}", "client_id": f"c{number}"})
        )
        alice.post("/api/todos", {"title": f"Milch {number} 🥛"})
    conversation = alice.conversation()
    for status in ("complete", "stopped", "interrupted", "failed", "streaming"):
        asked = alice.say(conversation, 'Wie spät?\n\t"👋"', client_id=f"q-{status}")
        reply = alice.say(conversation, "Zehn." if status != "failed" else "-", role="assistant")
        service.postgres.rows(
            "UPDATE message SET status = %s, model = 'm', finish_reason = %s, parts = %s, usage = %s, "
            "timings = %s, lease_until = CASE WHEN %s THEN now() + interval '1 hour' END WHERE id = %s",
            status, *(("stop", PARTS, USAGE, TIMINGS) if status == "complete" else [None] * 4),
            status == "streaming", reply["id"],
        )  # fmt: skip
        assert asked["status"] == "complete"
    return conversation
