"""The document names no place of a machine, and has no field in which a client could name one, or a host.

What takes an address from a client has to fetch, read or write what is there; here nothing does.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from openapi.document import Document, Json, nodes

ABSOLUTE = re.compile(r"(?<![\w.:/#}])/([A-Za-z][\w.-]*)")
"""The first part of what looks like an absolute path. In a pointer, or behind a host, it is none."""

INSIDE = re.compile(r"\w\.py\b|\b(app|backend|tests)\.\w|site-packages|\b[A-Za-z]:\\|file:|\.\./")
"""Files and modules of the code, a drive, a way up."""

PLACE = re.compile(
    r"(?i)^(path|file(name)?|folder|directory|dir|ur[il]|href|src|link|host|image|attachment)s?$"
)
FORMATS = ("uri", "uri-reference", "iri", "hostname", "ipv4", "ipv6", "binary", "byte", "path", "file-path")
MEDIA_TYPES = {"application/json", "application/x-www-form-urlencoded"}


def texts(node: object) -> Iterator[str]:
    """All that is written in a document, the names of its fields too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, inner in node.items():
            yield name
            yield from texts(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from texts(inner)


def places_named(document: Document) -> list[str]:
    """Texts with a place of a machine in them: a path that is none of the API's, a file, a module."""
    parts = {part for path in document.content["paths"] for part in path.split("/")}
    here = {sys.prefix, str(Path(app.__file__).parents[1])}
    return [
        text
        for text in texts(document.content)
        if set(ABSOLUTE.findall(text)) - parts or INSIDE.search(text) or any(one in text for one in here)
    ]


def fields_for_places(document: Document) -> list[str]:
    """Fields that are called like a place, and what a client sends that has the format of one."""
    names = {name for node in nodes(document.content) for name in _fields(node)}
    called = [name for name in names if any(map(PLACE.match, re.findall(r"[a-z]+|[A-Z][a-z]*", name)))]
    asked = [
        one.specification.get(part) for one in document.operations for part in ("parameters", "requestBody")
    ]
    formats = [
        str(node["format"])
        for node in _reached(document, asked)
        if isinstance(node.get("format"), str) and node["format"] in FORMATS
    ]
    return called + formats


def _fields(node: Json) -> Iterator[str]:
    if isinstance(node.get("properties"), dict):
        yield from node["properties"]
    if "in" in node and "schema" in node:
        yield node["name"]


def _reached(document: Document, start: object) -> Iterator[Json]:
    """Every object in what is sent, those that it refers to included."""
    seen: set[str] = set()
    waiting = list(nodes(start))
    while waiting:
        node = waiting.pop()
        yield node
        if (reference := node.get("$ref", "")) and reference not in seen:
            seen.add(reference)
            waiting.extend(nodes(document.resolved(node)))


def test_no_place_of_a_machine_is_named(document: Document) -> None:
    assert len(list(texts(document.content))) > 3_000
    assert places_named(document) == []


def test_no_field_takes_a_place(document: Document) -> None:
    assert fields_for_places(document) == []
    assert {one.media_type for one in document.operations} - {None} == MEDIA_TYPES


@pytest.mark.parametrize(
    "planted",
    [
        "Logs are in /var/log/chat-history.",
        "/home/alice/chat",
        "Raised in app.api.chat.",
        "See strict.py.",
        "C:\\chat",
        "file:///etc/passwd",
        "../settings",
        str(Path(app.__file__).parent),
    ],
)
def test_a_place_that_is_planted_is_found(document: Document, planted: str) -> None:
    document.content["components"]["schemas"]["Todo"]["description"] = planted
    assert places_named(document) == [planted]


def test_a_field_that_is_planted_is_found(document: Document) -> None:
    fields = document.content["components"]["schemas"]["MessageCreate"]["properties"]
    fields |= {"imageUrl": {"type": "string"}, "back": {"type": "string", "format": "uri"}}
    assert fields_for_places(document) == ["imageUrl", "uri"]
