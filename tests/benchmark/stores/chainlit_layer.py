"""chainlit: `SQLAlchemyDataLayer`, with the tables that its documentation gives. It has no limit."""

import asyncio
import uuid
from datetime import UTC, datetime

import asyncpg
from chainlit.data.sql_alchemy import SQLAlchemyDataLayer
from chainlit.types import Pagination, ThreadFilter
from chainlit.user import User

from benchmark.stores.calls import ACCOUNTS, LENGTHS, TEXT, timed, url

TABLES = """
CREATE TABLE IF NOT EXISTS users (
    id uuid PRIMARY KEY, identifier text NOT NULL UNIQUE, metadata jsonb NOT NULL, "createdAt" text
);
CREATE TABLE IF NOT EXISTS threads (
    id uuid PRIMARY KEY, "createdAt" text, name text, "userId" uuid REFERENCES users ON DELETE CASCADE,
    "userIdentifier" text, tags text[], metadata jsonb
);
CREATE TABLE IF NOT EXISTS steps (
    id uuid PRIMARY KEY, name text NOT NULL, type text NOT NULL,
    "threadId" uuid NOT NULL REFERENCES threads ON DELETE CASCADE, "parentId" uuid,
    streaming boolean NOT NULL, "waitForAnswer" boolean, "isError" boolean, metadata jsonb, tags text[],
    input text, output text, "createdAt" text, command text, start text, "end" text, generation jsonb,
    "showInput" text, language text, indent int, "defaultOpen" boolean, modes jsonb
);
CREATE TABLE IF NOT EXISTS elements (
    id uuid PRIMARY KEY, "threadId" uuid, type text, url text, "chainlitKey" text, name text NOT NULL,
    display text, "objectKey" text, size text, page int, language text, "forId" uuid, mime text, props jsonb
);
CREATE TABLE IF NOT EXISTS feedbacks (
    id uuid PRIMARY KEY, "forId" uuid NOT NULL, "threadId" uuid NOT NULL, value int NOT NULL, comment text
);
"""


def step(thread: str, seq: int) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "threadId": thread,
        "name": "message",
        "type": ("user_message", "assistant_message")[seq % 2],
        "streaming": False,
        "input": "",
        "output": TEXT,
        "metadata": {},
        "createdAt": datetime.now(UTC).isoformat(),
    }


async def main() -> None:
    connection = await asyncpg.connect(url().partition("?")[0])
    await connection.execute(TABLES)
    layer = SQLAlchemyDataLayer(url("+asyncpg").partition("?")[0])
    user = await layer.create_user(User(identifier=str(uuid.uuid4()), metadata={}))
    # What its decorator queues for a running chat is called at once.
    create = getattr(SQLAlchemyDataLayer.create_step, "__wrapped__", SQLAlchemyDataLayer.create_step)
    columns = ("id", "threadId", "name", "type", "streaming", "input", "output", "createdAt")

    async def measured(length: int) -> None:
        thread = str(uuid.uuid4())
        await layer.update_thread(thread, name="thread", user_id=user.id)
        rows = [step(thread, seq) for seq in range(length)]
        records = [tuple(row[column] for column in columns) for row in rows]
        await connection.copy_records_to_table("steps", records=records, columns=columns)
        await timed("append", length, lambda: create(layer, step(thread, 0)))
        await timed("load", length, lambda: layer.get_thread(thread))

    async def listed(count: int) -> None:
        owner = await layer.create_user(User(identifier=str(uuid.uuid4()), metadata={}))
        threads = [
            (uuid.uuid4(), owner.id, owner.identifier, datetime.now(UTC).isoformat()) for _ in range(count)
        ]
        columns = ("id", "userId", "userIdentifier", "createdAt")
        await connection.copy_records_to_table("threads", records=threads, columns=columns)
        mine = ThreadFilter(userId=owner.id)
        await timed("list", count, lambda: layer.list_threads(Pagination(first=20), mine))

    for length in LENGTHS:
        await measured(length)
    for count in ACCOUNTS:
        await listed(count)
    await connection.close()


asyncio.run(main())
