"""Asks an assistant for one reply and reads its events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from ..assistants.base import Assistant, AssistantError, InvalidEvent, Prompt
from ..errors import ChatError
from ..logs import described
from ..models.events import Event, Status, TextDelta, ToolCall, ToolResult
from .abandon import FAULTS, RELEASE_SECONDS, let_go
from .draft import Draft

log = logging.getLogger(__name__)

Said = TextDelta | ToolCall | ToolResult


class Asking:
    """Adds the assistant's events to the draft and shows them, until the assistant ends or is cut off."""

    def __init__(
        self,
        assistant: Assistant,
        reply_id: int,
        draft: Draft,
        show: Callable[[Said], None],
        store: Callable[[], Awaitable[None]],
    ) -> None:
        """`store` is awaited at each tool call, before the assistant continues and runs the tool."""
        self._assistant = assistant
        self._reply_id = reply_id
        self._draft = draft
        self._show = show
        self._store = store
        self._status: Status = "complete"
        self._reason: str | None = None
        self._closed = False
        self._over = asyncio.Event()

    async def run(self, prompt: Prompt, seconds: float) -> tuple[Status, str | None]:
        """Returns how the reply ended, and why unless the assistant ended it.

        The reply is cut off after `seconds`. After `cut`, this returns within twice RELEASE_SECONDS, even if
        the assistant does not stop.
        """
        asking = asyncio.create_task(self._ask(prompt))
        asking.add_done_callback(lambda _: self._over.set())
        late = asyncio.get_running_loop().call_later(seconds, self.cut, "complete", "length")
        try:
            await self._over.wait()
            await let_go(asking)
        finally:
            late.cancel()
        return self._status, self._reason

    def cut(self, status: Status, reason: str) -> None:
        """Ends the reply. All further events of the assistant are ignored."""
        if not self._closed:
            self._status, self._reason, self._closed = status, reason, True
            self._over.set()

    async def _ask(self, prompt: Prompt) -> None:
        try:
            await self._listen(self._assistant.reply(prompt))
        except FAULTS as error:
            self._blame(error)
        finally:
            self._closed = True

    async def _listen(self, events: AsyncIterator[Event]) -> None:
        try:
            async for event in events:
                if not self._closed:
                    self._hear(event)
                if not self._closed and isinstance(event, ToolCall):
                    await self._store()
                if self._closed:
                    return
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()  # now, and not when it is garbage-collected

    def _hear(self, event: Event) -> None:
        try:
            shown = self._draft.add(event)
        except InvalidEvent as error:
            self._blame(error)
            self._hear_no_more()
            return
        if shown is not None:
            self._show(shown)
        if self._draft.full:
            self._reason = "length"
            self._hear_no_more()

    def _hear_no_more(self) -> None:
        """Ignores all further events, and gives the assistant RELEASE_SECONDS to release its resources."""
        self._closed = True
        asyncio.get_running_loop().call_later(RELEASE_SECONDS, self._over.set)

    def _blame(self, error: BaseException) -> None:
        """Marks the reply as failed with this error, unless it had ended before."""
        code = error.code if isinstance(error, AssistantError | ChatError) else AssistantError.code
        told = {"reply_id": self._reply_id, "code": code, **described(error)}
        if not self._closed:
            log.error("reply.failed", extra=told)
            self._status, self._reason = "failed", code
        elif not isinstance(error, asyncio.CancelledError):
            log.warning("assistant.failed_late", extra=told)
