"""Response models of the search."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from .api import Conversation
from .base import Answer


class FoundMessage(Answer):
    id: int = Field(examples=[1])
    seq: int
    role: Literal["user", "assistant"]
    created_at: datetime


class Piece(Answer):
    text: str = Field(examples=["milk"])
    match: bool = Field(description="It is what was searched for.")


class Found(Answer):
    conversation: Conversation
    message: FoundMessage | None = Field(
        description="The best message that matches; null if only the title does."
    )
    snippet: list[Piece] = Field(
        description="About 160 characters of the message, or of the title, without what is Markdown in it."
    )


class SearchPage(Answer):
    items: list[Found] = Field(
        description="Each conversation once: those with a matching title first, then the best hits."
    )
    next_cursor: str | None = Field(
        description="Give it as `cursor` to go on; null if everything was looked through.", examples=[None]
    )
