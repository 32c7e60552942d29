"""An assistant that has its answer ready: what a turn costs without one."""

from collections.abc import AsyncIterator

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta


class Instant:
    name = "instant"

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        yield TextDelta("Here you are.")


assistant = Instant()
