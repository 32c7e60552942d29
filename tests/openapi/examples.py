"""The examples of a document, as its readers try them: one after the other, on a new service."""

from collections.abc import Iterator

import httpx

from openapi.document import Document, Operation
from support import Service

ACCOUNT = {"email": "bob@example.com", "password": "correct horse battery"}


def answers(document: Document, service: Service) -> Iterator[tuple[Operation, httpx.Response]]:
    """What a service on which nothing has happened answers to each example of each operation."""
    client = service.client()
    for operation in document.operations:
        if operation.name == "erase_me":  # the operation before has ended all tokens of the first account
            registered = client.post("/api/auth/register", json=ACCOUNT)
            client = service.client(registered.json()["access_token"])
        for answer in _tried(operation, client):
            yield operation, answer
        # These come early, and late: the operations are in a sensible order.
        if operation.name in ("create_token", "change_password"):
            client = service.client(answer.json()["access_token"])


def _tried(operation: Operation, client: httpx.Client) -> Iterator[httpx.Response]:
    """The answers to all examples of an operation, and to no body if it may be left out."""
    for body in operation.bodies:
        kind = "json" if operation.media_type == "application/json" else "data"
        yield operation.send(client, **{kind: body})
    if not operation.specification.get("requestBody", {}).get("required", False):
        yield operation.send(client, content=b"")
