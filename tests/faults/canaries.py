"""Broken builds of the product, and the check of the turn engine that must reject each."""

from unittest.mock import patch

from faults import ends, readers, retries, streams, tabs
from faults.broken import Canary
from faults.kill_loop import KillLoop
from faults.lab import Lab, Process


async def few_streams(lab: Lab) -> str:
    """Enough to see a connection held by each, and fewer than there are."""
    with patch.multiple("faults.streams", PATIENCE=5, LOOKS=20, OTHERS=9):
        return await streams.many_streams(lab, 4)


async def few_deletes(lab: Lab) -> str:
    """A conversation and two users."""
    return await ends.deletes(lab, 2)


async def impatient_dead_process(lab: Lab) -> str:
    """Waits for two leases, not four."""
    with patch("faults.readers.PATIENCE", 2 * ends.LEASE):
        return await ends.dead_process(lab)


class KillsAtTheEnd(KillLoop):
    """Kills before the end of a reply reaches Postgres, each time."""

    async def _harm(self, processes: tuple[Process, Process], number: int) -> str:
        victim = processes[number % 2]
        at_the_end = await self._trapped(victim, "end", "before")
        await victim.kill()
        await victim.start()
        return "at the end" if at_the_end else "at random"


async def _faultless(loop: KillLoop) -> str:
    findings = await loop.run()
    assert findings.faults == {}, findings.faults
    return loop.report()


async def two_kills(lab: Lab) -> str:
    """Enough for what is acknowledged some time before it is stored."""
    return await _faultless(KillLoop(lab, kills=2, acknowledged=60, seed=1))


async def two_kills_at_the_end(lab: Lab) -> str:
    """Enough for what is said between the last word and its end."""
    return await _faultless(KillsAtTheEnd(lab, kills=2, acknowledged=60, seed=1))


async def reads_of_acknowledged(lab: Lab) -> str:
    """The same load and nobody is killed: what is acknowledged is read at once."""
    return await _faultless(KillLoop(lab, kills=0, acknowledged=60, seed=1))


UNLOCKED = (
    (
        "repositories/openings.py",
        "_LOCK = select(col(Conversation.id)).where(*THIS_CONVERSATION).with_for_update()",
        "_LOCK = select(col(Conversation.id)).where(*THIS_CONVERSATION)",
    ),
)

CANARIES = (
    Canary(
        "a reply is said to be complete a moment before it is stored",
        two_kills_at_the_end,
        "'unfinished'",
        (
            (
                "turns/writer.py",
                "        try:\n            await self._finish()\n",
                "        self._live.say(self._ending())\n        await asyncio.sleep(0.5)\n"
                "        try:\n            await self._finish()\n",
            ),
        ),
    ),
    Canary(
        "an append is acknowledged a second before it is committed",
        two_kills,
        "'lost'",
        (
            (
                "db/database.py",
                "        connection = await self._pool.acquire()\n"
                "        try:\n            if self.keeps_plans:\n",
                "        connection = await self._pool.acquire()\n"
                "        if 'appended AS' in statements[-1].sql:\n"
                "            return await self._soon(connection, statements, parameters)\n"
                "        try:\n            if self.keeps_plans:\n",
            ),
            (
                "db/database.py",
                "    async def _begin(self,",
                "    async def _soon(self, connection, statements, parameters):\n"
                "        import asyncio\n"
                "        sql = '; '.join(['BEGIN', *(each.sql for each in statements)])\n"
                "        rows = await self._send(connection, sql, parameters)\n"
                "        async def commit():\n"
                "            await asyncio.sleep(1)\n"
                "            await self._send(connection, 'COMMIT', {})\n"
                "            self._pool.release(connection)\n"
                "        self.__dict__.setdefault('commits', []).append(asyncio.create_task(commit()))\n"
                "        return rows\n\n"
                "    async def _begin(self,",
            ),
        ),
    ),
    Canary(
        "a page of a history is kept for a second",
        reads_of_acknowledged,
        "'stale'",
        (
            (
                "api/conversations.py",
                "    found = await history.oldest(conversation_id, limit, after)\n",
                "    import time\n"
                "    kept = list_messages.__dict__.setdefault('kept', {})\n"
                "    second, found = kept.get((conversation_id, limit, after), (0, None))\n"
                "    if found is None or second != time.monotonic() // 1:\n"
                "        found = await history.oldest(conversation_id, limit, after)\n"
                "        kept[conversation_id, limit, after] = (time.monotonic() // 1, found)\n",
            ),
        ),
    ),
    Canary(
        "an append's key is not looked up",
        retries.lost_appends,
        "assert again.status_code == 201",
        (
            (
                "repositories/messages.py",
                'col(Message.client_id) == bindparam("client_id"), in_its_conversation())',
                'col(Message.client_id) == bindparam("client_id"), col(Message.id) < 0)',
            ),
        ),
    ),
    Canary(
        "a flush appends, wherever the text belongs, and the end only what is missing then",
        retries.lost_flushes,
        'assert (stored["content"], stored["status"]) ==',
        (
            (
                "repositories/replies.py",
                '_behind = func.left(col(Message.content), bindparam("have")).concat(bindparam("text"))',
                '_behind = col(Message.content).concat(bindparam("text"))',
            ),
            (
                "repositories/replies.py",
                'content=bindparam("text"),',
                "content=col(Message.content).concat("
                'func.substr(bindparam("text"), func.char_length(col(Message.content)) + 1)),',
            ),
        ),
    ),
    Canary(
        "a retry's key is not looked up",
        retries.bursts,
        "assert [answer.status_code for answer in whole] == [200] * 4",
        (
            (
                "repositories/messages.py",
                'col(Message.client_id) == bindparam("client_id"), in_its_conversation())',
                'col(Message.client_id) == bindparam("client_id"), col(Message.id) < 0)',
            ),
        ),
    ),
    Canary(
        "nobody waits, and nothing is unique: not the key, not the open reply, not the place",
        retries.bursts,
        "assert all(answer.json() == whole[0].json()",
        UNLOCKED,
        schema="DROP INDEX uq_message_client_id, uq_message_open_reply;"
        "ALTER TABLE message DROP CONSTRAINT uq_message_conversation_id_seq",
    ),
    Canary(
        "nobody waits, and two replies may be open at once",
        tabs.races,
        "assert sorted(one.status for one in seen) ==",
        UNLOCKED,
        schema="DROP INDEX uq_message_open_reply",
    ),
    Canary(
        "a reply keeps its lease although its process is dead",
        impatient_dead_process,
        "reply = await until_ended(there, conversation)",
        (("repositories/replies.py", "LEASE = timedelta(seconds=10)", "LEASE = timedelta(seconds=3600)"),),
    ),
    Canary(
        "text is flushed only when the lease is renewed",
        impatient_dead_process,
        'assert reply["content"]',
        (("turns/writer.py", "if self._draft.changed or time", "if time"),),
    ),
    Canary(
        "the writer ends with its reader",
        readers.disconnects,
        '== ("complete", script.text)',
        (
            (
                "turns/live.py",
                "                await self._changed(alarm)\n",
                "                try:\n"
                "                    await self._changed(alarm)\n"
                "                except asyncio.CancelledError:\n"
                "                    for task in asyncio.all_tasks():\n"
                "                        if task.get_coro().__name__ == 'write':\n"
                "                            task.cancel()\n"
                "                    raise\n",
            ),
        ),
    ),
    Canary(
        "a reader who has left is told of more",
        readers.disconnects,
        '== ("complete", script.text)',
        (
            (
                "turns/live.py",
                "            self._waiting.discard(change)\n",
                "            if not change.cancelled():\n                self._waiting.discard(change)\n",
            ),
            (
                "turns/live.py",
                "    if not change.done():\n        change.set_result(None)\n",
                "    change.set_result(None)\n",
            ),
        ),
    ),
    Canary(
        "the end is written whatever the status is",
        ends.paused_process,
        "assert after == before",
        (
            (
                "repositories/replies.py",
                "_ended = (\n    update(Message)\n    .where(*_THIS_REPLY, STREAMING)",
                "_ended = (\n    update(Message)\n    .where(*_THIS_REPLY)",
            ),
        ),
    ),
    Canary(
        "a stop drops what was not flushed",
        ends.stops,
        'assert stopped["content"] == seen.text',
        (
            (
                "turns/writer.py",
                "            text=text,\n",
                '            text="" if self._status == "stopped" else text,\n',
            ),
        ),
    ),
    Canary(
        "a reply goes on although its conversation is deleted",
        few_deletes,
        "assert seen.ending in told",
        (
            (
                "repositories/deletion.py",
                "write(_LOCK, select(_deleted.c.id).add_cte(_ended))",
                "write(_LOCK, select(_deleted.c.id))",
            ),
        ),
    ),
    Canary(
        "nothing ties a message to its conversation",
        few_deletes,
        "assert lab.postgres.value(left, conversation) == stays",
        schema="ALTER TABLE message DROP CONSTRAINT fk_message_conversation_id_user_id_conversation",
    ),
    Canary(
        "a shutdown does not wait for the writers",
        ends.sigterm,
        'refused, unused = await _refused(here, there) | assert reply["status"] == status',
        (
            (
                "turns/turns.py",
                "        self._deadline = self._deadline or loop.time() + grace\n",
                "        self._deadline = self._deadline or loop.time() + grace\n        return\n",
            ),
        ),
    ),
    Canary(
        "a shutdown forgets the turns that are being opened",
        ends.sigterm_while_opening,
        'assert reply["status"] in ("complete", "interrupted") | await _refused(here, there)',
        (
            (
                "turns/turns.py",
                "        if self._opening:\n",
                "        if not self._opening:\n            pass\n        elif False:\n",
            ),
        ),
    ),
    Canary(
        "an end whose answer was lost is told as an interruption",
        retries.lost_ends,
        "assert (seen.text, seen.ending, seen.done)",
        (
            (
                "turns/writer.py",
                'self._status, self._reason = found["status"], found["finish_reason"]',
                'self._status, self._reason = "interrupted", "interrupted"',
            ),
        ),
    ),
    Canary(
        "the end is tried once, also while the database is away",
        ends.database_away_at_the_end,
        'assert (seen.text, seen.ending) == (script.text, "finish")',
        (("turns/writer.py", "LAST_SECONDS = 30", "LAST_SECONDS = 0"),),
    ),
    Canary(
        "an opening whose answer was lost is not looked for",
        retries.lost_openings,
        "assert answer.status_code == 200",
        (("repositories/turns.py", "if error.answer_lost else None", "if False else None"),),
    ),
    Canary(
        "who resumes elsewhere sees no tools",
        readers.resumes,
        "assert seen.parts == readers[0].parts",
        (("turns/follower.py", "                self._say_tool(part)\n", "                pass\n"),),
    ),
    Canary(
        "no user has too many turns",
        readers.limits,
        '"too_many_turns")',
        (("turns/turns.py", "if self._users[user_id] >= self._capacity.turns_per_user:", "if user_id < 0:"),),
    ),
    Canary(
        "a stream holds a connection",
        few_streams,
        "connections are in use at",
        (
            (
                "turns/turns.py",
                "                status = await writer.run(prompt, titles)\n",
                "                await self._database._pool.acquire()\n"
                "                status = await writer.run(prompt, titles)\n",
            ),
        ),
    ),
)
