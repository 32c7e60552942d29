"""Writes one reply."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..assistants.base import Assistant, GivesTitles, Prompt
from ..errors import ChatError, Unavailable
from ..logs import described
from ..models.events import Ended, Status, Title, ToolResult
from ..repositories.conversations import ConversationRepository
from ..repositories.replies import LEASE, ReplyRepository
from .abandon import FAULTS, let_go
from .asking import Asking, Said
from .draft import Draft
from .live import LiveReply
from .naming import entitle

log = logging.getLogger(__name__)

RENEW_SECONDS = LEASE.total_seconds() / 3
FLUSH_CHARACTERS = 2_000
"""This much text is flushed soon, before the next flush is due."""

SOON_SECONDS = 0.1
TITLE_SECONDS = 10
SHOWN_TITLE_SECONDS = 2
"""How long a stream waits for the title; a later one is only stored."""

LAST_SECONDS = 30
"""How long storing the end of a reply is retried while the database is unavailable."""

LAST_SECONDS_OF_THE_PROCESS = 5
"""The same during a shutdown, which must not take long."""


@dataclass(frozen=True, slots=True)
class ReplyLimits:
    """The time limit of a reply in seconds, and the character limits of a reply and of its context."""

    seconds: float
    characters: int
    context_characters: int


class Writer:
    """Asks the assistant, publishes its events, keeps the row up to date, and always ends the reply.

    A task of the application runs it, so a reader that disconnects does not end it: only `stop` and
    `interrupt` do.
    """

    def __init__(
        self,
        live: LiveReply,
        replies: ReplyRepository,
        assistant: Assistant,
        limits: ReplyLimits,
        pace: Callable[[], float],
    ) -> None:
        """`pace` returns the seconds to wait between two flushes: more, the more replies are written."""
        self._live = live
        self._replies = replies
        self._assistant = assistant
        self._limits = limits
        self._pace = pace
        self._draft = Draft(limits.characters)
        self._began = time.monotonic()
        self._first_text: float | None = None
        self._flush_due = asyncio.Event()
        self._status: Status = "complete"
        self._reason: str | None = None
        self._asking = Asking(assistant, live.reply_id, self._draft, self._show, self._flush)
        self._flushing = asyncio.Lock()
        self._deadline = math.inf
        self._interrupted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """The reply as JSON once its end is stored, or a ChatError if it never will be."""

    def stop(self) -> None:
        """Ends the reply because the user stopped it. The text shown so far is kept."""
        self._asking.cut("stopped", "stopped")

    def interrupt(self) -> None:
        """Ends the reply for a shutdown. Its text is stored if that works within seconds, a title is not."""
        self._deadline = time.monotonic() + LAST_SECONDS_OF_THE_PROCESS
        self._asking.cut("interrupted", "interrupted")
        self._interrupted.cancel()

    async def run(self, prompt: Prompt, titles: ConversationRepository | None) -> Status:
        """Writes the reply and returns how it ended. With `titles`, names the conversation afterwards."""
        keeping = asyncio.create_task(self._keep())
        try:
            self._status, self._reason = await self._asking.run(prompt, self._limits.seconds)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        try:
            await self._finish()
        finally:
            if not self.ended.done():  # a bug of ours: nothing must wait for the end forever
                self._fail(Unavailable())
        naming = None
        if titles is not None and self._status == "complete" and not self._interrupted.done():
            naming = asyncio.create_task(self._entitle(prompt, titles))
            await self._wait(naming, SHOWN_TITLE_SECONDS)
        self._live.say(self._ending())
        if naming is not None:
            await self._wait(naming, TITLE_SECONDS - SHOWN_TITLE_SECONDS)
            await let_go(naming)
        return self._status

    async def _finish(self) -> None:
        for call in self._draft.unanswered():
            result = ToolResult(call, error=self._reason or "no_result")
            self._draft.add(result)
            self._show(result)
        await self._end()

    def _show(self, said: Said) -> None:
        if self._first_text is None:
            self._first_text = time.monotonic()
        self._live.say(said)
        if self._draft.unflushed_characters >= FLUSH_CHARACTERS:
            self._flush_due.set()

    async def _keep(self) -> None:
        """Flushes at the given pace, and renews the lease while there is nothing to flush."""
        kept = time.monotonic()
        while True:
            pause = self._pace()
            try:
                async with asyncio.timeout(pause):
                    await self._flush_due.wait()
                await asyncio.sleep(min(SOON_SECONDS, pause))
            except TimeoutError:
                pass
            self._flush_due.clear()
            if self._draft.changed or time.monotonic() - kept >= RENEW_SECONDS - pause:
                await self._flush()
                kept = time.monotonic()

    async def _flush(self) -> None:
        """Stores what is new. At a tool call, this leaves a trace of the call in case the process dies."""
        async with self._flushing:  # two at a time would both store and count the same text
            await self._flush_alone()

    async def _flush_alone(self) -> None:
        have, text, parts = self._draft.take()
        try:
            stop = await self._replies.flush(
                self._live.conversation_id, self._live.reply_id, have, text, parts
            )
        except ChatError:
            return  # the database is unavailable: the next flush stores it
        except Exception as error:  # noqa: BLE001  # the same after a bug of ours
            log.error("reply.not_flushed", extra={"reply_id": self._live.reply_id, **described(error)})
            return
        if stop is None:
            self._asking.cut("interrupted", "interrupted")  # deleted, or the lease expired
        else:
            self._draft.flushed(text, parts)
            if stop:
                self.stop()

    async def _end(self) -> None:
        """Stores the end of the reply. Retries while the database is unavailable, until a deadline."""
        deadline = time.monotonic() + LAST_SECONDS
        pause = SOON_SECONDS
        while True:
            try:
                stored = await self._store()
            except Unavailable as error:
                if time.monotonic() > min(deadline, self._deadline):
                    log.error("reply.lost", extra={"reply_id": self._live.reply_id})
                    self._fail(error)
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, 2)
            except ChatError as error:
                self._fail(error)
                return
            else:
                self.ended.set_result(stored)
                return

    async def _store(self) -> bytes:
        text, parts = self._draft.all_text(), self._draft.all_parts()
        timings = {"total_ms": _milliseconds(self._began, time.monotonic())}
        if self._first_text is not None:
            timings["first_token_ms"] = _milliseconds(self._began, self._first_text)
        ended = await self._replies.end(
            self._live.conversation_id,
            self._live.reply_id,
            text=text,
            parts=parts,
            status=self._status,
            model=self._assistant.name,
            finish_reason=self._reason or self._draft.reason,
            usage=None if self._draft.usage is None else json.dumps(self._draft.usage),
            timings=json.dumps(timings),
        )
        if ended is not None:
            return ended
        # The lease expired, or an attempt whose answer was lost ended it: the stored end counts.
        stored = await self._replies.get(self._live.conversation_id, self._live.reply_id)
        found = json.loads(stored)
        self._status, self._reason = found["status"], found["finish_reason"]
        return stored

    def _fail(self, error: ChatError) -> None:
        self._status, self._reason = "failed", error.code
        self.ended.set_exception(error)
        self.ended.exception()  # counts as retrieved, whether or not anything awaits it

    async def _entitle(self, prompt: Prompt, conversations: ConversationRepository) -> None:
        if not isinstance(self._assistant, GivesTitles):
            return
        question, answer = prompt.messages[-1].content, json.loads(self.ended.result())["content"]
        try:
            title = await entitle(
                self._assistant, conversations, self._live.conversation_id, question, answer
            )
        except FAULTS as error:  # a reply is complete without a title
            log.warning("title.failed", extra=described(error))
        else:
            if title is not None:
                self._live.say(Title(title))

    async def _wait(self, naming: asyncio.Task[None], seconds: float) -> None:
        """Waits for the title, unless the process shuts down."""
        await asyncio.wait([naming, self._interrupted], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _ending(self) -> Ended:
        reason = self._reason or self._draft.reason
        return Ended(self._status, reason, error=reason if self._status == "failed" else None)


def _milliseconds(begin: float, end: float) -> int:
    return round((end - begin) * 1000)
