"""What the document says of texts is what the service does with them, in the dialect of JSON Schema."""

import sys
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel, ValidationError

from app.models.accounts import SignIn
from app.models.api import ConversationCreate, ConversationUpdate, TodoCreate
from app.models.text import PRINTS

EVERYTHING = [chr(number) for number in range(1, sys.maxunicode + 1) if not 0xD800 <= number <= 0xDFFF]
SIGN_IN = {"username": "alice@example.com", "password": "correct horse battery"}


def test_every_character_is_a_space_to_both_or_to_neither() -> None:
    printing = jsonschema_rs.validator_for({"pattern": PRINTS})
    differ = [letter for letter in EVERYTHING if printing.is_valid(letter) == letter.isspace()]
    assert differ == []


@pytest.mark.parametrize(
    ("model", "good", "bad"),
    [
        (TodoCreate, {"title": "\ufeff"}, {"title": "\x1c\x85"}),
        (SignIn, {**SIGN_IN, "username": "a\ufeff@b"}, {**SIGN_IN, "username": "a\x85@b"}),
        (SignIn, {**SIGN_IN, "grant_type": "password"}, {**SIGN_IN, "grant_type": "code"}),
        (ConversationCreate, {"client_id": "1a"}, {"client_id": "11"}),
        (ConversationUpdate, {"pinned": False}, {}),
    ],
)
def test_what_the_schema_refuses_the_model_refuses(
    model: type[BaseModel], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    schema = jsonschema_rs.validator_for(model.model_json_schema())
    assert schema.is_valid(good)
    model.model_validate(good)
    assert not schema.is_valid(bad)
    with pytest.raises(ValidationError):
        model.model_validate(bad)
