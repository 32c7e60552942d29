"""What all bodies share: requests reject unknown fields; answers have all fields unless a model opts out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError


def with_examples(*bodies: JsonDict) -> JsonDict:
    """Returns examples that a client may send unchanged, or receive; the docs page shows the first one."""
    return {"examples": [*bodies]}


def without_default(schema: JsonDict) -> None:
    """Removes the default from a field's schema: the answer omits the field instead of sending null."""
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
        """Reports unknown fields once: one fault each would quote them, and make a response of any size."""
        if isinstance(body, dict) and not body.keys() <= cls.model_fields.keys():
            raise PydanticCustomError("extra_forbidden", "Has a field that this operation does not know.")
        return body


class Answer(BaseModel):
    """A body that a client receives. Later versions add fields, but never remove them."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True, from_attributes=True)
