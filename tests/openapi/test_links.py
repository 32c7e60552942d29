"""From an answer that made something, a client finds its way to everything that can be done with it."""

from typing import Any

import httpx
import pytest

from openapi.document import Document, Json, Operation
from support import User


def value_of(expression: str, answer: httpx.Response) -> object:
    """What a runtime expression of a link says (OpenAPI 3.1, section 4.8.20.4): a place in the body, or the
    session in the path.
    """
    if expression == "$request.path.sessionId":
        return answer.request.url.path.split("/")[3]
    start, _, pointer = expression.partition("#/")
    assert start == "$response.body"
    value: Any = answer.json()
    for name in pointer.split("/"):
        value = value[name]
    return value


def links(document: Document, operation: Operation, answer: httpx.Response) -> list[tuple[Operation, Json]]:
    """The operations that an answer links to, with their parameters; what deletes is last."""
    found = [
        (
            document.operation(link["operationId"]),
            {name: value_of(expression, answer) for name, expression in link["parameters"].items()},
        )
        for link in operation.links.values()
    ]
    return sorted(found, key=lambda one: one[0].method == "delete")


def follow(target: Operation, parameters: Json, alice: User, bob: User) -> httpx.Response:
    """The answer to Alice; Bob cannot follow the link."""
    schemas = {one["name"]: one["schema"] for one in target.parameters if one["in"] == "path"}
    assert set(parameters) == set(schemas)
    for parameter, value in parameters.items():
        target.document.check(value, schemas[parameter])
    assert target.send(bob.client, parameters).status_code == 404, target.name
    followed = target.send(alice.client, parameters)
    assert followed.status_code in target.successes, (target.name, followed.text)
    target.check(followed)
    return followed


@pytest.mark.parametrize("name", ["start_chat", "create_conversation", "create_todo"])
def test_every_link_leads_on_and_nobody_else_can_follow_it(
    name: str, alice: User, bob: User, document: Document
) -> None:
    operation = document.operation(name)
    answer = operation.send(alice.client)
    assert alice.get(answer.headers["Location"]).status_code == 200
    assert bob.get(answer.headers["Location"]).status_code == 404
    found = links(document, operation, answer)
    for target, parameters in found:
        follow(target, parameters, alice, bob)
    print(f"{len(found)} links of {name}, 0 lead nowhere")
    assert {target.method for target, _ in found} >= {"get", "patch", "delete"}
    assert alice.get(answer.headers["Location"]).status_code == 404


@pytest.mark.parametrize("name", ["send_message", "regenerate_reply"])
def test_a_turn_links_to_what_can_be_done_with_its_reply(
    name: str, alice: User, bob: User, document: Document
) -> None:
    session = {"sessionId": str(alice.conversation())}
    answer = document.operation("send_message").send(alice.client, session)
    if name == "regenerate_reply":
        answer = document.operation(name).send(alice.client, session)
    found = {
        target.name: (target, parameters)
        for target, parameters in links(document, document.operation(name), answer)
    }
    assert found.keys() == {"list_versions", "give_feedback"}
    assert answer.json()["reply"] in follow(*found["list_versions"], alice, bob).json()["items"]
    follow(*found["give_feedback"], alice, bob)
    (*_, rated) = follow(*found["list_versions"], alice, bob).json()["items"]
    assert rated == answer.json()["reply"] | {"feedback": "up"}


def test_whatever_makes_something_with_an_address_links_to_its_operations(document: Document) -> None:
    """What has operations of its own below an address must be found from where it is made."""
    linked = {link["operationId"] for operation in document.operations for link in operation.links.values()}
    assert linked == {operation.name for operation in document.operations if "{" in operation.path}
