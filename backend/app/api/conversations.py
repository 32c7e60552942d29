"""Conversations and their messages, without the assistant."""

from fastapi import APIRouter, Response

from ..errors import ClientIdReused, ConversationNotFound, CursorInvalid
from ..models.api import (
    Conversation,
    ConversationCreate,
    ConversationPage,
    ConversationUpdate,
    Message,
    MessageCreate,
    MessagePage,
)
from .deps import CallerId, ConversationId, Conversations, IdempotencyKey, Limit, Messages, PageCursor
from .openapi import answers, links
from .pages import Cursor, activity_place, json_response, page, place_activity
from .strict import StrictRoute

router = APIRouter(prefix="/api/conversations", tags=["conversations"], route_class=StrictRoute)

_LINKS = links(
    {"conversation_id": "$response.body#/id"},
    get="get_conversation",
    update="update_conversation",
    delete="delete_conversation",
    messages="list_messages",
    append="append_message",
)


@router.post("", status_code=201, responses=answers(Conversation, ClientIdReused, status=201, links=_LINKS))
async def create_conversation(
    conversations: Conversations, key: IdempotencyKey = None, wanted: ConversationCreate | None = None
) -> Response:
    """Makes an empty conversation. Its first message gives it a title, unless you do."""
    wanted = wanted or ConversationCreate()
    conversation_id, conversation = await conversations.create(wanted.title, wanted.client_id or key)
    return json_response(conversation, 201, location=f"/api/conversations/{conversation_id}")


@router.get("", responses=answers(ConversationPage, CursorInvalid))
async def list_conversations(
    conversations: Conversations, caller: CallerId, limit: Limit = 20, cursor: PageCursor = None
) -> Response:
    """Lists your conversations. The one with the latest message comes first."""
    cursors = Cursor("conversations", caller)
    before = None if cursor is None else place_activity(cursors.read(cursor, 2))
    found = await conversations.page(limit, before)
    return page(found.items, None if found.next is None else cursors.write(*activity_place(found.next)))


@router.get("/{conversation_id}", responses=answers(Conversation, ConversationNotFound))
async def get_conversation(conversations: Conversations, conversation_id: ConversationId) -> Response:
    """Reads a conversation. Its messages are a list of their own."""
    return json_response(await conversations.get(conversation_id))


@router.patch("/{conversation_id}", responses=answers(Conversation, ConversationNotFound))
async def update_conversation(
    conversations: Conversations, conversation_id: ConversationId, wanted: ConversationUpdate
) -> Response:
    """Renames a conversation. No automatic title replaces the new one."""
    return json_response(await conversations.rename(conversation_id, wanted.title))


@router.delete(
    "/{conversation_id}", status_code=204, responses=answers(None, ConversationNotFound, status=204)
)
async def delete_conversation(conversations: Conversations, conversation_id: ConversationId) -> None:
    """Deletes a conversation. Its messages are deleted with it, for good."""
    await conversations.delete(conversation_id)


@router.get(
    "/{conversation_id}/messages", responses=answers(MessagePage, ConversationNotFound, CursorInvalid)
)
async def list_messages(
    messages: Messages,
    caller: CallerId,
    conversation_id: ConversationId,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> Response:
    """Lists the messages of a conversation.

    They come in reading order, from the first on; the next page has the ones after them.
    """
    cursors = Cursor("messages", caller, conversation_id)
    after = 0 if cursor is None else cursors.read(cursor, 1)[0]
    found = await messages.oldest(conversation_id, limit, after)
    return page(found.items, None if found.next is None else cursors.write(found.next))


@router.post(
    "/{conversation_id}/messages",
    status_code=201,
    responses=answers(Message, ConversationNotFound, ClientIdReused, status=201),
)
async def append_message(
    messages: Messages, conversation_id: ConversationId, message: MessageCreate, key: IdempotencyKey = None
) -> Response:
    """Stores a message without asking the assistant. It takes the next place in the conversation."""
    stored = await messages.append(conversation_id, message.role, message.content, message.client_id or key)
    return json_response(stored, 201)
