"""The type of every text that a client sends: it is rejected, or stored and returned byte for byte."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError, core_schema

from .database import MAX_CLIENT_ID_BYTES, MAX_CONTENT_BYTES, MAX_TITLE_BYTES

NOT_DIGITS_ALONE: JsonDict = {"pattern": "[^0-9]"}
"""An addition to the JSON schema of a `ConversationClientId`."""

PRINTS = r"[^\s\u001c-\u001f\u0085]|\ufeff"
"""An ECMAScript pattern for a character that is no space to `str.isspace`: ECMAScript's spaces differ."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that Postgres can hold: no NUL, no half of a surrogate pair, and not too long.

    `bytes` limits its size in UTF-8. The codes of its errors are `text_nul`, `text_surrogate`,
    `text_too_long` and `text_blank`.
    """

    characters: int
    bytes: int
    blank: bool = False

    def check(self, value: str) -> str:
        """Returns the value unchanged. Raises PydanticCustomError with one of the codes."""
        if len(value) > self.characters:
            raise PydanticCustomError("text_too_long", f"Longer than {self.characters} characters.")
        if "\0" in value:
            raise PydanticCustomError("text_nul", "Contains a NUL character.")
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise PydanticCustomError("text_surrogate", "Contains half of a surrogate pair.") from None
        if size > self.bytes:
            raise PydanticCustomError("text_too_long", f"Longer than {self.bytes} bytes in UTF-8.")
        if not self.blank and not value.strip():
            raise PydanticCustomError("text_blank", "Must not be blank.")
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        length = {"maxLength": self.characters}
        return {**handler(schema), **length, **({} if self.blank else {"minLength": 1, "pattern": PRINTS})}


def is_storable(text: str) -> bool:
    """Whether Postgres can store the text, or compare with it."""
    return ("\0" not in text and text.isascii()) or storable(text) == text


def storable(text: str) -> str:
    """Returns an assistant's text as far as Postgres can store it: a reply must not fail at its very end."""
    whole = text.replace("\0", "").encode(errors="replace")
    return whole[:MAX_CONTENT_BYTES].decode(errors="ignore")


def storable_json(value: Any) -> Any:
    """Returns a JSON value as far as Postgres can store it; what is not JSON becomes null.

    So does a number beyond the largest double, which clients would read as infinity. Python itself neither
    reads nor writes integers of more than 4,300 digits.
    """
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(key)): storable_json(item) for key, item in value.items()}
        case list() | tuple():
            return [storable_json(item) for item in value]
        case int() | float():
            return value if abs(value) <= sys.float_info.max else None
        case _:
            return None


def _no_session(client_id: str) -> str:
    if client_id.isascii() and client_id.isdecimal():
        raise PydanticCustomError("digits_alone", "An id of digits alone would be taken for one of ours.")
    return client_id


CONTENT = Text(characters=MAX_CONTENT_BYTES, bytes=MAX_CONTENT_BYTES)

Content = Annotated[str, CONTENT]
Title = Annotated[str, Text(characters=200, bytes=MAX_TITLE_BYTES)]
ClientId = Annotated[str, Text(characters=MAX_CLIENT_ID_BYTES, bytes=MAX_CLIENT_ID_BYTES)]
ConversationClientId = Annotated[ClientId, AfterValidator(_no_session)]
"""A session id is a conversation's id or this one: no text may be both."""

TodoTitle = Annotated[str, Text(characters=MAX_TITLE_BYTES, bytes=MAX_TITLE_BYTES)]
TodoDescription = Annotated[str, Text(characters=4_000, bytes=16_384, blank=True)]
Password = Annotated[str, Text(characters=256, bytes=1_024)]
SearchText = Annotated[str, Text(characters=200, bytes=800)]
Cursor = Annotated[str, Text(characters=200, bytes=200)]
