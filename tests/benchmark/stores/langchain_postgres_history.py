"""langchain-postgres: `PostgresChatMessageHistory`. It has no limit and no list."""

import asyncio
import uuid

import psycopg
from langchain_core.messages import AIMessage, HumanMessage
from langchain_postgres import PostgresChatMessageHistory

from benchmark.stores.calls import LENGTHS, PAGE, TEXT, timed, url


async def main() -> None:
    connection = psycopg.connect(url())
    PostgresChatMessageHistory.create_tables(connection, "langchain_history")

    async def measured(length: int) -> None:
        history = PostgresChatMessageHistory(
            "langchain_history", str(uuid.uuid4()), sync_connection=connection
        )
        history.add_messages([(HumanMessage, AIMessage)[seq % 2](content=TEXT) for seq in range(length)])
        await timed("append", length, lambda: history.add_messages([HumanMessage(content=TEXT)]))
        await timed("load", length, lambda: history.messages[-PAGE:])

    for length in LENGTHS:
        await measured(length)


asyncio.run(main())
