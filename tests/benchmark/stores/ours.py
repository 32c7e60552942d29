"""This service's own repositories."""

import asyncio

from app.db import url as urls
from app.db.database import Database
from app.repositories.conversations import ConversationRepository
from app.repositories.history import HistoryRepository
from app.repositories.messages import MessageRepository
from benchmark import growth
from benchmark.stores.calls import ACCOUNTS, LENGTHS, PAGE, TEXT, timed, url


async def main() -> None:
    chats = [(length, growth.conversation_of(url(), length).conversation) for length in LENGTHS]
    database = Database(urls.parse(url()))
    messages, history = MessageRepository(database, growth.OWNER), HistoryRepository(database, growth.OWNER)

    async def measured(length: int, chat: int) -> None:
        await timed("append", length, lambda: messages.append(chat, "user", TEXT))
        await timed("load", length, lambda: history.newest(chat, PAGE))

    async def listed(count: int, user: int) -> None:
        conversations = ConversationRepository(database, user)
        await timed("list", count, lambda: conversations.page(20))

    for length, chat in chats:
        await measured(length, chat)
    for count in ACCOUNTS:
        _, nearest = growth.account_of(url(), count)
        await listed(count, nearest.user)
    await database.close()


asyncio.run(main())
