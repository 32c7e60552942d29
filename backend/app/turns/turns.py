"""Opens, joins and stops turns in one process."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..assistants.base import Assistant, Prompt, Utterance
from ..db.database import Database
from ..errors import ChatError, DatabaseBusy, DatabaseUnavailable, Overloaded, ShuttingDown, TooManyTurns
from ..logs import described
from ..metrics import Metrics
from ..models.caller import Caller
from ..models.events import Ended
from ..repositories.conversations import ConversationRepository
from ..repositories.replies import ReplyRepository
from ..repositories.todos import TodoRepository
from ..repositories.turns import NO_MESSAGES, OpenedTurn, TurnRepository
from ..spans import span
from .context import utterances, window
from .follower import Follower
from .live import LiveReply
from .writer import LAST_SECONDS_OF_THE_PROCESS, ReplyLimits, Writer

log = logging.getLogger(__name__)

Opening = Callable[[], Awaitable[OpenedTurn]]
Finding = Callable[[], Awaitable[OpenedTurn | None]]

NOT_FOLLOWED = {refusal.code: refusal for refusal in (ShuttingDown, DatabaseUnavailable, DatabaseBusy)}
"""Errors with which a reply ends for its readers although it may still be written."""

FLUSH_SECONDS = 0.5
SLOWEST_FLUSH_SECONDS = 3.0
STOP_SECONDS = 5.0
"""How long a stop waits for the process that writes the reply. Its flushes are at most 3 seconds apart."""

ENDING_SECONDS = 2 * LAST_SECONDS_OF_THE_PROCESS
"""How long the shutdown waits for replies that were interrupted."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many replies may be written at once, and how often all of them together are flushed."""

    turns: int = 1_000
    turns_per_user: int = 16
    flushes_per_second: float = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that its reader can follow: `live` is None if the reply had ended already."""

    conversation_id: int
    question: bytes
    reply: bytes
    reply_id: int
    live: LiveReply | None


class Turns:
    """The turns of this process, and access to those of other processes."""

    def __init__(
        self,
        database: Database,
        assistant: Assistant,
        metrics: Metrics,
        limits: ReplyLimits,
        capacity: Capacity,
    ) -> None:
        self._database = database
        self._assistant = assistant
        self._metrics = metrics
        self._limits = limits
        self._capacity = capacity
        self._writers: dict[int, Writer] = {}
        self._live: dict[int, LiveReply] = {}
        self._tasks: dict[asyncio.Task[None], LiveReply] = {}
        self._opening: set[asyncio.Task[Turn]] = set()
        self._users: Counter[int] = Counter()
        self._deadline: float | None = None

    @property
    def running(self) -> int:
        """How many replies this process is writing."""
        return len(self._writers)

    async def ask(
        self,
        caller: Caller,
        conversation_id: int,
        message: str,
        client_id: str | None = None,
        edited: str | None = None,
    ) -> Turn:
        """Opens a turn, or joins the one that the same `client_id` opened.

        When this returns, question and reply are stored. Raises what `TurnRepository.ask` raises,
        TooManyTurns, Overloaded and ShuttingDown.
        """
        replies = TurnRepository(self._database, caller)
        return await self._begin(
            caller,
            lambda: replies.ask(conversation_id, message, client_id, edited),
            None if client_id is None else lambda: replies.asked(conversation_id, message, client_id),
        )

    async def regenerate(self, caller: Caller, conversation_id: int, key: str | None = None) -> Turn:
        """Opens another reply, or joins that of `key`. Raises as `TurnRepository.regenerate` and `ask` do."""
        replies = TurnRepository(self._database, caller)
        return await self._begin(
            caller,
            lambda: replies.regenerate(conversation_id, key),
            None if key is None else lambda: replies.regenerated(conversation_id, key),
        )

    async def regenerate_named(self, caller: Caller, conversation_id: int, named: str) -> Turn:
        """Opens another reply in place of one. Raises as `TurnRepository.regenerate_named` and `ask` do."""
        replies = TurnRepository(self._database, caller)
        return await self._begin(caller, lambda: replies.regenerate_named(conversation_id, named))

    async def answer_again(self, caller: Caller, conversation_id: int, named: str, question: str) -> Turn:
        """Opens another reply to a question. Raises as `TurnRepository.answer_again` and `ask` do."""
        replies = TurnRepository(self._database, caller)
        return await self._begin(caller, lambda: replies.answer_again(conversation_id, named, question))

    async def resume(self, caller: Caller, conversation_id: int) -> LiveReply | None:
        """Returns the reply that any process is writing in the conversation; None if there is none.

        Raises ConversationNotFound.
        """
        reply_id = await ReplyRepository(self._database, caller).running(conversation_id)
        return None if reply_id is None else self._join(caller, conversation_id, reply_id)

    async def finished(self, caller: Caller, live: LiveReply) -> bytes:
        """Waits until the reply is stored, and returns it as JSON.

        Raises a ChatError if it will never be stored, or cannot be followed to its end.
        """
        if (writer := self._writers.get(live.reply_id)) is not None:
            return await asyncio.shield(writer.ended)
        ending = await live.ended()
        if ending.error in NOT_FOLLOWED:
            raise NOT_FOLLOWED[ending.error]
        return await ReplyRepository(self._database, caller).get(live.conversation_id, live.reply_id)

    async def stop(self, caller: Caller, conversation_id: int) -> bytes | None:
        """Stops the reply that any process is writing in the conversation, and keeps its text.

        Returns the ended reply as JSON, or its state after STOP_SECONDS; None if none was being written.
        Raises ConversationNotFound.
        """
        replies = ReplyRepository(self._database, caller)
        reply_id = await replies.request_stop(conversation_id)
        if reply_id is None:
            return None
        if (writer := self._writers.get(reply_id)) is not None:
            writer.stop()
        live = self._join(caller, conversation_id, reply_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                return await self.finished(caller, live)
        return await replies.get(conversation_id, reply_id)

    async def close(self, grace: float) -> None:
        """Refuses new turns, and interrupts those that still run `grace` seconds after the first call."""
        loop = asyncio.get_running_loop()
        self._deadline = self._deadline or loop.time() + grace
        if self._opening:
            await asyncio.wait(self._opening, timeout=self._deadline - loop.time())
        writing = [task for task, live in self._tasks.items() if live.reply_id in self._writers]
        if writing:
            await asyncio.wait(writing, timeout=self._deadline - loop.time())
        for writer in list(self._writers.values()):
            writer.interrupt()
        if writing:
            await asyncio.wait(writing, timeout=ENDING_SECONDS)
        for live in list(self._tasks.values()):
            live.say(Ended("failed", ShuttingDown.code, error=ShuttingDown.code))
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDING_SECONDS)

    def require_open(self) -> None:
        """Raises ShuttingDown once new turns are refused."""
        if self._deadline is not None:
            raise ShuttingDown

    async def _begin(self, caller: Caller, opening: Opening, finding: Finding | None = None) -> Turn:
        """Opens a turn and starts its writer, even if the request is cancelled meanwhile.

        With `finding`, a retry finds the turn of the earlier request even if there is no room for a new one.
        """
        task = asyncio.create_task(self._open(caller, opening, finding))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return await asyncio.shield(task)

    async def _open(self, caller: Caller, opening: Opening, finding: Finding | None) -> Turn:
        try:
            self._require_room(caller.user_id)
        except ChatError:
            opened = await finding() if finding else None
            if opened is None:
                raise
            return self._turn(caller, opened)
        with self._counted(caller.user_id):
            return self._turn(caller, await opening())

    def _turn(self, caller: Caller, opened: OpenedTurn) -> Turn:
        live = None
        if opened.context is not None:
            live = self._write(caller.user_id, opened)
        elif opened.running:
            live = self._join(caller, opened.conversation_id, opened.reply_id)
        return Turn(opened.conversation_id, opened.question, opened.reply, opened.reply_id, live)

    def _require_room(self, user_id: int) -> None:
        self.require_open()
        if self._users.total() >= self._capacity.turns:
            raise Overloaded
        if self._users[user_id] >= self._capacity.turns_per_user:
            raise TooManyTurns

    @contextmanager
    def _counted(self, user_id: int) -> Iterator[None]:
        """Counts a turn that is being opened like a running one."""
        self._users[user_id] += 1
        try:
            yield
        finally:
            self._leave(user_id)

    def _leave(self, user_id: int) -> None:
        self._users[user_id] -= 1
        if self._users[user_id] == 0:
            del self._users[user_id]

    def _write(self, user_id: int, opened: OpenedTurn) -> LiveReply:
        """Starts the writer. It uses a bare user id, so it continues after the user's tokens are revoked."""
        question = Utterance("user", json.loads(opened.question)["content"])
        history = utterances(opened.context or NO_MESSAGES)
        said = [*window(history, self._limits.context_characters - len(question.content)), question]
        prompt = Prompt(said, TodoRepository(self._database, user_id), utterances(opened.replaced))
        titles = None if history else ConversationRepository(self._database, user_id)
        replies = ReplyRepository(self._database, user_id)
        live = self._live[opened.reply_id] = LiveReply(opened.conversation_id, opened.reply_id)
        writer = Writer(live, replies, self._assistant, self._limits, self._pace)
        self._writers[opened.reply_id] = writer
        self._users[user_id] += 1

        async def write() -> None:
            try:
                with span("turn", {"gen_ai.request.model": self._assistant.name}):
                    status = await writer.run(prompt, titles)
                self._metrics.turns.labels(status=status).inc()
            finally:
                del self._writers[live.reply_id]
                self._leave(user_id)

        self._start(live, write())
        return live

    def _join(self, caller: Caller, conversation_id: int, reply_id: int) -> LiveReply:
        """Returns the reply, which all readers in this process share. Each reader checks its own token."""
        live = self._live.get(reply_id)
        if live is None:
            live = self._live[reply_id] = LiveReply(conversation_id, reply_id)
            replies = ReplyRepository(self._database, caller.user_id)
            self._start(live, Follower(live, replies).run())
        return live

    def _start(self, live: LiveReply, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[task] = live
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        live = self._tasks.pop(task)
        # A follower may have joined before the writer was started: then there are two live replies.
        if self._live.get(live.reply_id) is live:
            del self._live[live.reply_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug of ours: its lease expires, and the reply reads as interrupted.
            log.error("reply.lost", extra={"reply_id": live.reply_id, **described(error)})
        # Ignored if the reply has ended.
        live.say(Ended("failed", "internal_error", error="internal_error"))

    def _pace(self) -> float:
        """Seconds between two flushes of a reply, so that all replies keep within `flushes_per_second`."""
        fair = self.running / self._capacity.flushes_per_second
        return min(max(FLUSH_SECONDS, fair), SLOWEST_FLUSH_SECONDS)
