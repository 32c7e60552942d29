"""openai-agents: `SQLAlchemySession`. It has no list."""

import asyncio
import uuid

from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from benchmark.stores.calls import LENGTHS, PAGE, TEXT, timed, url


async def main() -> None:
    engine = create_async_engine(url("+asyncpg").partition("?")[0])

    async def measured(length: int) -> None:
        session = SQLAlchemySession(str(uuid.uuid4()), engine=engine, create_tables=True)
        items = [{"role": ("user", "assistant")[seq % 2], "content": TEXT} for seq in range(length)]
        for first in range(0, length, 500):
            await session.add_items(items[first : first + 500])
        await timed("append", length, lambda: session.add_items(items[:1]))
        await timed("load", length, lambda: session.get_items(limit=PAGE))

    for length in LENGTHS:
        await measured(length)
    await engine.dispose()


asyncio.run(main())
