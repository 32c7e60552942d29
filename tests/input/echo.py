"""An assistant that says what it heard."""

from collections.abc import AsyncIterator

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta


class Echo:
    """Answers with the text of the question, in two pieces."""

    name = "echo"

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        question = prompt.messages[-1].content
        middle = len(question) // 2
        yield TextDelta(question[:middle])
        yield TextDelta(question[middle:])
