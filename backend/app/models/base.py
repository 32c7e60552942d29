"""What all bodies share: requests refuse what they do not know; answers always have all their fields."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError


def with_examples(*bodies: JsonDict) -> JsonDict:
    """What a client may send as it stands, or see; the docs page shows the first one."""
    return {"examples": [*bodies]}


def without_default(schema: JsonDict) -> None:
    """For a field that is left out of an answer: a null that never comes is not its default."""
    schema.pop("default")


Part = Annotated[dict[str, Any], Field(examples=[{"type": "text", "text": "add buy milk"}])]
"""A part of a message of the AI SDK: an object with a `type`."""

Time = Annotated[datetime, Field(examples=["2026-11-21T09:12:30.250117+00:00"])]


class Request(BaseModel):
    """A body that a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, body: Any) -> Any:
        """One refusal for all unknown fields: one each would quote them, and make an answer of any size."""
        if isinstance(body, dict) and not body.keys() <= cls.model_fields.keys():
            raise PydanticCustomError("extra_forbidden", "Has a field that this operation does not know.")
        return body


class Answer(BaseModel):
    """A body that a client sees. Fields are only ever added."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True, from_attributes=True)
