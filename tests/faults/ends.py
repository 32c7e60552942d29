"""How replies end when somebody or something ends them: stop, delete, SIGTERM, SIGKILL, a lost database."""

import asyncio
import time
from contextlib import suppress

import httpx

from app.turns.writer import LAST_SECONDS
from faults.chat import Chat
from faults.lab import Lab, two
from faults.readers import SECONDS, until_ended
from faults.retries import fresh
from faults.rounds import beside
from faults.wire import Trap

LEASE = 10

DELETED = 20
"""Replies at once whose conversation, or user, is deleted."""


async def _when_shown(lab: Lab, *keys: str) -> None:
    await lab.asked(*keys)
    await asyncio.sleep(0.7)  # some of it shown, some of it flushed


async def _when_flushed(chat: Chat, *conversations: int) -> None:
    """Waits for text that is stored, but for no longer than two seconds: leases are renewed after that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            await _flushed(chat, *conversations)


async def _flushed(chat: Chat, *conversations: int) -> None:
    for conversation in conversations:
        while not (await chat.reply(conversation))["content"]:  # noqa: ASYNC110  # another process flushes
            await asyncio.sleep(0.05)


async def stops(lab: Lab, rounds: int = 6) -> str:
    """Stop at either process: within one flush, all that was shown is kept; again, it does nothing."""
    slowest = 0.0
    async with two(lab) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:
            for number in range(rounds):
                conversation, script = await here.start(), fresh(pieces=400, pause=0.05)
                reading = asyncio.create_task(here.stream(conversation, script))
                await _when_shown(lab, script.key)
                # The other process is heard at a flush; at this one, text is stopped that none has had.
                stopper = here if number % 2 else there
                began = time.monotonic()
                stopped = (await stopper.stop(conversation)).json()["reply"]
                slowest = max(slowest, time.monotonic() - began)
                seen = await reading
                assert (stopped["status"], stopped["finish_reason"]) == ("stopped", "stopped")
                assert seen.ending == "abort: stopped"
                assert seen.text
                assert stopped["content"] == seen.text
                assert await here.reply(conversation) == stopped
                assert (await there.stop(conversation)).json() == {"success": True, "reply": None}
    return f"{rounds} replies stopped at either process, 0 characters lost, {slowest:.2f} s at most"


async def deletes(lab: Lab, rounds: int = 50) -> str:
    """Conversation or account deleted meanwhile: all readers are told, and the reply stays ended."""
    async with two(lab) as (first, second):

        async def delete(number: int) -> tuple[int, list[str] | None]:
            """The conversation, and the statuses of its messages that stay."""
            _, token = lab.user()
            async with Chat(first, token) as here, Chat(second, token) as there:
                conversation, script = await here.start(), fresh(pieces=400, pause=0.05)
                reading = await here.begin(conversation, script)
                # From another process it is seen only when some of it has been flushed.
                follow = await there.follow(conversation, lambda seen: seen.text != "")
                # Whose account is gone may hear of that first.
                told = {"error: conversation_not_found"}
                if of_user := number % 2:
                    told.add("error: not_authenticated")
                    erased = await there.erase()
                    assert erased.status_code == 200
                    assert erased.json() == {"user": 1, "todo": 0, "conversation": 1, "message": 2}
                else:
                    deleted = await there.client.delete(f"/api/conversations/{conversation}")
                    assert deleted.status_code == 204
                for seen in (await reading, await follow):
                    assert seen.ending in told, seen.ending
                    assert seen.done
                found = await here.client.get(f"/api/conversations/{conversation}")
                assert found.status_code == (401 if of_user else 404)
                return conversation, None if of_user else ["complete", "interrupted"]

        kept = await beside(2 * rounds, DELETED, delete)
        async with Chat(first, lab.user()[1]) as other:
            while await other.gauge("chat_turns_running"):  # noqa: ASYNC110  # another process
                await asyncio.sleep(SECONDS)
        left = "SELECT array_agg(status ORDER BY seq) FROM message WHERE conversation_id = %s"
        for conversation, stays in kept:
            assert lab.postgres.value(left, conversation) == stays
    return (
        f"{rounds} conversations and {rounds} users deleted while a reply streams, "
        f"{4 * rounds} readers told, 0 replies go on"
    )


async def database_away(lab: Lab, seconds: float = 4) -> str:
    """The database is away for some seconds: readers see no gap, and all of the text is stored."""
    async with two(lab) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:
            scripts = {await here.start(): fresh(pieces=60, pause=0.12, tool_at=30) for _ in range(5)}
            reading = [asyncio.create_task(here.stream(one, script)) for one, script in scripts.items()]
            await _when_shown(lab, *(script.key for script in scripts.values()))
            following = await there.follow(next(iter(scripts)))
            for process in (first, second):
                process.wire.down()
            await asyncio.sleep(seconds)
            refused = await here.client.get("/api/conversations")
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            for process in (first, second):
                process.wire.up()
            for seen, (conversation, script) in zip(
                await asyncio.gather(*reading), scripts.items(), strict=True
            ):
                assert (seen.text, seen.ending) == (script.text, "finish")
                reply = await there.reply(conversation)
                assert (reply["status"], reply["content"]) == ("complete", script.text)
            followed = await following
            assert followed.ending == "finish"
            assert followed.text == next(iter(scripts.values())).text
    return f"{len(scripts)} replies, database away for {seconds} s, {len(scripts)} complete with all text"


async def database_away_at_the_end(lab: Lab) -> str:
    """The database is away when the reply ends: it is stored when it comes back."""
    async with lab:
        process = await lab.process()
        _, token = lab.user()
        async with Chat(process, token) as chat:
            conversation, script = await chat.start(), fresh(pieces=40, pause=0.05)
            reading = asyncio.create_task(chat.stream(conversation, script))
            await lab.asked(script.key)
            process.wire.down()
            await asyncio.sleep(4)
            process.wire.up()
            seen, reply = await reading, await chat.reply(conversation)
    assert (seen.text, seen.ending) == (script.text, "finish")
    assert (reply["status"], reply["content"]) == ("complete", script.text)
    return "1 reply ended while the database was away, 1 complete with all text"


async def sigterm_without_database(lab: Lab) -> str:
    """Told to stop while the database is away: it gives up soon."""
    async with two(lab, SHUTDOWN_GRACE=0.5) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:
            conversation, script = await here.start(), fresh(pieces=900, pause=0.05)
            reading = asyncio.create_task(here.stream(conversation, script))
            await _when_shown(lab, script.key)
            first.wire.down()
            began = time.monotonic()
            first.terminate()
            code, seconds = await first.ended(), time.monotonic() - began
            seen, reply = await reading, await until_ended(there, conversation)
    assert code == 0
    assert seconds < LAST_SECONDS, "it waited for the database as if it had all the time of the world"
    assert seen.ending is not None
    assert reply["status"] == "interrupted"
    assert script.text.startswith(str(reply["content"]))
    return f"1 reply at SIGTERM without a database: process gone after {seconds:.1f} s, reply interrupted"


async def dead_process(lab: Lab, replies: int = 3) -> str:
    """A process dies: after the lease, its replies read as interrupted and the conversations are usable."""
    async with two(lab) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:
            scripts = {await here.start(): fresh(pieces=400, pause=0.05) for _ in range(replies)}
            reading = [asyncio.create_task(here.stream(one, script)) for one, script in scripts.items()]
            await lab.asked(*(script.key for script in scripts.values()))
            await _when_flushed(there, *scripts)
            followed = await there.follow(next(iter(scripts)))
            began = time.monotonic()
            await first.kill()
            seen = dict(zip(scripts, await asyncio.gather(*reading), strict=True))
            busy = await there.ask(next(iter(scripts)), fresh())
            assert (busy.status_code, busy.json()["code"]) == (409, "turn_in_progress")
            seconds = []
            for conversation, script in scripts.items():
                reply = await until_ended(there, conversation)
                assert reply["status"] == "interrupted"
                assert script.text.startswith(str(reply["content"]))
                assert reply["content"]
                assert (await there.ask(conversation, fresh())).json()["reply"]["status"] == "complete"
                seconds.append(time.monotonic() - began)
                assert (await there.messages(conversation))[1]["content"] == reply["content"]
            ending = (await followed).ending
    assert ending == "abort: interrupted"
    assert all(one.text and one.ending is None for one in seen.values())
    return f"{replies} replies of a dead process, usable after {seconds[0]:.1f} s (lease: {LEASE} s)"


async def paused_process(lab: Lab) -> str:
    """A process is taken for dead and comes back: what others found and did stays as it is."""
    async with two(lab) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:
            conversation, script = await here.start(), fresh(pieces=400, pause=0.05)
            reading = asyncio.create_task(here.stream(conversation, script))
            await _when_shown(lab, script.key)
            first.pause()
            left = await until_ended(there, conversation)
            assert (await there.ask(conversation, fresh())).json()["reply"]["status"] == "complete"
            before = await there.messages(conversation)
            first.resume()
            seen = await reading
            after = await there.messages(conversation)
            assert (await here.ask(conversation, fresh())).json()["reply"]["seq"] == 6
    assert left["status"] == "interrupted"
    assert after == before
    assert seen.ending == "abort: interrupted"
    return "1 process taken for dead came back, 0 messages changed by it"


async def sigterm(lab: Lab, replies: int = 6) -> str:
    """Told to stop: no new turns; what ends in time is complete, the rest is interrupted with its text."""
    async with lab:
        process, other = await asyncio.gather(lab.process(SHUTDOWN_GRACE=3), lab.process())
        _, token = lab.user()
        async with Chat(process, token) as here, Chat(other, token) as there:
            shorts = {await here.start(): fresh(pieces=30, pause=0.08) for _ in range(replies // 2)}
            longs = {await here.start(): fresh(pieces=900, pause=0.08) for _ in range(replies // 2)}
            scripts = {**shorts, **longs}
            reading = [asyncio.create_task(here.stream(one, script)) for one, script in scripts.items()]
            for script in scripts.values():
                await _when_shown(lab, script.key)
            began = time.monotonic()
            process.terminate()
            refused, unused = await _refused(here, there)
            code = await process.ended()
            seconds = time.monotonic() - began
            for (conversation, script), seen in zip(
                scripts.items(), await asyncio.gather(*reading), strict=True
            ):
                reply = await there.reply(conversation)
                status = "complete" if conversation in shorts else "interrupted"
                assert reply["status"] == status
                assert reply["content"] == seen.text
                assert script.text.startswith(seen.text)
                assert seen.ending == ("finish" if status == "complete" else "abort: interrupted")
            assert await there.messages(unused) == []
    assert (refused.status_code, refused.json()["code"]) == (503, "shutting_down")
    assert "retry-after" in refused.headers
    assert code == 0
    counts = f"{len(shorts)} complete, {len(longs)} interrupted, 0 lost"
    return f"{replies} replies at SIGTERM: {counts}; {seconds:.1f} s"


async def _refused(stopping: Chat, other: Chat) -> tuple[httpx.Response, int]:
    """The answer to a turn that is too late, and its conversation."""
    while True:
        conversation = await other.start()
        answer = await stopping.ask(conversation, fresh(pieces=1))
        if answer.status_code != 200:
            return answer, conversation


async def sigterm_while_opening(lab: Lab) -> str:
    """Told to stop while a turn is being opened: that reply too ends with its text, also after the others."""
    async with lab:
        process, other = await asyncio.gather(lab.process(SHUTDOWN_GRACE=4), lab.process())
        _, token = lab.user()
        async with Chat(process, token) as here, Chat(other, token) as there:
            endings = []
            short, long = fresh(pieces=10, pause=0.05), fresh(pieces=400, pause=0.05)
            scripts = {await here.start(): short, await here.start(): long}
            opened, closing = asyncio.Event(), asyncio.Event()

            async def hold() -> bool:
                opened.set()
                await closing.wait()
                return True

            process.wire.set(Trap("opening", "after", hold))
            late = asyncio.create_task(here.stream(next(reversed(scripts)), long))
            await opened.wait()
            early = asyncio.create_task(here.stream(next(iter(scripts)), short))
            await lab.asked(short.key)
            process.terminate()
            await _refused(here, there)
            closing.set()
            code = await process.ended()
            for (conversation, script), seen in zip(scripts.items(), (await early, await late), strict=True):
                reply = await there.reply(conversation)
                endings.append(reply["status"])
                assert reply["status"] in ("complete", "interrupted")
                assert str(reply["content"]).startswith(seen.text)
                assert script.text.startswith(reply["content"])
                assert seen.done
                assert script.key in lab.calls()
    assert code == 0
    return f"1 turn half opened at SIGTERM: {endings[1]}, and 1 open one: {endings[0]}"
