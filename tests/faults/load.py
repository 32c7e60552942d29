"""Clients that chat without end: they stream, wait, append, leave, resume and stop, and they try again."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx

from faults.chat import Chat, Seen, begun
from faults.history import History, Sent
from faults.lab import PATIENCE
from faults.script import Script

PAGE = 200
"""Messages that are read at once: more than a client sends into a conversation."""

NO_REPLY = 204
UNHEARD = 0
"""What a resumed stream says where nothing is being written, and where the line broke before it did."""


def _much(seen: Seen) -> bool:
    return len(seen.text) > 400


async def tries() -> AsyncIterator[int]:
    """Counts for as long as it is worth trying, with a breath in between."""
    until, number = time.monotonic() + 2 * PATIENCE, 0
    while time.monotonic() < until:
        yield number
        number += 1
        await asyncio.sleep(0.05)


@dataclass
class Load:
    """What all clients of a run do together."""

    seed: int
    history: History = field(default_factory=History)
    conversations: dict[int, list[Chat]] = field(default_factory=dict)
    """All of them, with the chats of their owner."""
    forgotten: list[Sent] = field(default_factory=list)
    """Refused because another reply was being written: none of these may be stored."""
    busy: int = 0
    unavailable: int = 0
    read_back: int = 0
    unreached: int = 0
    """Requests for which nobody listened."""
    unanswered: int = 0
    """Requests whose line was closed before an answer began."""
    broken: Counter[str] = field(default_factory=Counter)
    """Answers that began and did not come to their end, by how they broke."""
    enough: bool = False

    def refuse(self, status: int) -> None:
        """503 is legal; nothing else is."""
        if status == 503:
            self.unavailable += 1
        else:
            self.history.findings.refused += 1

    def broke(self, fault: httpx.TransportError) -> None:
        """A line broke, or was never made."""
        if isinstance(fault, httpx.ConnectError):
            self.unreached += 1
        elif begun(fault):
            self.broken[f"{type(fault).__name__}: {fault}"] += 1
        else:
            self.unanswered += 1

    @contextmanager
    def tried_again(self) -> Iterator[None]:
        """What is tried within may break: it is counted, and no failure."""
        try:
            yield
        except httpx.TransportError as fault:
            self.broke(fault)

    def read(self, seen: Seen, *, left: bool) -> None:
        """A stream was read to its end, or until the reader left; else it broke."""
        if seen.fault is not None:
            self.broke(seen.fault)
        elif seen.status == 200 and not seen.done and not left:
            self.broken["a stream without an end"] += 1

    def granted(self, status: int, *expected: int) -> bool:
        """Whether an answer is one of those that are expected; any other is a refusal."""
        if status not in expected:
            self.refuse(status)
        return status in expected


@dataclass(frozen=True)
class Plan:
    """How a turn is read."""

    script: Script
    whole: bool = False
    """As one JSON."""
    leaves_after: int | None = None
    """So many characters."""
    stops: bool = False
    resumes: bool = False

    def enough(self, seen: Seen, *, again: bool) -> bool:
        """Whether the reader leaves. Who tries again only wants to know that it is stored."""
        if self.stops and len(seen.text) > 200:
            return True
        leaves = self.leaves_after is not None and len(seen.text) >= self.leaves_after
        return seen.question is not None and (again or leaves)


class Client:
    """One user, in conversations of its own, through all processes."""

    def __init__(self, name: str, load: Load, chats: list[Chat]) -> None:
        self._name = name
        self._load = load
        self._chats = chats
        self._random = random.Random(f"{load.seed} {name}")
        self._usable: list[int] = []
        self._waiting: list[tuple[float, int]] = []
        self._messages: Counter[int] = Counter()
        self._keys = 0

    async def run(self) -> None:
        """Sends one message after the other until it is enough."""
        while not self._load.enough:
            conversation = await self._conversation()
            self._keys += 1
            key = f"{self._name}-{self._keys}"
            if self._random.random() < 0.4:
                usable = await self._append(self._load.history.attempt(conversation, key))
            else:
                plan = self._plan(key)
                sent = self._load.history.attempt(conversation, key, plan.script)
                usable = await (self._wait(sent, plan) if plan.whole else self._stream(sent, plan))
            self._messages[conversation] += 2
            if not usable:
                # Its reply may be a dead one. Others first.
                self._usable.remove(conversation)
                self._waiting.append((time.monotonic() + 2, conversation))
            elif self._messages[conversation] > 60:
                self._usable.remove(conversation)

    def _plan(self, key: str) -> Plan:
        short, long = Script(key, 5, 0.01), Script(key, 40, 0.05, tool_at=20)
        kind = self._random.random()
        if kind < 0.35:
            return Plan(short)
        if kind < 0.55:
            return Plan(short, whole=True)
        if kind < 0.65:
            return Plan(short, leaves_after=self._random.randrange(len(short.text)))
        if kind < 0.72:
            return Plan(long, stops=True)
        if kind < 0.86:
            return Plan(long, resumes=True)
        return Plan(long, resumes=True, leaves_after=self._random.randrange(len(long.text)))

    def _chat(self) -> Chat:
        return self._random.choice(self._chats)

    async def _conversation(self) -> int:
        for entry in list(self._waiting):
            if entry[0] < time.monotonic():
                self._waiting.remove(entry)
                self._usable.append(entry[1])
        while len(self._usable) < 4:
            with self._load.tried_again():
                answer = await self._chat().client.post("/api/conversations")
                if self._load.granted(answer.status_code, 201):
                    self._usable.append(int(answer.json()["id"]))
                    self._load.conversations[self._usable[-1]] = self._chats
        return self._random.choice(self._usable)

    async def _append(self, sent: Sent) -> bool:
        async for _ in tries():
            with self._load.tried_again():
                answer = await self._chat().append(sent.conversation, sent.content, sent.key)
                if answer.status_code == 201:
                    sent.acknowledge(answer.json())
                    await self._read_back(sent)
                    return True
                self._load.refuse(answer.status_code)
            if self._goes_away():
                return False
        return False

    async def _wait(self, sent: Sent, plan: Plan) -> bool:
        async for _ in tries():
            with self._load.tried_again():
                answer = await self._chat().ask(sent.conversation, plan.script)
                if answer.status_code == 200:
                    sent.acknowledge(answer.json()["message"])
                    sent.replies.add(answer.json()["reply"]["id"])
                    sent.finished |= answer.json()["reply"]["status"] == "complete"
                    await self._read_back(sent)
                    return True
                if answer.status_code == 409:
                    return self._forget(sent)
                self._load.refuse(answer.status_code)
            if self._goes_away():
                return False
        return False

    async def _stream(self, sent: Sent, plan: Plan) -> bool:
        async for number in tries():
            enough = partial(plan.enough, again=number > 0)
            seen = await self._chat().stream(sent.conversation, plan.script, enough)
            sent.saw(seen)
            self._load.read(seen, left=enough(seen))
            if seen.status == 409:
                return self._forget(sent)
            if seen.status >= 400:
                self._load.refuse(seen.status)
            if seen.acknowledged:
                await self._read_back(sent)
                await self._after(sent, plan, seen)
                return seen.done
            if self._goes_away():
                return False
        return False

    async def _after(self, sent: Sent, plan: Plan, seen: Seen) -> None:
        """Stops the reply, or goes on reading it elsewhere."""
        with self._load.tried_again():
            if plan.stops:
                self._load.granted((await self._chat().stop(sent.conversation)).status_code, 200)
        if plan.resumes and not seen.done:
            more = await self._chat().resume(sent.conversation, _much)
            self._load.read(more, left=_much(more))
            self._load.granted(more.status, 200, NO_REPLY, UNHEARD)
            if more.reply_id in sent.replies:
                sent.saw(more)

    def _goes_away(self) -> bool:
        """Some clients never come back: what they tried may be stored or not."""
        return self._random.random() < 0.1

    def _forget(self, sent: Sent) -> bool:
        self._load.busy += 1
        if not sent.promised and not sent.replies:
            self._load.forgotten.append(sent)
        return False

    async def _read_back(self, sent: Sent) -> None:
        """A history that is asked for after an acknowledgement, of any process, has the message."""
        path = f"/api/conversations/{sent.conversation}/messages"
        with self._load.tried_again():
            answer = await self._chat().client.get(path, params={"limit": PAGE})
            if self._load.granted(answer.status_code, 200):
                shown = {message["id"] for message in answer.json()["items"]}
                self._load.history.findings.stale += any(number not in shown for number, _ in sent.promised)
                self._load.read_back += 1
