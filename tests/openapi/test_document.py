"""The document itself: valid, complete, readable, and the same for everybody."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from pkgutil import iter_modules

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.routing import APIRoute, APIRouter
from openapi_spec_validator import OpenAPIV31SpecValidator

import app.api
from openapi import committed
from openapi.document import PROBLEM, STREAM, STREAM_HEADER, Document, nodes
from support import Service

Serve = Callable[..., AbstractContextManager[Service]]


def test_it_is_valid_openapi_3_1(document: Document) -> None:
    assert document.content["openapi"].startswith("3.1.")
    assert not list(OpenAPIV31SpecValidator(document.content).iter_errors())
    del document.content["paths"]["/healthz"]["get"]["responses"]["200"]["description"]
    assert list(OpenAPIV31SpecValidator(document.content).iter_errors())


def test_the_one_in_the_repository_is_the_one_that_is_served(document: Document) -> None:
    assert committed.FILE.read_text(encoding="utf-8") == committed.current(), committed.__doc__
    assert json.loads(committed.current()) == document.content


def test_every_route_is_in_it_under_the_name_of_its_function(document: Document) -> None:
    names = [operation.name for operation in document.operations]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    routes = [
        route
        for module in iter_modules(app.api.__path__)
        for router in vars(import_module(f"app.api.{module.name}")).values()
        if isinstance(router, APIRouter)
        for route in router.routes
        if isinstance(route, APIRoute) and route.methods != {"HEAD"}
    ]
    assert sorted(route.endpoint.__name__ for route in routes) == sorted(names)


def test_every_operation_can_be_read(document: Document) -> None:
    tags = {tag["name"]: tag["description"] for tag in document.content["tags"]}
    for operation in document.operations:
        (tag,) = operation.specification["tags"]
        assert tags[tag]
        summary, description = operation.specification["summary"], operation.specification["description"]
        assert re.fullmatch(r"[A-Z].{4,70}[^.]", summary), summary
        assert re.fullmatch(r"[A-Z].{10,}\.", description, re.DOTALL), (operation.name, description)
    assert len({operation.specification["summary"] for operation in document.operations}) == len(
        document.operations
    )


def test_every_operation_says_what_it_refuses(document: Document) -> None:
    for operation in document.operations:
        codes = {problem["status"] for problem in operation.problems.values()}
        kinds = {parameter["in"] for parameter in operation.parameters}
        bounded = any({"minimum", "enum", "anyOf"} & one["schema"].keys() for one in operation.parameters)
        is_json = operation.media_type == "application/json"
        expected = {
            400: is_json or any(one["name"] == "cursor" for one in operation.parameters),
            401: operation.is_signed_in or operation.name == "create_token",
            403: operation.name in ("register", "create_token", "change_password", "erase_me"),
            404: "path" in kinds or operation.name == "chat_with_ai_sdk",  # its id is in the body
            413: operation.media_type is not None,
            415: operation.media_type is not None,
            422: bounded or operation.media_type is not None,
            429: operation.is_signed_in or operation.name in ("register", "create_token"),
            503: operation.name not in ("healthz", "metrics"),
        }
        assert codes - {409} == {status for status, refused in expected.items() if refused}, operation.name
        for status, response in operation.specification["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {PROBLEM}
                assert response["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert response["content"][PROBLEM]["examples"]
            assert "X-Request-ID" in response["headers"]
            assert ("Retry-After" in response["headers"]) == (status in ("429", "503"))
            assert ("WWW-Authenticate" in response["headers"]) == (status == "401")


def test_a_reply_comes_whole_or_as_a_stream_of_its_own_media_type(document: Document) -> None:
    streamed = {one.name: one.successes for one in document.operations if one.is_streamed}
    assert {name: list(successes) for name, successes in streamed.items()} == {
        "send_message": [200],
        "regenerate_reply": [200],
        "resume_stream": [200, 204],
        "chat_with_ai_sdk": [200],
    }
    for name, successes in streamed.items():
        whole = ["application/json"] if name in ("send_message", "regenerate_reply") else []
        assert list(successes[200]["content"]) == [*whole, STREAM]  # generators take the first one
        assert STREAM_HEADER in successes[200]["headers"]


def test_whatever_has_a_client_id_in_its_body_takes_it_as_a_header_too(document: Document) -> None:
    in_body = {
        operation.name
        for operation in document.operations
        if any(body.get("client_id") for body in operation.bodies)
    }
    in_header = {
        operation.name
        for operation in document.operations
        for one in operation.parameters
        if (one["in"], one["name"]) == ("header", "Idempotency-Key")
    }
    assert in_header == in_body | {"regenerate_reply"}  # which has no body
    assert len(in_body) == 4


def test_no_reference_dangles_and_no_schema_is_unused(document: Document) -> None:
    references = [node["$ref"] for node in nodes(document.content) if "$ref" in node]
    assert len(references) > 100
    used = {tuple(reference.split("/")[2:]) for reference in references}
    made = {(kind, name) for kind in ("schemas", "headers") for name in document.content["components"][kind]}
    assert used == made


def test_there_is_no_noise_for_generators(document: Document) -> None:
    schemas = document.content["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert not [name for name in schemas if name.endswith(("-Input", "-Output"))]
    noise = [
        node for node in nodes(document.content) if {"title", "type"} <= set(node) and "code" not in node
    ]
    assert not [node for node in noise if isinstance(node["title"], str)]


def test_local_accounts_sign_in_with_a_password_where_the_document_says(
    service: Service, document: Document
) -> None:
    (scheme,) = document.content["components"]["securitySchemes"].values()
    assert scheme["type"] == "oauth2"
    form = {"username": "alice@example.com", "password": "correct horse battery"}
    service.client().post(
        "/api/auth/register", json={"email": form["username"], "password": form["password"]}
    )
    answer = service.client().post(scheme["flows"]["password"]["tokenUrl"], data=form)
    assert answer.status_code == 200, answer.text
    assert service.client(answer.json()["access_token"]).get("/api/auth/me").status_code == 200


def test_an_external_issuer_has_bearer_tokens_and_no_accounts_here(serve_with: Serve) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    issuer = {"secret_key": None, "jwt_public_key": pem.decode(), "jwt_issuer": "https://issuer.example"}
    with serve_with(**issuer) as service:
        document = Document(service.client().get("/openapi.json").json())
    assert not list(OpenAPIV31SpecValidator(document.content).iter_errors())
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert list(document.content["components"]["securitySchemes"].values()) == [bearer]
    names = {operation.name for operation in document.operations}
    local = {operation.name for operation in Document(json.loads(committed.current())).operations}
    assert local - names == {"register", "create_token", "change_password", "sign_out_everywhere"}
    assert "register" not in document.content["info"]["description"]
