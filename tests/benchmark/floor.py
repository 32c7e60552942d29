"""The least that the service's own statements cost behind routes of FastAPI: `uvicorn benchmark.floor:app`.

No token is looked at, nothing is limited, counted or signed: the user is in the path.
"""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Response

from app.db import url as urls
from app.db.database import Database
from app.models.api import MessageCreate
from app.models.caller import Caller
from app.repositories.conversations import ConversationRepository
from app.repositories.history import HistoryRepository
from app.repositories.messages import MessageRepository

app = FastAPI()
database = Database(urls.parse(os.environ["DATABASE_URL"]))


async def caller(user_id: int) -> Caller:
    return Caller(user_id, 0)


Whoever = Annotated[Caller, Depends(caller)]


@app.get("/{user_id}/conversations")
async def conversations(user: Whoever, limit: int) -> Response:
    found = await ConversationRepository(database, user).page(limit)
    return Response(found.items, media_type="application/json")


@app.get("/{user_id}/conversations/{conversation_id}/messages")
async def messages(user: Whoever, conversation_id: int, limit: int) -> Response:
    found = await HistoryRepository(database, user).newest(conversation_id, limit)
    return Response(found.items, media_type="application/json")


@app.post("/{user_id}/conversations/{conversation_id}/messages")
async def append(user: Whoever, conversation_id: int, message: MessageCreate) -> Response:
    stored = await MessageRepository(database, user).append(conversation_id, message.role, message.content)
    return Response(stored, media_type="application/json")
