"""Routes for conversations and their messages, without the assistant."""

from fastapi import Response

from ..errors import (
    ClientIdReused,
    ConversationDeleted,
    ConversationNotFound,
    CursorInvalid,
    MessageNotFound,
)
from ..models.api import (
    Conversation,
    ConversationCreate,
    ConversationPage,
    ConversationUpdate,
    Feedback,
    Message,
    MessageCreate,
    MessagePage,
    Usage,
)
from .deps import (
    Archived,
    ConversationId,
    ConversationKey,
    Conversations,
    Deletion,
    History,
    IdempotencyKey,
    Limit,
    MessageId,
    Messages,
    PageCursor,
    Replies,
)
from .openapi import answers, links
from .pages import Cursor, json_response, numbers_place, page, place_numbers
from .strict import strict_router

router = strict_router("/api/conversations", "conversations")

_LINKS = links(
    {"conversation_id": "$response.body#/id"},
    get="get_conversation",
    update="update_conversation",
    delete="delete_conversation",
    restore="restore_conversation",
    usage="get_usage",
    messages="list_messages",
    append="append_message",
)


@router.post(
    "",
    status_code=201,
    responses=answers(Conversation, ConversationDeleted, ClientIdReused, status=201, links=_LINKS),
)
async def create_conversation(
    conversations: Conversations, key: ConversationKey = None, wanted: ConversationCreate | None = None
) -> Response:
    """Creates an empty conversation. Its first message gives it a title, unless you do."""
    wanted = wanted or ConversationCreate()
    conversation_id, conversation = await conversations.create(wanted.title, wanted.client_id or key)
    return json_response(conversation, 201, location=f"/api/conversations/{conversation_id}")


@router.get("", responses=answers(ConversationPage, CursorInvalid))
async def list_conversations(
    conversations: Conversations,
    archived: Archived = False,
    limit: Limit = 20,
    cursor: PageCursor = None,
) -> Response:
    """Lists your conversations. Pinned ones come first, then those with the latest messages.

    Archived conversations are in a list of their own. A conversation that gets a message while you read the
    pages moves to the front: read the first page again to see it.
    """
    cursors = Cursor("conversations", conversations.user_id, archived)
    after = None if cursor is None else numbers_place(cursors.read(cursor, 3))
    found = await conversations.page(limit, after, archived=archived)
    following = None if found.next is None else cursors.write(*place_numbers(found.next))
    return page(found.items, next_cursor=following)


@router.get("/{conversation_id}", responses=answers(Conversation, ConversationNotFound))
async def get_conversation(conversations: Conversations, conversation_id: ConversationId) -> Response:
    """Reads a conversation. Its messages are listed separately."""
    return json_response(await conversations.get(conversation_id))


@router.get("/{conversation_id}/usage", responses=answers(Usage, ConversationNotFound))
async def get_usage(conversations: Conversations, conversation_id: ConversationId) -> Response:
    """Counts the tokens of a conversation. All its replies count, including those that were replaced."""
    return json_response(await conversations.usage(conversation_id))


@router.patch("/{conversation_id}", responses=answers(Conversation, ConversationNotFound))
async def update_conversation(
    conversations: Conversations, conversation_id: ConversationId, wanted: ConversationUpdate
) -> Response:
    """Renames, pins or archives a conversation.

    Omitted fields stay as they are. An automatic title never replaces one that you set.
    """
    changed = await conversations.change(conversation_id, wanted.title, wanted.pinned, wanted.archived)
    return json_response(changed)


@router.delete(
    "/{conversation_id}", status_code=204, responses=answers(None, ConversationNotFound, status=204)
)
async def delete_conversation(deletion: Deletion, conversation_id: ConversationId) -> None:
    """Deletes a conversation with its messages. It can be restored until a purge removes it for good."""
    await deletion.delete(conversation_id)


@router.post("/{conversation_id}/restore", responses=answers(Conversation, ConversationNotFound))
async def restore_conversation(deletion: Deletion, conversation_id: ConversationId) -> Response:
    """Restores a deleted conversation. One that was not deleted stays as it is."""
    return json_response(await deletion.restore(conversation_id))


@router.get(
    "/{conversation_id}/messages", responses=answers(MessagePage, ConversationNotFound, CursorInvalid)
)
async def list_messages(
    history: History,
    conversation_id: ConversationId,
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> Response:
    """Lists the messages of a conversation.

    They come in reading order, starting with the first; the next page continues after them.
    """
    cursors = Cursor("messages", history.user_id, conversation_id)
    after = 0 if cursor is None else cursors.read(cursor, 1)[0]
    found = await history.oldest(conversation_id, limit, after)
    return page(found.items, next_cursor=cursors.at(found.newer))


@router.post(
    "/{conversation_id}/messages",
    status_code=201,
    responses=answers(Message, ConversationNotFound, ClientIdReused, status=201),
)
async def append_message(
    messages: Messages, conversation_id: ConversationId, message: MessageCreate, key: IdempotencyKey = None
) -> Response:
    """Stores a message without asking the assistant. It is added at the end of the conversation."""
    stored = await messages.append(conversation_id, message.role, message.content, message.client_id or key)
    return json_response(stored, 201)


@router.put(
    "/{conversation_id}/messages/{message_id}/feedback",
    status_code=204,
    responses=answers(None, ConversationNotFound, MessageNotFound, status=204),
)
async def give_feedback(
    replies: Replies, conversation_id: ConversationId, message_id: MessageId, feedback: Feedback
) -> None:
    """Rates a reply. Only the latest rating is kept; null removes it."""
    await replies.rate(conversation_id, message_id, feedback.value)
