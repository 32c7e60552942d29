"""The one type of every text that a client sends: stored, it comes back byte for byte, or it is refused."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError, core_schema

from .database import MAX_CLIENT_ID_BYTES, MAX_CONTENT_BYTES, MAX_TITLE_BYTES

NOT_DIGITS_ALONE: JsonDict = {"pattern": "[^0-9]"}
"""What a schema says of a `ConversationClientId` besides."""

PRINTS = r"[^\s\u001c-\u001f\u0085]|\ufeff"
"""A character that `str.isspace` does not take for a space, as a pattern of ECMA, whose spaces differ."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that Postgres can hold: no NUL, no half of a surrogate pair, and not too long.

    `bytes` is its size in UTF-8. Each refusal has a code: `text_nul`, `text_surrogate`, `text_too_long`,
    `text_blank`.
    """

    characters: int
    bytes: int
    blank: bool = False

    def check(self, value: str) -> str:
        """The value itself. Raises PydanticCustomError with the code of what is wrong."""
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
            raise PydanticCustomError("text_blank", "Has nothing to read in it.")
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
    """Whether Postgres can hold it, or compare with it."""
    return ("\0" not in text and text.isascii()) or storable(text) == text


def storable(text: str) -> str:
    """What an assistant said, as far as Postgres can hold it: it must not fail at the very end."""
    whole = text.replace("\0", "").encode(errors="replace")
    return whole[:MAX_CONTENT_BYTES].decode(errors="ignore")


def storable_json(value: Any) -> Any:
    """A JSON value as far as Postgres can hold it; what is no JSON becomes null.

    So does a number beyond the largest double, which clients would read as infinity; Python itself reads no
    whole number of more than 4,300 digits, nor writes one.
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
"""A session is the id of its conversation or this one: nothing may be both."""

TodoTitle = Annotated[str, Text(characters=MAX_TITLE_BYTES, bytes=MAX_TITLE_BYTES)]
TodoDescription = Annotated[str, Text(characters=4_000, bytes=16_384, blank=True)]
Password = Annotated[str, Text(characters=256, bytes=1_024)]
SearchText = Annotated[str, Text(characters=200, bytes=800)]
Cursor = Annotated[str, Text(characters=200, bytes=200)]
