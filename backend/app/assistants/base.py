"""What an assistant is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..models.events import Event
from ..repositories.todos import TodoRepository


@dataclass(frozen=True, slots=True)
class Utterance:
    """A message as an assistant sees it. `parts` are those of the AI SDK, if it used tools."""

    role: str
    content: str
    parts: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a reply is asked for: the conversation so far, the user's new message last, and their todos."""

    messages: Sequence[Utterance]
    todos: TodoRepository
    replaced: Sequence[Utterance] = ()
    """The replies to that message which this one takes the place of, the first ones, the oldest first."""


class AssistantError(Exception):
    """The assistant cannot answer. `code` is stable, for the client; there is no text that could leak."""

    code = "assistant_failed"


class ModelBusy(AssistantError):
    """The model's provider has too much to do at the moment."""

    code = "model_busy"


class ModelFailed(AssistantError):
    """The model's provider answered with a fault, with nothing that makes sense, or not at all."""

    code = "model_failed"


class InvalidEvent(AssistantError):
    """The assistant said what is no event, or one that does not fit what it said before."""


class Assistant(Protocol):
    """Answers a conversation. One assistant serves all users: it keeps nothing between two replies."""

    name: str
    """Stored with each reply, as its `model`."""

    def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        """Says the reply, event by event. It is cancelled when the user presses stop.

        Whatever it raises ends the reply as `failed`, with the text so far; an AssistantError's code is
        what the client is told.
        """
        ...


@runtime_checkable
class GivesTitles(Protocol):
    """An assistant that can also name a conversation."""

    async def title(self, question: str, answer: str) -> str | None:
        """A short title for a conversation that begins like this, or None."""
        ...


@runtime_checkable
class Closes(Protocol):
    """An assistant that holds something open between two replies, such as connections."""

    async def close(self) -> None:
        """Lets go of it: the application ends."""
        ...
