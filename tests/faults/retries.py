"""What a retry gets: while the first request runs, after its answer was lost, after it was done."""

import asyncio
import uuid
from dataclasses import dataclass

from faults.chat import Chat
from faults.counted import Counted
from faults.lab import Lab, two
from faults.rounds import beside
from faults.script import Script
from faults.wire import Statement, Trap

CROWDS = 4
"""Conversations at once in which eight requests wait for each other, over the 16 connections of a process."""

TALK = 10
"""Rounds in one conversation: each asks the assistant with all that was said before."""


def fresh(**fields: int | float) -> Script:
    """A script with a key that nobody used."""
    return Script(uuid.uuid4().hex[:12], **fields)  # type: ignore[arg-type]  # the caller's numbers


@dataclass
class Loss:
    """What was committed is not answered: the connection is cut. Counts how often it was."""

    count: int = 0

    async def __call__(self) -> bool:
        self.count += 1
        return False


async def bursts(lab: Lab, rounds: int = 50) -> str:
    """Eight at once with one key, at two processes, as JSON and as streams: one row, one call, one answer."""
    async with two(lab) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:

            async def burst(_: int) -> str:
                conversation, script = await here.start(), fresh(pieces=10, pause=0.05)
                four = (here, there, here, there)
                async with lab.crowd(conversation, 8):
                    asked = [asyncio.create_task(chat.ask(conversation, script)) for chat in four]
                    streamed = [asyncio.create_task(chat.stream(conversation, script)) for chat in four]
                whole, seen = await asyncio.gather(*asked), await asyncio.gather(*streamed)
                assert [answer.status_code for answer in whole] == [200] * 4
                assert all(answer.json() == whole[0].json() for answer in whole)
                assert {one.reply_id for one in seen} == {whole[0].json()["reply"]["id"]}
                assert {(one.text, one.ending, one.done) for one in seen} == {(script.text, "finish", True)}
                rows = len(await there.messages(conversation))
                assert rows == 2, f"{rows} rows of a turn"
                replay = await there.stream(conversation, script)
                assert (replay.text, replay.reply_id) == (script.text, seen[0].reply_id)
                return script.key

            keys = await beside(rounds, CROWDS, burst)
    assert sorted(lab.calls()) == sorted(keys)
    return f"{rounds} bursts, {8 * rounds} answers, {rounds} turns, {len(lab.calls())} calls, 0 duplicates"


async def lost_openings(lab: Lab, rounds: int = 50) -> Counted:
    """The opening is committed and its answer lost: it is found again, and its reply is written."""
    lose = Loss()
    async with lab:
        process = await lab.process()
        _, token = lab.user()
        async with Chat(process, token) as chat:
            scripts = [fresh(pause=0) for _ in range(rounds)]
            for first in range(0, rounds, TALK):
                conversation = await chat.start()
                for script in (talk := scripts[first : first + TALK]):
                    process.wire.set(Trap("opening", "after", lose))
                    answer = await chat.ask(conversation, script)
                    assert answer.status_code == 200, answer.text
                    assert answer.json()["reply"]["content"] == script.text
                    process.wire.set(Trap("opening", "after", lose))
                    again = await chat.regenerate(conversation)
                    assert (again.status_code, again.json()["reply"]["content"]) == (200, script.text)
                    assert (await chat.ask(conversation, script)).json() == again.json()
                rows = await chat.messages(conversation)
                assert [row["seq"] for row in rows] == [3 * n + m for n in range(len(talk)) for m in (1, 3)]
    assert sorted(lab.calls()) == sorted(2 * [script.key for script in scripts])
    assert lose.count == 2 * rounds, f"{lose.count} openings lost"
    said = f"{lose.count} openings lost, {2 * rounds} found and answered, {len(lab.calls())} calls"
    return Counted(said, lose.count)


async def lost_openings_of_a_lost_database(lab: Lab, rounds: int = 3) -> str:
    """The same, but the database is away after it: the retry finds one row, and calls at most once."""
    async with lab:
        process = await lab.process()
        _, token = lab.user()
        async with Chat(process, token) as chat:

            async def lose_all() -> bool:
                process.wire.down()
                return False

            scripts = {await chat.start(): fresh() for _ in range(rounds)}
            for conversation, script in scripts.items():
                process.wire.set(Trap("opening", "after", lose_all))
                answer = await chat.ask(conversation, script)
                assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
                assert "retry-after" in answer.headers
                process.wire.up()
            retried = await asyncio.gather(*(chat.ask(one, script) for one, script in scripts.items()))
            assert [answer.status_code for answer in retried] == [200] * rounds
            statuses = [answer.json()["reply"]["status"] for answer in retried]
            assert set(statuses) <= {"complete", "interrupted"}, statuses
            rows = [len(await chat.messages(conversation)) for conversation in scripts]
            assert rows == [2] * rounds
            assert all(lab.calls().count(script.key) <= 1 for script in scripts.values())
            answered = len(lab.calls())
            assert statuses.count("complete") == answered
            for conversation in scripts:
                assert (await chat.ask(conversation, fresh())).json()["reply"]["status"] == "complete"
    return f"{rounds} openings lost, {sum(rows)} rows, {answered} of {rounds} answered by the retry"


async def late_openings(lab: Lab, rounds: int = 2) -> str:
    """The opening is committed and its answer late: who resumes or retries meanwhile reads the same reply."""
    async with lab:
        process = await lab.process()
        _, token = lab.user()
        async with Chat(process, token) as chat:
            for _ in range(rounds):
                conversation, script = await chat.start(), fresh(pieces=20, pause=0.05)
                opened, answered = asyncio.Event(), asyncio.Event()

                async def hold(opened: asyncio.Event = opened, answered: asyncio.Event = answered) -> bool:
                    opened.set()
                    await answered.wait()
                    return True

                process.wire.set(Trap("opening", "after", hold))
                first = asyncio.create_task(chat.stream(conversation, script))
                await opened.wait()
                resumed = asyncio.create_task(chat.resume(conversation))
                retried = asyncio.create_task(chat.stream(conversation, script))
                while process.wire.passed["opening"] % 2:  # noqa: ASYNC110  # another process
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.3)
                answered.set()
                for seen in (await first, await resumed, await retried):
                    assert (seen.text, seen.ending) == (script.text, "finish")
            assert await chat.gauge("chat_turns_running") == 0
    assert len(lab.calls()) == rounds
    return f"{rounds} openings answered late, {3 * rounds} readers, {len(lab.calls())} calls"


async def lost_appends(lab: Lab, rounds: int = 50) -> Counted:
    """An appended message is committed and its answer lost: the retry gets the same row."""
    lose = Loss()
    async with lab:
        process = await lab.process()
        _, token = lab.user()
        async with Chat(process, token) as chat:
            conversation = await chat.start()
            for number in range(rounds):
                process.wire.set(Trap("append", "after", lose))
                lost = await chat.append(conversation, "Once", f"key-{number}")
                assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")
                again = await chat.append(conversation, "Once", f"key-{number}")
                assert again.status_code == 201, again.text
                assert again.json()["seq"] == number + 1
            assert len(await chat.messages(conversation)) == rounds
    assert lose.count == rounds, f"{lose.count} appends lost"
    return Counted(f"{lose.count} appends lost, {rounds} rows", lose.count)


async def _lost_writes(lab: Lab, statement: Statement, rounds: int) -> str:
    lose = Loss()
    async with lab:
        process = await lab.process()
        _, token = lab.user()
        async with Chat(process, token) as chat:
            for _ in range(rounds):
                conversation, script = await chat.start(), fresh(pieces=15, pause=0.1, tool_at=8)
                process.wire.set(Trap(statement, "after", lose))
                seen = await chat.stream(conversation, script)
                stored = await chat.reply(conversation)
                assert (stored["content"], stored["status"]) == (script.text, "complete")
                assert (seen.text, seen.ending, seen.done) == (script.text, "finish", True)
                assert [part["type"] for part in stored["parts"]] == ["text", "tool-weather", "text"]
            assert process.wire.passed[statement] > rounds
            assert lose.count == rounds, f"{lose.count} answers to a {statement} lost"
    return f"{rounds} replies, the answer to a {statement} lost in each: {rounds} whole"


async def lost_flushes(lab: Lab, rounds: int = 2) -> str:
    """A flush is committed and its answer lost: its text is stored once, and all of it."""
    return await _lost_writes(lab, "flush", rounds)


async def lost_ends(lab: Lab, rounds: int = 2) -> str:
    """The end is committed and its answer lost: readers are told what is stored."""
    return await _lost_writes(lab, "end", rounds)
