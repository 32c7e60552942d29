"""Request and response models for erasing an account."""

from pydantic import Field

from .base import Answer, Request, with_examples
from .text import Password


class AccountErasure(Request, json_schema_extra=with_examples({"confirmation": "correct horse battery"})):
    confirmation: Password = Field(
        description="Your password; as a user of an external issuer, your `subject`, as `get_me` shows it."
    )


class Erased(Answer):
    """How many rows of each table were erased."""

    user: int = Field(examples=[1])
    todo: int = Field(examples=[0])
    conversation: int = Field(examples=[0])
    message: int = Field(examples=[0])
