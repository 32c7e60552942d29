"""The response body of a request that is refused."""

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from .base import Answer, without_default


class Fault(Answer):
    """One thing that is wrong with a request."""

    location: list[str | int] = Field(examples=[["body", "title"]])
    code: str = Field(examples=["text_blank"])
    detail: str = Field(examples=["Must not be blank."])


class Problem(Answer):
    """Why a request was refused (RFC 9457). `code` is stable; `detail` is for people."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    code: str = Field(examples=["conversation_not_found"])
    detail: str = Field(examples=["There is no such conversation."])
    errors: list[Fault] | SkipJsonSchema[None] = Field(
        None, description="Only with code `validation_failed`.", json_schema_extra=without_default
    )
    reply_id: int | SkipJsonSchema[None] = Field(
        None,
        description="Only with code `turn_in_progress`: the reply that is being written.",
        json_schema_extra=without_default,
    )
    resume: str | SkipJsonSchema[None] = Field(
        None,
        description="Only with code `turn_in_progress`: where to read that reply as it is written.",
        json_schema_extra=without_default,
    )
