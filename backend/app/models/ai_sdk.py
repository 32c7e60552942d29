"""Request and response models for frontends of the AI SDK. Fields that they add are ignored, not rejected."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from ..errors import MessageUnreadable
from .api import Usage
from .base import Answer, Part, without_default
from .text import CONTENT, ClientId

_QUESTION: JsonDict = {
    "id": "bOAN2PpKlQFAXHEU",
    "role": "user",
    "parts": [{"type": "text", "text": "add buy milk"}],
}
_CHAT: JsonDict = {"id": "mLxQ5uQ5AEHEgr83", "trigger": "submit-message"}


class UIMessage(BaseModel):
    """A message of the AI SDK, of which only the text is used."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: ClientId
    role: Literal["system", "user", "assistant"]
    parts: Annotated[list[Part], FailFast()]

    @property
    def text(self) -> str:
        """The user's text. Raises MessageUnreadable for another role, or for parts other than text."""
        texts = [part.get("text") for part in self.parts if part.get("type") == "text"]
        said = [text for text in texts if isinstance(text, str)]
        if self.role != "user" or len(said) < len(self.parts):
            raise MessageUnreadable
        return "".join(said)


class UIChat(BaseModel):
    """The request of the AI SDK's `useChat`. Other fields that the frontend adds are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                _CHAT | {"messages": [_QUESTION]},
                _CHAT | {"message": _QUESTION | {"id": "tR8wq1Lm0Zc4YxVb"}},
                _CHAT | {"messages": [_QUESTION], "trigger": "regenerate-message"},
            ]
        },
    )

    id: ClientId = Field(description="The chat's id in the client, or our `session_id`.")
    # Only the first fault of a list is reported: one for each item could make a response of any size.
    messages: Annotated[list[UIMessage], FailFast()] = Field([], description="Only the last one is read.")
    message: UIMessage | None = Field(None, description="In place of `messages`.")
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    messageId: ClientId | None = Field(  # noqa: N815  # the SDK's name
        None, description="The message that is edited, or the reply that is regenerated."
    )

    @property
    def question(self) -> UIMessage | None:
        """The user's message to answer, or None if the client did not send it."""
        return self.message or (self.messages[-1] if self.messages else None)

    @property
    def may_begin(self) -> bool:
        """Whether the chat may be new: the request needs no stored message other than its own question."""
        asked, edited = self.question, self.messageId
        return asked is not None and (self.trigger != "submit-message" or edited in (None, asked.id))

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.question is not None:
            CONTENT.check(self.question.text)
        elif self.trigger == "submit-message":
            raise MessageUnreadable
        return self


class UIMetadata(Answer):
    """The fields of a message that the AI SDK's `UIMessage` has no place for. None of them is null."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    session_id: str = Field(examples=["1"])
    seq: int
    status: Literal["streaming", "complete", "stopped", "interrupted", "failed"]
    created_at: datetime
    model: str | SkipJsonSchema[None] = Field(None, json_schema_extra=without_default)
    finish_reason: str | SkipJsonSchema[None] = Field(None, json_schema_extra=without_default)
    usage: Usage | SkipJsonSchema[None] = Field(None, json_schema_extra=without_default)
    feedback: Literal["up", "down"] | SkipJsonSchema[None] = Field(None, json_schema_extra=without_default)


class UIStoredMessage(Answer):
    """A stored message as a `UIMessage` of the AI SDK."""

    id: str = Field(description="The client's own id of it if it gave one, else ours as text.")
    role: Literal["user", "assistant"]
    parts: list[Part]
    metadata: UIMetadata


class UIHistoryPage(Answer):
    items: list[UIStoredMessage] = Field(description="In reading order.")
    next_cursor: str | None = Field(
        description="Give it as `before` for the messages before these; null if there are none.",
        examples=[None],
    )
    newer_cursor: str | None = Field(
        description="Give it as `after` for the messages after these; null if there are none.",
        examples=[None],
    )
