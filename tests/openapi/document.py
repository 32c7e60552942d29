"""An OpenAPI document, read as its users read it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

Json = dict[str, Any]

PROBLEM = "application/problem+json"
STREAM = "text/event-stream"
LINES = "application/jsonl"
STREAM_HEADER = "x-vercel-ai-ui-message-stream"
ENDS_TOKENS = ("change_password", "sign_out_everywhere", "erase_me")
COUNTS = ("RateLimit-Policy", "RateLimit")

formats = FormatChecker(())


@formats.checks("date-time", ValueError)
def _is_utc(value: object) -> bool:
    return isinstance(value, str) and value.endswith(("+00:00", "Z")) and bool(datetime.fromisoformat(value))


@dataclass(frozen=True)
class Document:
    """What `/openapi.json` serves."""

    content: Json

    @property
    def operations(self) -> list["Operation"]:
        """What makes things comes first, what deletes them and ends tokens last, at the very end the account.

        What has no ids comes before what has.
        """
        found = [
            Operation(self, method, path, specification)
            for path, methods in self.content["paths"].items()
            for method, specification in methods.items()
        ]
        order = ("post", "get", "put", "patch", "delete")

        def place(one: Operation) -> tuple[object, ...]:
            last = ENDS_TOKENS.index(one.name) + 1 if one.name in ENDS_TOKENS else 0
            return last, order.index(one.method), one.path.count("{"), one.path

        return sorted(found, key=place)

    def operation(self, name: str) -> "Operation":
        """The one with this operation id."""
        return next(one for one in self.operations if one.name == name)

    def resolved(self, node: Json) -> Json:
        """What a reference stands for; the first choice of what may also be null."""
        if "anyOf" in node:
            return self.resolved(node["anyOf"][0])
        while "$ref" in node:
            *_, kind, name = node["$ref"].split("/")
            node = self.content["components"][kind][name]
        return node

    def check(self, value: object, schema: Json) -> None:
        """Raises ValidationError unless `value` fits, and has no field that the schema does not name."""
        whole = {**schema, "components": self.content["components"]}
        Draft202012Validator(_closed(whole), format_checker=formats).validate(value)


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    document: Document
    method: str
    path: str
    specification: Json

    @property
    def name(self) -> str:
        return str(self.specification["operationId"])

    @property
    def parameters(self) -> list[Json]:
        return list(self.specification.get("parameters", ()))

    @property
    def is_signed_in(self) -> bool:
        return "security" in self.specification

    @property
    def successes(self) -> dict[int, Json]:
        """What it answers if all is well, by status."""
        responses = self.specification["responses"].items()
        return {int(status): response for status, response in responses if status.startswith("2")}

    @property
    def links(self) -> Json:
        """Where its success leads."""
        return {
            title: link
            for response in self.successes.values()
            for title, link in response.get("links", {}).items()
        }

    @property
    def is_streamed(self) -> bool:
        return any(STREAM in response.get("content", ()) for response in self.successes.values())

    @property
    def media_type(self) -> str | None:
        """What its body is sent as."""
        return next(iter(self.specification.get("requestBody", {}).get("content", ())), None)

    @property
    def bodies(self) -> list[Json]:
        """The examples of its body: whole ones, else one of the examples of its fields."""
        if self.media_type is None:
            return []
        schema = self.specification["requestBody"]["content"][self.media_type]["schema"]
        schema = self.document.resolved(schema)
        fields = schema["properties"].items()
        one = {name: field["examples"][0] for name, field in fields if "examples" in field}
        return list(schema.get("examples", [one]))

    @property
    def problems(self) -> dict[str, Json]:
        """The examples of what it refuses, by code."""
        return {
            code: example["value"]
            for response in self.specification["responses"].values()
            for code, example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).items()
        }

    def send(
        self, client: httpx.Client, ids: Mapping[str, object] | None = None, **instead: Any
    ) -> httpx.Response:
        """Sends it with its examples, or with these `ids` in the path and these arguments of httpx."""
        in_path = {
            one["name"]: one["schema"]["examples"][0] for one in self.parameters if one["in"] == "path"
        }
        path = self.path.format_map(in_path | dict(ids or {}))
        needed = (one for one in self.parameters if one["in"] == "query" and one["required"])
        query = {one["name"]: one["schema"]["examples"][0] for one in needed}
        instead["params"] = query | (instead.get("params") or {})
        body: Json = {}
        if self.bodies and not {"json", "data", "content"} & set(instead):
            body = {"json" if self.media_type == "application/json" else "data": self.bodies[0]}
        return client.request(self.method, path, **body, **instead)

    def check(self, answer: httpx.Response) -> None:
        """Asserts that an answer is one that the document describes, headers and all."""
        assert str(answer.status_code) in self.specification["responses"], (self.name, answer.text)
        response = self.specification["responses"][str(answer.status_code)]
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        assert (STREAM_HEADER in response["headers"]) == (STREAM in response.get("content", ())), self.name
        documented = set(response["headers"]) - ({STREAM_HEADER} if media_type != STREAM else set())
        for name in self.document.content["components"]["headers"]:
            # Which refusals come before anything is counted, the document does not say.
            if name not in COUNTS or name in documented:
                assert (name in documented) == (name in answer.headers), (self.name, answer, name)
        for name in documented:
            schema = self.document.resolved(response["headers"][name])["schema"]
            value = answer.headers[name]
            self.document.check(int(value) if schema["type"] == "integer" else value, schema)
        if "content" not in response:
            assert answer.content == b""
            return
        value = answer.text if media_type.startswith("text/") or media_type == LINES else answer.json()
        self.document.check(value, response["content"][media_type]["schema"])


def nodes(node: object) -> Iterator[Json]:
    """Every object of a document, from the outside in."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(inner)


def _closed(node: Any) -> Any:
    """A schema that refuses what it does not name: an answer must have no undocumented field."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    return {**closed, "additionalProperties": False} if isinstance(node.get("properties"), dict) else closed
