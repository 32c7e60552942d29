"""The title that an assistant gives a conversation."""

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
    """Asks for a title and stores it. Returns it; None if there is none.

    Nobody is asked unless the conversation is still called like its question: else the user gave it a title,
    or an earlier reply did. Raises ChatError, and what the assistant raises.
    """
    conversation = json.loads(await conversations.get(conversation_id))
    if conversation["title"] != title_from(question):
        return None
    said = await assistant.title(question, answer)
    title = title_from(storable(said)) if isinstance(said, str) else None
    if title is None or not await conversations.entitle(conversation_id, title):
        return None
    return title
