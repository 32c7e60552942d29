"""Asks an assistant for a conversation's title."""

import json

from ..assistants.base import GivesTitles
from ..models.text import storable
from ..repositories.conversations import ConversationRepository
from ..titles import title_from


async def entitle(
    assistant: GivesTitles,
    conversations: ConversationRepository,
    conversation_id: int,
    question: str,
    answer: str,
) -> str | None:
    """Asks for a title, stores it and returns it; None if there is none.

    Does not ask if the title is no longer the one taken from the question: then the user or an earlier reply
    has set it. Raises ChatError, and what the assistant raises.
    """
    conversation = json.loads(await conversations.get(conversation_id))
    if conversation["title"] != title_from(question):
        return None
    said = await assistant.title(question, answer)
    title = title_from(storable(said)) if isinstance(said, str) else None
    if title is None or not await conversations.entitle(conversation_id, title):
        return None
    return title
