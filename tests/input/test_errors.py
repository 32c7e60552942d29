"""The tree of refusals: each has one code, is drawn in the docstring of `errors`, and is documented."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest

from app import errors
from app.errors import ChatError
from support import User

from .answers import Watched
from .operations import operations

NO_OPERATIONS_OWN = {
    "not_found": "the answer where no operation is",
    "unavailable": "only the ones below it are raised",
    "issuer_unavailable": "only with an external issuer",
    "body_too_slow": "the connection's: whoever is so slow reads no document",
    "request_unreadable": "nobody can tell what it asks for",
    "target_too_long": "said before anybody looks for an operation",
    "head_too_large": "said before anybody looks for an operation",
    "too_many_connections": "said before anything is read",
}


class Serve(Protocol):
    def __call__(self, **changes: Any) -> AbstractContextManager[Watched]: ...


def tree(error: type[ChatError] = ChatError) -> Iterator[type[ChatError]]:
    for child in error.__subclasses__():
        yield child
        yield from tree(child)


def documented(operation_answers: dict[str, Any]) -> set[tuple[int, str]]:
    """Statuses and codes of the problems that an operation's answers have examples of."""
    return {
        (int(status), code)
        for status, answer in operation_answers.items()
        for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", ())
    }


def test_every_code_is_unique_and_speaks_of_one_status() -> None:
    codes = [error.code for error in tree()]
    assert len(codes) == len(set(codes)) > 15
    for error in tree():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
        assert 400 <= error.status <= 599
        assert error.status != 500
        assert error.detail.endswith(".")
        assert (error.status in {429, 503}) == ("Retry-After" in error.headers)
        assert (error.status == 401) == ("WWW-Authenticate" in error.headers)


def test_the_tree_is_drawn_as_it_is() -> None:
    """Each line of the drawing: the name, indented by its depth, its status, its code."""
    drawn = re.findall(r"^(\s*)[*+-] (\w+) +(\d{3})  (\w+)", errors.__doc__ or "", re.MULTILINE)
    depths = {2: 1, 4: 2, 6: 3}
    assert [(name, int(status), code) for _, name, status, code in drawn] == [
        (error.__name__, error.status, error.code) for error in tree()
    ]
    for indent, name, _, _ in drawn:
        error = getattr(errors, name)
        assert len(error.__mro__) - len(ChatError.__mro__) == depths[len(indent)], name


def test_every_refusal_is_documented_by_an_operation(alice: User) -> None:
    found = set().union(*(documented(operation.answers) for operation in operations(alice.client)))
    missing = {(error.status, error.code) for error in tree()} - found
    assert {code for _, code in missing} == NO_OPERATIONS_OWN.keys()
    unknown = {code for _, code in found} - {error.code for error in tree()}
    assert unknown == {"validation_failed"}


def test_what_may_happen_everywhere_is_documented_everywhere(alice: User) -> None:
    for operation in operations(alice.client):
        codes = {code for _, code in documented(operation.answers)}
        if operation.path.startswith("/api/"):
            assert codes >= {"database_unavailable", "database_busy"}
        if operation.media_type is not None:
            assert codes >= {"body_too_large", "unsupported_encoding", "unsupported_media_type"}
            assert "validation_failed" in codes
        if operation.media_type == "application/json":
            assert "invalid_json" in codes
        if "cursor" in operation.parameters["query"]:
            assert "invalid_cursor" in codes


def test_a_refusal_that_needs_an_issuer_is_documented_where_there_is_one(serve_with: Serve) -> None:
    issuer = {
        "jwt_public_key": PUBLIC_KEY,
        "jwt_issuer": "https://issuer.example",
        "jwt_algorithms": ("EdDSA",),
    }
    with serve_with(**issuer) as service, service.client() as client:
        for operation in operations(client):
            codes = {code for _, code in documented(operation.answers)}
            assert ("issuer_unavailable" in codes) == ("not_authenticated" in codes)


PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""
"""Of a key pair that RFC 8410 publishes."""


@pytest.mark.parametrize("error", list(tree()), ids=lambda error: error.__name__)
def test_no_refusal_carries_data(error: type[ChatError]) -> None:
    """It is made without arguments: there is nothing in it that it could leak."""
    assert error().args == ()
    assert str(error()) == ""
