"""The list of fields has every text of the document, and what the fields take comes back by every way."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest

from faults.machine import CHEAP
from isolation.operations import operations
from openapi.committed import current
from support import User

from .answers import Record, Watched
from .echo import Echo
from .fields import CHOICES, FIELDS, FORMS_AND_QUERIES, KEYS, TextField
from .texts import CURIOUS
from .ways import through_accounts, through_keys, through_searches, through_the_ai_sdk

LEFT_OUT = {
    "sessionId": "a part of an address: `test_query.py` has those",
    "format": "a word of two in an address, which is not stored",
    "grant_type": "one word or nothing: `test_schemas.py`",
}
"""Texts of the document that no field is of, and why."""


def place(method: str, path: str, name: str) -> tuple[str, str, str]:
    return method, re.sub(r"\{\w+\}", "{}", path), name


def test_every_text_of_the_document_is_tried_or_left_out_for_a_reason() -> None:
    fields: list[TextField] = [*FIELDS, *FORMS_AND_QUERIES, *KEYS, *CHOICES]
    tried = {place(field.method, field.path, field.name) for field in fields}
    every = operations(json.loads(current()))
    texts = {place(one.method, one.path, name) for one in every for name in one.schemas if one.is_text(name)}
    keys = {place(one.method, one.path, name) for one in every for name in one.keys if name[0].isupper()}
    assert len(tried) == len(fields)
    assert {name for _, _, name in (texts | keys) - tried} == LEFT_OUT.keys()
    assert tried <= texts | keys


@pytest.fixture
def patient(
    serve_with: Callable[..., AbstractContextManager[Watched]],
) -> Iterator[User]:
    """A user of a service that neither counts wrong passwords nor takes its time for each."""
    with patch("app.passwords._HASHES", CHEAP), serve_with(Echo(), wrong_passwords=0) as service:
        yield service.user("alice@example.com")


@pytest.mark.parametrize(
    "way",
    [through_the_ai_sdk, through_keys, through_searches, through_accounts],
    ids=lambda way: str(way.__name__),
)
def test_texts_come_back_unchanged(
    way: Callable[[User, Sequence[str]], int], patient: User, record_property: Record
) -> None:
    readings = way(patient, list(CURIOUS.values()))
    assert readings >= len(CURIOUS)
    record_property("readings that differ, of curious and of large texts", (0, readings))
