"""langgraph: `PostgresSaver`. To append is a turn of a graph with one node; it has no limit and no list."""

import asyncio
import uuid

import psycopg
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import START, MessagesState, StateGraph
from psycopg.rows import dict_row

from benchmark.stores.calls import LENGTHS, PAGE, TEXT, timed, url


async def main() -> None:
    connection = psycopg.connect(url(), autocommit=True, prepare_threshold=0, row_factory=dict_row)
    saver = PostgresSaver(connection)
    saver.setup()
    graph = StateGraph(MessagesState)
    graph.add_node("bot", lambda _: {"messages": [AIMessage(content=TEXT)]})
    graph.add_edge(START, "bot")
    bot = graph.compile(checkpointer=saver)

    async def measured(length: int) -> None:
        thread = {"configurable": {"thread_id": str(uuid.uuid4())}}
        messages = [(HumanMessage, AIMessage)[seq % 2](content=TEXT) for seq in range(length)]
        bot.update_state(thread, {"messages": messages}, as_node="bot")
        question = {"messages": [HumanMessage(content=TEXT)]}
        await timed("append", length, lambda: bot.invoke(question, thread))
        await timed("load", length, lambda: bot.get_state(thread).values["messages"][-PAGE:])

    for length in LENGTHS:
        await measured(length)


asyncio.run(main())
