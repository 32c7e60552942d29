"""Requests over lines that break at any byte, in every way, at times slow: sent until they are answered."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import get_args

import uvloop
from sqlalchemy.engine import make_url

from faults.board import Outcome
from faults.chat import Chat
from faults.ground import Ground
from faults.insistent import Count, Insistent
from faults.lab import PATIENCE, Lab, Process
from faults.retries import fresh
from faults.rounds import beside
from faults.script import Script
from line import Cut, Ending, Place
from proxy import Proxy, before, proxied

AT_ONCE = 12
"""Conversations at a time."""

ROUNDS = 10
"""Requests in a conversation, each sent until it is answered."""

SLOW = 30_000
"""Bytes a second, in one conversation of four."""

Longest = dict[Place, int]
TO_THE_SERVICE: Longest = {"request": 1_200, "answer": 3_600}
TO_POSTGRES: Longest = {"request": 16_000, "answer": 9_000}
"""In how many bytes of a connection there is a cut: those of a few requests."""

WHOLE = {"complete": "complete", "finish": "complete", "abort: stopped": "stopped"}
"""How a reply ends that is not interrupted: as it is stored, or as its stream says."""

_WAITING = ("chat_turns_running", 'database_connections{state="waiting"}')


def cuts(chance: Random, longest: Longest) -> Iterator[Cut]:
    """Without an end: at any byte, in either direction, in each of the ways in which lines end."""
    while True:
        place = chance.choice(get_args(Place))
        yield Cut(place, chance.randrange(longest[place]), chance.choice(get_args(Ending)))


@dataclass
class Talk:
    """A conversation over such a line, and all that must be stored of it."""

    user: Insistent
    straight: Chat
    """The same user, whose line does not break here."""
    lab: Lab
    conversation: int = 0
    next_seq: int = 1
    messages: list[tuple[int, str, str]] = field(default_factory=list)
    """Number, role and text."""
    titles: list[str] = field(default_factory=list)
    """Those of the other conversations."""
    todos: list[tuple[str, bool]] = field(default_factory=list)
    script: Script = field(default_factory=fresh)
    """What was said last."""
    whole: Counter[str] = field(default_factory=Counter)
    """Complete and stopped replies by the key of what was said: for each, the assistant was asked."""
    interrupted: Counter[str] = field(default_factory=Counter)
    """The others: a turn was opened, its answer lost, and the line again. It may have been asked for each."""
    cut: int = 0

    async def run(self) -> None:
        """So many rounds, each of which ends with a look at what it has stored; at last, at everything."""
        begun = await self.user.send("POST", "/api/chat/start", {}, _key())
        self.conversation = int(begun.json()["session_id"])
        await self.append()
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self.append, self.ask, self.stream, self.stream, self.regenerate, self.stop, self.rate),
            *(self.create, self.finish_todo, self.drop_todo),
        )
        for _ in range(ROUNDS - 2):
            await self.user.chance.choice(kinds)()
        await self.compare_messages()
        await self.compare_todos()
        await self.compare_conversations()

    async def append(self) -> None:
        self.script = fresh(pause=0)
        path = f"/api/conversations/{self.conversation}/messages"
        await self.user.send("POST", path, {"content": self.script.question}, self.script.key)
        self._say("user", self.script.question)
        await self.compare_messages()

    async def ask(self) -> None:
        self.script = fresh(pause=0)
        path = f"/api/chat/{self.conversation}/message"
        answer = await self.user.send("POST", path, {"message": self.script.question}, self.script.key)
        self._say("user", self.script.question)
        self._reply(answer.json()["reply"]["status"], answer.json()["reply"]["content"])
        await self.compare_messages()

    async def stream(self) -> None:
        self.script = fresh(pieces=20)
        seen = await self.user.read(self.conversation, self.script)
        self._say("user", self.script.question)
        self._reply(str(seen.ending), seen.text)
        await self.compare_messages()

    async def regenerate(self) -> None:
        path = f"/api/chat/{self.conversation}/regenerate"
        answer = await self.user.send("POST", path, key=_key())
        if self.messages[-1][1] == "assistant":
            self.messages.pop()
        self._reply(answer.json()["reply"]["status"], answer.json()["reply"]["content"])
        await self.compare_messages()

    async def stop(self) -> None:
        self.script = fresh(gate=4)
        reading = await self.straight.begin(self.conversation, self.script)
        following = await self.straight.follow(self.conversation, lambda seen: seen.text != "")
        answer = await self.user.send("POST", f"/api/chat/{self.conversation}/stop")
        seen = await reading
        assert (await following).text == seen.text
        self.lab.open_gate(self.script.key)  # for who asks for another reply to it
        stopped_before = answer.json()["reply"] is None and self.user.count.tried > 1
        assert stopped_before or answer.json()["reply"]["content"] == seen.text
        self._say("user", self.script.question)
        self._reply(str(seen.ending), seen.text)
        await self.compare_messages()

    async def rate(self) -> None:
        stored = await self.straight.messages(self.conversation)
        replies = [one["id"] for one in stored if one["role"] == "assistant"]
        if not replies:
            await self.ask()
            return
        value = self.user.chance.choice(("up", "down", None))
        path = f"/api/conversations/{self.conversation}/messages/{replies[-1]}/feedback"
        await self.user.send("PUT", path, {"value": value})
        stored = await self.straight.messages(self.conversation)
        assert [one["feedback"] for one in stored if one["id"] == replies[-1]] == [value]

    async def create(self) -> None:
        self.titles.append(_key())
        await self.user.send("POST", "/api/conversations", {"title": self.titles[-1]}, _key())
        await self.compare_conversations()

    async def finish_todo(self) -> None:
        made = await self.straight.client.post("/api/todos", json={"title": "to be finished"})
        self.todos.append((_key(), True))
        finished = {"title": self.todos[-1][0], "completed": True}
        await self.user.send("PATCH", f"/api/todos/{made.json()['id']}", finished)
        await self.compare_todos()

    async def drop_todo(self) -> None:
        made = await self.straight.client.post("/api/todos", json={"title": "to be dropped"})
        tried = self.user.count.tried
        answer = await self.user.send("DELETE", f"/api/todos/{made.json()['id']}")
        dropped_before = answer.status_code == 404 and self.user.count.tried > tried + 1
        assert answer.status_code == 204 or dropped_before, answer.text
        await self.compare_todos()

    async def compare_messages(self) -> None:
        stored = await self.straight.messages(self.conversation)
        assert [(one["seq"], one["role"], one["content"]) for one in stored] == self.messages

    async def compare_todos(self) -> None:
        stored = (await self.straight.client.get("/api/todos")).json()["items"]
        assert [(one["title"], one["completed"]) for one in stored] == self.todos

    async def compare_conversations(self) -> None:
        listed = await self.straight.client.get("/api/conversations", params={"limit": 200})
        stored = {one["id"]: one["title"] for one in listed.json()["items"]}
        del stored[self.conversation]
        assert sorted(stored.values()) == sorted(self.titles)

    def _say(self, role: str, content: str) -> None:
        self.messages.append((self.next_seq, role, content))
        self.next_seq += 1

    def _reply(self, status: str, content: str) -> None:
        if status in WHOLE:
            assert content == self.script.text or WHOLE[status] == "stopped"
            assert self.script.text.startswith(content)
            self.whole[self.script.key] += 1
        else:
            assert status.removeprefix("abort: ") == "interrupted"
            assert not self.user.steady, "interrupted, and the database was there"
            assert self.script.text.startswith(content)
            self.interrupted[self.script.key] += 1
        self._say("assistant", content)


def broken_lines(ground: Ground, times: int) -> Outcome:
    """So many requests over lines to the service that break; for half of them, those to Postgres, too."""
    with ground.lab() as lab, proxied(lab.postgres) as database:
        talks, cut = uvloop.run(_talked(lab, database, -(-times // ROUNDS)))
        return _outcome(talks, cut, Counter(lab.calls()))


def _outcome(talks: list[Talk], cut: int, calls: Counter[str]) -> Outcome:
    whole = sum((talk.whole for talk in talks), Counter[str]())
    interrupted = sum((talk.interrupted for talk in talks), Counter[str]())
    assert whole <= calls <= whole + interrupted, "the assistant was not asked once for each reply"
    to_the_service, count = sum(talk.cut for talk in talks), sum((talk.user.count for talk in talks), Count())
    assert min(to_the_service, cut) > 0, "lines of one kind were not cut"
    return Outcome(
        count.tried,
        to_the_service + cut,
        f"{ROUNDS * len(talks)} requests, {to_the_service} lines to the service and {cut} to Postgres cut: "
        f"0 lost, 0 doubled, {whole.total()} replies of as many calls, {interrupted.total()} interrupted, "
        f"{count.joined} streams taken up, {count.refused} x 503",
    )


async def _talked(lab: Lab, database: Proxy, talks: int) -> tuple[list[Talk], int]:
    """The conversations, and how many lines to the database were cut meanwhile."""
    url = database.url.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
    async with lab:
        steady = await lab.process()
        shaken = await lab.process(DATABASE_URL=url.render_as_string(hide_password=False))
        database.cut_each(cuts(Random(0), TO_POSTGRES))

        async def talk(number: int) -> Talk:
            return await _talk(lab, steady, shaken if number % 2 else steady, number)

        found, cut = await beside(talks, AT_ONCE, talk), database.broken
        for process in (steady, shaken):
            await _end(lab, process)
    return found, cut


async def _talk(lab: Lab, steady: Process, process: Process, number: int) -> Talk:
    chance, (_, token) = Random(number), lab.user()
    with before(make_url(process.url)) as proxy:
        proxy.cut_each(cuts(Random(f"cuts of {number}"), TO_THE_SERVICE))
        proxy.throttle(SLOW if chance.randrange(4) == 0 else None)
        async with Chat(process, token, through=proxy.text) as chat, Chat(steady, token) as straight:
            talk = Talk(Insistent(chat, chance, process is steady), straight, lab)
            await talk.run()
        talk.cut = proxy.broken
    return talk


async def _end(lab: Lab, process: Process) -> None:
    """Nothing waits in the process for what will not come, and told to end, it does."""
    async with Chat(process, lab.user()[1]) as chat, asyncio.timeout(PATIENCE):
        while any([await chat.gauge(name) for name in _WAITING]):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.1)
    process.terminate()
    assert await process.ended() == 0


def _key() -> str:
    """One that is not of digits alone."""
    return f"key-{fresh().key}"
