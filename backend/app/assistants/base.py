"""The interface of an assistant."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..models.events import Event
from ..repositories.todos import TodoRepository


@dataclass(frozen=True, slots=True)
class Utterance:
    """A message as an assistant sees it. `parts` are in the AI SDK's format, or None without tools."""

    role: str
    content: str
    parts: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input for a reply: the conversation, which ends with the user's new message, and their todos."""

    messages: Sequence[Utterance]
    todos: TodoRepository
    replaced: Sequence[Utterance] = ()
    """The earlier replies to that message, which this one replaces: the first of them, oldest first."""


class AssistantError(Exception):
    """The assistant cannot answer. Clients see the stable `code`; there is no text that could leak."""

    code = "assistant_failed"


class ModelBusy(AssistantError):
    """The model's provider is overloaded or limits the rate of requests."""

    code = "model_busy"


class ModelFailed(AssistantError):
    """The model's provider returned an error or an invalid response, or did not respond."""

    code = "model_failed"


class InvalidEvent(AssistantError):
    """The assistant yielded something that is not an event, or that does not fit its earlier events."""


class Assistant(Protocol):
    """Answers conversations. One instance serves all users and keeps no state between replies."""

    name: str
    """Stored with each reply, as its `model`."""

    def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        """Yields the events of the reply. It is cancelled when the user stops the reply.

        An exception ends the reply as `failed`, with the text so far; clients see the code of an
        AssistantError.
        """
        ...


@runtime_checkable
class GivesTitles(Protocol):
    """An assistant that can also name a conversation."""

    async def title(self, question: str, answer: str) -> str | None:
        """Returns a short title for a conversation that begins like this, or None."""
        ...


@runtime_checkable
class Closes(Protocol):
    """An assistant that holds resources between replies, such as connections."""

    async def close(self) -> None:
        """Releases the resources when the application shuts down."""
        ...
