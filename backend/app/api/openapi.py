"""Builds the OpenAPI document, which people read and generate clients from."""

import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from ..errors import (
    BodyInvalid,
    BodyTooLarge,
    BodyTooSlow,
    ChatError,
    DatabaseBusy,
    DatabaseUnavailable,
    EncodingUnsupported,
    HeadTooLarge,
    IssuerUnavailable,
    MediaTypeUnsupported,
    NotAuthenticated,
    RateLimited,
    RequestUnreadable,
    TargetTooLong,
    TooManyConnections,
)
from ..models import accounts, ai_sdk, api, erasure, examples, search
from ..models.problem import Fault, Problem
from .errors import MEDIA_TYPE, invalid, refusal, title

Json = dict[str, Any]

DESCRIPTION = """Chat history that is never lost, doubled, reordered or leaked.

To try it here: {sign_in}, **start** a chat, and send it `help`.

* Times are RFC 3339 in UTC. Long lists come in pages: give `next_cursor` back as `cursor` until it is null.
* A request with a `client_id`, or an `Idempotency-Key`, may be repeated safely: the same one again
  changes nothing.
* A reply can be read as it is written: ask for `text/event-stream`. What comes is the UI message stream of
  the AI SDK, and `POST /api/chat` takes the requests of its `useChat`.
* What is refused is answered with a problem (RFC 9457) whose `code` never changes its meaning.
* Any request may be refused before it is known what it asks for, with a problem too, and its connection is
  closed: {early}. They stand in this document once, in `components`."""

SIGN_IN = {
    False: "**register**, press **Authorize** and sign in",
    True: "press **Authorize** and give it a token of your issuer",
}

TAGS: list[Json] = [
    {"name": "chat", "description": "Talk with the assistant: start, send, stream, stop, read back."},
    {"name": "conversations", "description": "Conversations and their messages, without the assistant."},
    {"name": "todos", "description": "The todos that the offline assistant manages."},
    {"name": "accounts", "description": "Who you are, and where your token comes from."},
    {"name": "operations", "description": "For whoever runs it."},
]

STREAM = "text/event-stream"
LINES = "application/jsonl"
STREAM_HEADER = "x-vercel-ai-ui-message-stream"

HEADERS: dict[str, Json] = {
    "X-Request-ID": {
        "description": "The request's id in the logs: yours, if you sent one.",
        "schema": {"type": "string", "examples": ["3f9c0a4be1d27756"]},
    },
    "Location": {
        "description": "Where to read what was made.",
        "schema": {"type": "string", "format": "uri-reference", "examples": ["/api/conversations/1"]},
    },
    "Content-Disposition": {
        "description": "It is a file to keep.",
        "schema": {"type": "string", "examples": ['attachment; filename="chat-history.jsonl"']},
    },
    "Retry-After": {
        "description": "Seconds to wait before the same request is sent again.",
        "schema": {"type": "integer", "examples": [1]},
    },
    "RateLimit-Policy": {
        "description": "The limits that count the request: how many (q) in so many seconds (w).",
        "schema": {"type": "string", "examples": ['"requests";q=1200;w=60']},
    },
    "RateLimit": {
        "description": "What is left of each (r), and in how many seconds it is whole again (t); of the one "
        "that refused a request, in how many it can be sent again. "
        "Both headers are those of draft-ietf-httpapi-ratelimit-headers-11.",
        "schema": {"type": "string", "examples": ['"requests";r=1199;t=1']},
    },
    STREAM_HEADER: {
        "description": "The version of the AI SDK's UI message stream. Only with `text/event-stream`.",
        "schema": {"type": "string", "examples": ["v1"]},
    },
    "WWW-Authenticate": {
        "description": "How to say who you are (RFC 6750).",
        "schema": {"type": "string", "examples": ["Bearer"]},
    },
}


EARLY = (RequestUnreadable, BodyTooSlow, TargetTooLong, HeadTooLarge, TooManyConnections)
"""Errors that any request may get. Operations do not list them, because they would nearly all be noise."""

_LIMITS = ("RateLimit-Policy", "RateLimit")
"""Documented for successes and 429. Other refusals have them too, unless they come before any count."""


def answers(
    model: Any,
    *refusals: ChatError | type[ChatError],
    status: int = 200,
    stream: bool = False,
    empty: bool = False,
    lines: bool = False,
    **more: Any,
) -> Any:
    """Returns the `responses` of a route: its success, and the refusals that are specific to it.

    `model` is a model or a union of models, or None where FastAPI knows it. With `stream` the response may be
    an event stream, with `empty` also 204. With `lines` it is an export, as JSON lines.
    """
    success: Json = {"description": HTTPStatus(status).phrase, **more}
    if model is not None:
        success["model"] = model
    if status == HTTPStatus.CREATED and "links" in more:  # a created resource with links has an address
        success["headers"] = _headers("Location")
    if stream:
        success["headers"] = _headers(STREAM_HEADER)
        # Client generators handle a stream as text.
        success["content"] = {STREAM: {"schema": {"type": "string"}, "example": examples.STREAMED}}
    if lines:
        success["headers"] = _headers("Content-Disposition")
        success["content"] = {LINES: {"schema": {"type": "string"}, "example": examples.EXPORTED}}
    nothing = {204: {"description": HTTPStatus(204).phrase}} if empty else {}
    return {status: success, **nothing, **_problems(refusals)}


def links(parameters: dict[str, str], **operations: str) -> Json:
    """Returns the links from a response to other operations: `operations` maps names to operation ids.

    They all use the same `parameters`, whose values are runtime expressions.
    """
    return {
        name: {"operationId": operation, "parameters": parameters} for name, operation in operations.items()
    }


def operation_id(route: APIRoute) -> str:
    """Returns the name of the route's function, which generated clients use for their methods."""
    return route.name


def install(app: FastAPI, *, external_issuer: bool) -> None:
    """Serves FastAPI's document, completed with what it does not know; routes keep their current order."""
    routes = list(app.routes)

    def document() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app, routes, external_issuer)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend it


def _completed(app: FastAPI, routes: list[BaseRoute], external_issuer: bool) -> Json:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION.format(sign_in=SIGN_IN[external_issuer], early=_listed(EARLY)),
        routes=routes,
        tags=TAGS,
    )
    components = document["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    definition = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    components["schemas"] |= {**definition.pop("$defs"), "Problem": definition}
    components["headers"] = HEADERS
    components["responses"] = {
        error.__name__: _problem_response(refusal(error), *error.headers) for error in EARLY
    }
    known = vars(accounts) | vars(api) | vars(ai_sdk) | vars(search) | vars(erasure)
    for name, schema in components["schemas"].items():
        if "examples" in schema:  # FastAPI drops nulls from the document, even in examples
            schema["examples"] = known[name].model_config["json_schema_extra"]["examples"]
    signed_in: tuple[type[ChatError], ...] = (NotAuthenticated, RateLimited)
    if external_issuer:
        components["securitySchemes"] = {
            "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        }
        signed_in += (IssuerUnavailable,)
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation, signed_in if "security" in operation else (), components["schemas"])
    for part in ("paths", "components"):
        document[part] = _without_titles(document[part])
    return document


def _complete(operation: Json, refusals: tuple[type[ChatError], ...], schemas: Json) -> None:
    operation["summary"], *more = re.split(r"\.\s+", operation["description"], maxsplit=1)
    operation["description"] = "".join(more)
    body = operation.get("requestBody", {"content": {}})["content"]
    refusals += (BodyTooLarge, EncodingUnsupported, MediaTypeUnsupported) if body else ()
    refusals += (BodyInvalid,) if "application/json" in body else ()
    refusals += (DatabaseUnavailable, DatabaseBusy) if "operations" not in operation["tags"] else ()
    problems = _problems(refusals)
    if fault := _likely_fault(operation, schemas):
        problems[422] = _problem_response(invalid(fault))
    responses = operation["responses"]
    if "application/json" in responses.get("422", {}).get("content", ()):
        del responses["422"]  # FastAPI's own: this service never sends it
    for status, response in problems.items():
        known = responses.setdefault(str(status), response)["content"][MEDIA_TYPE]
        known["examples"] |= response["content"][MEDIA_TYPE]["examples"]
    counted = _LIMITS if "429" in {str(status) for status in responses} else ()
    for status, response in responses.items():
        told = counted if str(status)[0] == "2" or str(status) == "429" else ()
        response["headers"] = _headers("X-Request-ID", *told) | response.get("headers", {})
    operation["responses"] = dict(sorted(responses.items()))


def _likely_fault(operation: Json, schemas: Json) -> Fault | None:
    """Returns an example of a fault that the operation's input may have, or None.

    It is an unknown or a missing field of the body, a number that is too small, or a header that is too long.
    """
    for body in operation.get("requestBody", {"content": {}})["content"].values():
        (choice, *_) = body["schema"].get("anyOf", [body["schema"]])
        schema = schemas[choice["$ref"].rpartition("/")[2]]
        if schema.get("additionalProperties", True):
            return Fault(location=["body", schema["required"][0]], code="missing", detail="Field required")
        return Fault(
            location=["body"],
            code="extra_forbidden",
            detail="Has a field that this operation does not know.",
        )
    for parameter in operation.get("parameters", ()):
        if "minimum" in parameter["schema"]:
            least = parameter["schema"]["minimum"]
            detail = f"Input should be greater than or equal to {least}"
            where = [parameter["in"], parameter["name"]]
            return Fault(location=where, code="greater_than_equal", detail=detail)
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header":
            detail = f"Longer than {parameter['schema']['anyOf'][0]['maxLength']} characters."
            return Fault(location=["header", parameter["name"]], code="text_too_long", detail=detail)
    return None


def _problems(refusals: tuple[ChatError | type[ChatError], ...]) -> dict[int, Json]:
    found: dict[int, Json] = {}
    for error in refusals:
        response = _problem_response(refusal(error), *error.headers)
        if error.status in found:
            examples = found[error.status]["content"][MEDIA_TYPE]["examples"]
            examples |= response["content"][MEDIA_TYPE]["examples"]
        else:
            found[error.status] = response
    return found


def _problem_response(example: Problem, *headers: str) -> Json:
    """Omits headers that only some responses of a status have, or that concern the connection."""
    schema = {"$ref": "#/components/schemas/Problem"}
    examples = {example.code: {"value": example.model_dump(exclude_none=True)}}
    return {
        "description": title(example.status),
        "headers": _headers(*(name for name in headers if name in HEADERS)),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _listed(errors: tuple[type[ChatError], ...]) -> str:
    return ", ".join(f"{error.status} `{error.code}`" for error in errors)


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _without_titles(node: Any) -> Any:
    """Drops the titles that pydantic derives from field names: they are noise in generated clients."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value if key == "examples" else _without_titles(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }
