"""The operations as the service's own OpenAPI document tells them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    parameters: dict[str, list[str]]
    """The names of its parameters by place: `path`, `query`."""
    fields: list[str]
    """The names of its body's fields; none if it has no body."""
    media_type: str | None
    answers: dict[str, Any]

    def address(self, value: str) -> str:
        """Its path, with a value for each parameter in it."""
        return re.sub(r"\{\w+\}", lambda _: value, self.path)


def operations(client: httpx.Client) -> Iterator[Operation]:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters: dict[str, list[str]] = {"path": [], "query": [], "header": []}
            for parameter in operation.get("parameters", ()):
                parameters[parameter["in"]].append(parameter["name"])
            bodies = operation.get("requestBody", {}).get("content", {None: {"schema": {}}})
            [(media_type, body)] = bodies.items()
            fields = [name for schema in _models(body["schema"]) for name in schemas[schema]["properties"]]
            yield Operation(method.upper(), path, parameters, fields, media_type, operation["responses"])


def _models(schema: dict[str, Any]) -> Iterator[str]:
    for choice in schema.get("anyOf", [schema]):
        if "$ref" in choice:
            yield choice["$ref"].rpartition("/")[2]
