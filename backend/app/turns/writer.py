"""One reply being written."""

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
"""So much text is not kept back until the next flush is due."""

SOON_SECONDS = 0.1
TITLE_SECONDS = 10
SHOWN_TITLE_SECONDS = 2
"""How long a stream waits for the title; one that comes later is only stored."""

LAST_SECONDS = 30
"""How long the end of a reply is tried to be stored while the database is away."""

LAST_SECONDS_OF_THE_PROCESS = 5
"""The same when the process ends: who stops it does not wait for ever."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a reply may take, in seconds; how many characters it, and what it is asked with, may have."""

    seconds: float
    characters: int
    context_characters: int


class Writer:
    """Asks the assistant, tells the readers, keeps the row up to date and ends it, whatever happens.

    A task of the application runs it: no reader's departure ends it, only `stop` and `interrupt` do.
    """

    def __init__(
        self,
        live: LiveReply,
        replies: ReplyRepository,
        assistant: Assistant,
        limits: Limits,
        pace: Callable[[], float],
    ) -> None:
        """`pace` tells how many seconds to wait between two flushes: more, the more replies are written."""
        self._live = live
        self._replies = replies
        self._assistant = assistant
        self._limits = limits
        self._pace = pace
        self._draft = Draft(limits.characters)
        self._began = time.monotonic()
        self._first_text: float | None = None
        self._much = asyncio.Event()
        self._status: Status = "complete"
        self._reason: str | None = None
        self._asking = Asking(assistant, live.reply_id, self._draft, self._show, self._flush)
        self._flushing = asyncio.Lock()
        self._deadline = math.inf
        self._patience: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stored: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """The reply as JSON, once its end is in the database. A ChatError if it never will be."""

    def stop(self) -> None:
        """The user has read enough: what was shown is kept."""
        self._asking.cut("stopped", "stopped")

    def interrupt(self) -> None:
        """The process ends: what was said is kept, if the database is there within seconds. No title is."""
        self._deadline = time.monotonic() + LAST_SECONDS_OF_THE_PROCESS
        self._asking.cut("interrupted", "interrupted")
        self._patience.cancel()

    async def run(self, prompt: Prompt, titles: ConversationRepository | None) -> Status:
        """Writes the reply. With `titles`, names the conversation afterwards. Returns how it ended."""
        keeping = asyncio.create_task(self._keep())
        try:
            self._status, self._reason = await self._asking.run(prompt, self._limits.seconds)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        try:
            await self._finish()
        finally:
            if not self.stored.done():  # a fault of ours: whoever waits must not wait for ever
                self._fail(Unavailable())
        naming = None
        if titles is not None and self._status == "complete" and not self._patience.done():
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
        if self._draft.unstored_characters >= FLUSH_CHARACTERS:
            self._much.set()

    async def _keep(self) -> None:
        """Flushes at its pace, and renews the lease while there is nothing to flush."""
        kept = time.monotonic()
        while True:
            pause = self._pace()
            try:
                async with asyncio.timeout(pause):
                    await self._much.wait()
                await asyncio.sleep(min(SOON_SECONDS, pause))
            except TimeoutError:
                pass
            self._much.clear()
            if self._draft.changed or time.monotonic() - kept >= RENEW_SECONDS - pause:
                await self._flush()
                kept = time.monotonic()

    async def _flush(self) -> None:
        """Stores what is new. What a tool is about to do has left a trace then, whatever happens to us."""
        async with self._flushing:  # the second one would come behind text that the first one has stored
            await self._flush_alone()

    async def _flush_alone(self) -> None:
        have, text, parts = self._draft.take()
        try:
            stop = await self._replies.flush(
                self._live.conversation_id, self._live.reply_id, have, text, parts
            )
        except ChatError:
            return  # the database is away: the next flush has it all
        except Exception as error:  # noqa: BLE001  # and so it has if the fault is ours
            log.error("reply.not_flushed", extra={"reply_id": self._live.reply_id, **described(error)})
            return
        if stop is None:
            self._asking.cut("interrupted", "interrupted")  # deleted, or taken for dead
        else:
            self._draft.stored(text, parts)
            if stop:
                self.stop()

    async def _end(self) -> None:
        """Stores the end, for as long as it takes the database to come back, within reason."""
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
                self.stored.set_result(stored)
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
        # Taken for dead, or ended by a try whose answer was lost: what the database says is how it ended.
        stored = await self._replies.get(self._live.conversation_id, self._live.reply_id)
        found = json.loads(stored)
        self._status, self._reason = found["status"], found["finish_reason"]
        return stored

    def _fail(self, error: ChatError) -> None:
        self._status, self._reason = "failed", error.code
        self.stored.set_exception(error)
        self.stored.exception()  # whether somebody waits for it or not

    async def _entitle(self, prompt: Prompt, conversations: ConversationRepository) -> None:
        if not isinstance(self._assistant, GivesTitles):
            return
        question, answer = prompt.messages[-1].content, json.loads(self.stored.result())["content"]
        try:
            title = await entitle(
                self._assistant, conversations, self._live.conversation_id, question, answer
            )
        except FAULTS as error:  # a title is a courtesy
            log.warning("title.failed", extra=described(error))
        else:
            if title is not None:
                self._live.say(Title(title))

    async def _wait(self, naming: asyncio.Task[None], seconds: float) -> None:
        """For the title, unless the process ends."""
        await asyncio.wait([naming, self._patience], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _ending(self) -> Ended:
        reason = self._reason or self._draft.reason
        return Ended(self._status, reason, error=reason if self._status == "failed" else None)


def _milliseconds(begin: float, end: float) -> int:
    return round((end - begin) * 1000)
