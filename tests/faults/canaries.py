"""Broken builds of the product, and the check that must reject each: else the check proves nothing."""

import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from faults import ends, readers, retries, tabs
from faults.kill_loop import KillLoop
from faults.lab import THIS_BUILD, Lab

Check = Callable[[Lab], Coroutine[None, None, str]]
Edit = tuple[str, str, str]
"""A file of the application, a text that it has once, and what takes its place."""


@dataclass(frozen=True)
class Canary:
    """A mistake that somebody could make."""

    mistake: str
    check: Check
    edits: tuple[Edit, ...] = ()
    schema: str = ""
    """What is done to the database, for a mistake in the schema."""

    def build(self, folder: Path) -> Path:
        """A copy of the application with the mistake in it."""
        return broken(folder, self.mistake, self.edits)


@dataclass(frozen=True)
class Miss:
    """A mistake that a line of the board must not survive, tried so many times."""

    mistake: str
    figure: str
    times: int
    edits: tuple[Edit, ...]


def broken(folder: Path, mistake: str, edits: tuple[Edit, ...]) -> Path:
    """A copy of this build with the edits."""
    shutil.copytree(THIS_BUILD / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    if (THIS_BUILD.parent / "alembic").is_dir():
        shutil.copytree(THIS_BUILD.parent / "alembic", folder.parent / "alembic", dirs_exist_ok=True)
    for name, old, new in edits:
        file = folder / "app" / name
        text = file.read_text()
        assert text.count(old) == 1, f"{mistake}: {name} has changed, and this canary must follow"
        file.write_text(text.replace(old, new))
    return folder


async def few_streams(lab: Lab) -> str:
    """Enough to see a connection held by each."""
    return await readers.many_streams(lab, 30)


async def a_few_kills(lab: Lab) -> str:
    """Enough to kill at each of the points, once."""
    loop = KillLoop(lab, kills=10, acknowledged=200, seed=1)
    findings = await loop.run()
    assert findings.faults == {}, findings.faults
    return loop.report()


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
        a_few_kills,
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
        "a page of a history is kept for a second",
        a_few_kills,
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
        UNLOCKED,
        schema="DROP INDEX uq_message_client_id, uq_message_open_reply;"
        "ALTER TABLE message DROP CONSTRAINT uq_message_conversation_id_seq",
    ),
    Canary(
        "nobody waits, and two replies may be open at once",
        tabs.races,
        UNLOCKED,
        schema="DROP INDEX uq_message_open_reply",
    ),
    Canary(
        "a reply keeps its lease although its process is dead",
        ends.dead_process,
        (("repositories/replies.py", "LEASE = timedelta(seconds=10)", "LEASE = timedelta(seconds=3600)"),),
    ),
    Canary(
        "text is flushed only when the lease is renewed",
        ends.dead_process,
        (("turns/writer.py", "if self._draft.changed or time", "if time"),),
    ),
    Canary(
        "the writer ends with its reader",
        readers.disconnects,
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
        ends.deletes,
        (
            (
                "repositories/deletion.py",
                "write(_LOCK, select(_deleted.c.id).add_cte(_ended))",
                "write(_LOCK, select(_deleted.c.id))",
            ),
        ),
    ),
    Canary(
        "a shutdown does not wait for the writers",
        ends.sigterm,
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
        (("turns/writer.py", "LAST_SECONDS = 30", "LAST_SECONDS = 0"),),
    ),
    Canary(
        "an opening whose answer was lost is not looked for",
        retries.lost_openings,
        (("repositories/turns.py", "if error.answer_lost else None", "if False else None"),),
    ),
    Canary(
        "who resumes elsewhere sees no tools",
        readers.resumes,
        (("turns/follower.py", "                self._say_tool(part)\n", "                pass\n"),),
    ),
    Canary(
        "no user has too many turns",
        readers.limits,
        (("turns/turns.py", "if self._users[user_id] >= self._capacity.turns_per_user:", "if user_id < 0:"),),
    ),
    Canary(
        "a stream holds a connection",
        few_streams,
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
