"""The operations of an OpenAPI document, and how each is called.

There are only rules here, over names and schemas: a new operation is called like the others, or the test that
walks the document fails and says what it does not know.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .answer import STREAM, Answer

Json = dict[str, Any]

TABLES = {
    "conversation_id": "conversation",
    "sessionId": "conversation",
    "id": "conversation",
    "todo_id": "todo",
    "message_id": "message",
    "reply_id": "message",
    "around": "message",
    "messageId": "message",
}
"""Whose rows the ids in a request are. A text may also be the id that a client gave the row."""

KEYS = ("client_id", "Idempotency-Key", "messages.id")
"""By these, chosen by clients, a service knows a request again."""

CHOSEN_BY_CLIENTS = {*KEYS, "message.id"}
MAKES = "id"
"""Here a text that no row of one's own is called by makes one that is."""

ENDS = ("erase_me",)
"""After these, there is nobody to call another one."""

_NAMES_A_ROW = re.compile(r"(^|_)ids?$|Ids?$|^around$")
_WITH_LESS = [{"trigger": "regenerate-message", "messages": []}]
"""What can be asked with less than the document's examples have."""


class Uncovered(AssertionError):
    """There is no rule for how to call an operation: add one here, so that it is tried as another user."""


@dataclass(frozen=True)
class Operation:
    """One operation of a document. A field within a field of its body is named with a dot."""

    document: Json
    method: str
    path: str
    description: Json

    @property
    def name(self) -> str:
        return str(self.description["operationId"])

    @property
    def successes(self) -> set[int]:
        """The 2xx that the document promises."""
        return {int(status) for status in self.description["responses"] if status.startswith("2")}

    @property
    def needs_token(self) -> bool:
        return "security" in self.description

    @property
    def schemas(self) -> dict[str, Json]:
        """Every parameter and every field of the body, however deep, by name."""
        _, body = self._content
        parameters = {parameter["name"]: parameter.get("schema", {}) for parameter in self._parameters}
        return parameters | dict(self._fields("", body))

    @property
    def tables(self) -> dict[str, str]:
        """The names that are ids of rows, and of which table. Raises Uncovered for an unknown one."""
        ids = [name for name in self.schemas if _NAMES_A_ROW.search(name.rpartition(".")[2])]
        known = {**TABLES, **dict.fromkeys(CHOSEN_BY_CLIENTS)}
        if unknown := [name for name in ids if name not in known]:
            raise Uncovered(f"{self.name}: which table are {unknown} ids of?")
        return {name: table for name in ids if (table := known[name]) is not None}

    @property
    def keys(self) -> list[str]:
        """What it knows a request again by."""
        return [name for name in KEYS if name in self.schemas]

    @property
    def ways(self) -> list[Json]:
        """Each way to call it: with all that can be chosen, for all that it may answer with."""
        choices = {
            name: schema["enum"]
            for name, schema in self.schemas.items()
            if "enum" in schema and "." not in name
        }
        media_types = list(self.description["responses"].get("200", {}).get("content", {}))
        if STREAM in media_types:
            choices["Accept"] = media_types
        chosen = [dict(zip(choices, each, strict=True)) for each in itertools.product(*choices.values())]
        return chosen + [less for less in _WITH_LESS if less.keys() <= self.schemas.keys()]

    def is_text(self, name: str) -> bool:
        return self.schemas[name].get("type") == "string"

    def may_be_left_out(self, name: str) -> bool:
        _, body = self._content
        needed = [parameter["name"] for parameter in self._parameters if parameter.get("required")]
        return name not in [*needed, *self._plain(body).get("required", [])]

    def call(
        self,
        client: httpx.Client,
        values: Mapping[str, Any],
        enough: Callable[[bytes], bool] = lambda _: False,
    ) -> Answer:
        """Sends it with `values` where they are asked for by name, else with the document's examples.

        A stream is read to its end, or until what was read is enough.
        """
        given: dict[str, Json] = {"query": {}, "header": {"Accept": values.get("Accept", "*/*")}, "path": {}}
        for parameter in self._parameters:
            name = parameter["name"]
            if name in values:
                given[parameter["in"]][name] = values[name]
            elif parameter.get("required") and parameter["in"] == "query":
                given["query"][name] = parameter["schema"]["examples"][0]
        media_type, schema = self._content
        body = {}
        if media_type:
            body = {"json" if "json" in media_type else "data": self._example("", schema, values)}
        path = self.path.format_map(given["path"])
        options = {"params": given["query"], "headers": given["header"], **body}
        began = time.monotonic()
        with client.stream(self.method, path, **options) as answer:
            return Answer.read(answer, enough, began)

    @property
    def _parameters(self) -> list[Json]:
        return list(self.description.get("parameters", []))

    @property
    def _content(self) -> tuple[str, Json]:
        content = self.description.get("requestBody", {}).get("content", {})
        return next(((media_type, each["schema"]) for media_type, each in content.items()), ("", {}))

    def _plain(self, schema: Json) -> Json:
        """The schema without the reference and without the null around it."""
        for choice in schema.get("anyOf", []):
            if choice.get("type") != "null":
                return self._plain({**choice, **schema, "anyOf": []})
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._plain(self.document["components"]["schemas"][name])
        return schema

    def _fields(self, name: str, schema: Json) -> Iterator[tuple[str, Json]]:
        schema = self._plain(schema)
        if "items" in schema:
            yield from self._fields(name, schema["items"])
        for field, inner in schema.get("properties", {}).items():
            yield name + field, self._plain(inner)
            yield from self._fields(f"{name}{field}.", inner)

    def _example(self, name: str, schema: Json, values: Mapping[str, Any]) -> Any:
        if name in values:
            return values[name]
        schema = self._plain(schema)
        if "properties" in schema:
            whole = schema.get("examples", [{}])[0]
            inside = name and f"{name}."
            return {
                field: self._example(inside + field, self._like(inner, whole, field), values)
                for field, inner in schema["properties"].items()
                if inside + field in values or field in whole or field in schema.get("required", ())
            }
        if "items" in schema and "examples" in schema:
            items = schema["examples"][0]
            return [
                self._example(name, self._like(schema["items"], items, place), values)
                for place in range(len(items))
            ]
        for known in ("examples", "enum"):
            if known in schema:
                return schema[known][0]
        for known in ("const", "default"):
            if known in schema:
                return schema[known]
        if "items" in schema:
            return [self._example(name, schema["items"], values)]
        raise Uncovered(f"{self.name}: the schema of {name!r} has no example")

    def _like(self, schema: Json, example: Any, place: str | int) -> Json:
        """The schema with what an example has at a place, if it has anything there."""
        if isinstance(place, str) and place not in example:
            return schema
        return {**self._plain(schema), "examples": [example[place]]}


def operations(document: Json) -> list[Operation]:
    """All of them, in the order of the document, and at last what ends the account."""
    found = [
        Operation(document, method.upper(), path, description)
        for path, methods in document["paths"].items()
        for method, description in methods.items()
    ]
    return sorted(found, key=lambda operation: operation.name in ENDS)
