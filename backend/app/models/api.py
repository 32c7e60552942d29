"""Request and response models of the API."""

from datetime import datetime
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from .base import Answer, Part, Request, Time, with_examples, without_default
from .examples import ANSWERED, ASKED
from .text import (
    NOT_DIGITS_ALONE,
    ClientId,
    Content,
    ConversationClientId,
    Title,
    TodoDescription,
    TodoTitle,
)


class ConversationCreate(
    Request,
    json_schema_extra=with_examples(
        {"title": "Holiday plans"}, {"title": "Holiday plans", "client_id": "c-7f3a"}, {}
    ),
):
    title: Title | None = None
    client_id: ConversationClientId | None = Field(
        None,
        description="Your own id for it, not of digits alone: those are ids of ours. The same one again gives"
        " the same conversation.",
        json_schema_extra=NOT_DIGITS_ALONE,
    )


class ConversationUpdate(
    Request,
    json_schema_extra=with_examples(
        {"title": "Summer holiday"}, {"pinned": True}, {"pinned": False, "archived": False}
    )
    | {"minProperties": 1},
):
    """At least one field must be set; fields that are omitted or null stay as they are."""

    title: Title | None = None
    pinned: bool | None = None
    archived: bool | None = None

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if self.title is None and self.pinned is None and self.archived is None:
            raise PydanticCustomError("nothing_given", "Changes nothing.")
        return self


class Conversation(Answer):
    id: int = Field(examples=[1])
    client_id: str | None = Field(examples=["c-7f3a"])
    title: str | None = Field(
        description="Null until its first message gives it one.", examples=["Holiday plans"]
    )
    pinned: bool = Field(description="It comes before the others.", examples=[False])
    archived: bool = Field(description="It is in the list of archived ones only.", examples=[False])
    created_at: Time
    updated_at: Time = Field(description="When its last message was stored.")


class ConversationPage(Answer):
    items: list[Conversation]
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null on the last one.", examples=[None]
    )


class MessageCreate(
    Request,
    json_schema_extra=with_examples(
        {"content": "The train leaves at 9:12."},
        {"role": "assistant", "content": "Then be there at 9.", "client_id": "m-51c0"},
    ),
):
    role: Literal["user", "assistant"] = "user"
    content: Content
    client_id: ClientId | None = Field(
        None, description="Your own id for it. The same one again stores nothing new."
    )


class Usage(Answer):
    """The tokens of one or more replies, as the provider of their model counts them."""

    input_tokens: int = Field(examples=[0])
    output_tokens: int = Field(examples=[0])


class Timings(Answer):
    """Milliseconds since the beginning of a reply."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    first_token_ms: int | SkipJsonSchema[None] = Field(
        None, description="Not there if nothing was said.", json_schema_extra=without_default
    )
    total_ms: int


class Message(Answer, json_schema_extra=with_examples(ASKED, ANSWERED)):
    id: int
    conversation_id: int
    seq: int = Field(description="Its place in the conversation: 1, 2, 3, without a gap.")
    client_id: str | None
    role: Literal["user", "assistant"]
    content: str
    parts: list[Part] | None = Field(
        description="Its text and tool calls in their order, as parts of the AI SDK; null for plain text."
    )
    status: Literal["streaming", "complete", "stopped", "interrupted", "failed"] = Field(
        description="Of a reply. What a user says is `complete`."
    )
    model: str | None = Field(description="Who wrote a reply.")
    finish_reason: str | None = Field(description="Why a reply ended; the code of its fault if it failed.")
    usage: Usage | None = Field(description="Null unless it is a reply whose model counts tokens.")
    timings: Timings | None = Field(description="Null until a reply has ended, and if its writer died.")
    feedback: Literal["up", "down"] | None = Field(description="What the user thinks of a reply.")
    created_at: datetime


class Feedback(Request, json_schema_extra=with_examples({"value": "up"}, {"value": "down"}, {"value": None})):
    value: Literal["up", "down"] | None = Field(description="Null takes it back.")


class MessagePage(Answer):
    items: list[Message] = Field(description="In reading order.")
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null on the last one.", examples=[None]
    )


class HistoryPage(MessagePage):
    next_cursor: str | None = Field(
        description="Give it as `before` for the messages before these; null if there are none.",
        examples=[None],
    )
    newer_cursor: str | None = Field(
        description="Give it as `after` for the messages after these; null if there are none.",
        examples=[None],
    )


class ChatSession(Answer):
    session_id: str = Field(
        description="The handle of the chat routes: the conversation's id as text.", examples=["1"]
    )
    conversation: Conversation


class ChatMessage(
    Request,
    json_schema_extra=with_examples(
        {"message": "add buy milk"}, {"message": "what is left?", "client_id": "q-1b44"}
    ),
):
    message: Content
    client_id: ClientId | None = Field(
        None, description="Your own id for it. The same one again gives the same answer, and asks nobody."
    )


class Turn(Answer, json_schema_extra=with_examples({"message": ASKED, "reply": ANSWERED})):
    message: Message
    reply: Message


class Versions(Answer):
    items: list[Message] = Field(description="All of them, the oldest first; the last one is shown.")


class Stopped(
    Answer,
    json_schema_extra=with_examples(
        {"success": True, "reply": ANSWERED | {"status": "stopped", "finish_reason": "stopped"}},
        {"success": True, "reply": None},
    ),
):
    success: Literal[True]
    reply: Message | None = Field(
        description="As it ended, or still `streaming` if its writer was too slow to hear of it; "
        "null if none was being written."
    )


class LiveReply(Answer):
    conversation_id: int = Field(examples=[1])
    reply_id: int = Field(examples=[2])
    created_at: Time


class LiveReplies(Answer):
    items: list[LiveReply] = Field(description="All of them, the oldest first.")


class TodoCreate(
    Request, json_schema_extra=with_examples({"title": "Buy milk", "description": "Two litres"})
):
    title: TodoTitle
    description: TodoDescription = ""


class TodoUpdate(
    Request,
    json_schema_extra=with_examples({"completed": True}, {"title": "Buy oat milk", "completed": None}),
):
    """Fields that are omitted or null stay as they are."""

    title: TodoTitle | None = None
    description: TodoDescription | None = None
    completed: bool | None = None


class Todo(Answer):
    id: int = Field(examples=[1])
    title: str = Field(examples=["Buy milk"])
    description: str = Field(examples=["Two litres"])
    completed: bool = Field(examples=[False])
    created_at: Time
    updated_at: Time


class TodoList(Answer):
    items: list[Todo] = Field(description="All of them, in the order in which they were added.")


class Health(Answer):
    status: Literal["ok", "ready"]
