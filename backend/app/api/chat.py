"""The chat routes. A session id is the conversation's id as text, and valid as long as the conversation."""

from fastapi import Response
from fastapi.responses import StreamingResponse

from ..errors import (
    ClientIdReused,
    ConversationDeleted,
    ConversationNotFound,
    CursorInvalid,
    MessageNotFound,
    MessageUnreadable,
    NothingToAnswer,
    Overloaded,
    ShuttingDown,
    TooManyTurns,
    TurnInProgress,
)
from ..models.ai_sdk import UIChat, UIHistoryPage
from ..models.api import (
    ChatMessage,
    ChatSession,
    ConversationCreate,
    HistoryPage,
    LiveReplies,
    Stopped,
    Turn,
    Versions,
)
from .deps import (
    AppServices,
    Asking,
    BegunSession,
    ConversationKey,
    Conversations,
    History,
    HistoryFormat,
    HistoryPlace,
    IdempotencyKey,
    Limit,
    Replies,
    ReplyId,
    RetryKey,
    Session,
    SignedIn,
    WantsStream,
    conversation_of,
)
from .openapi import answers, links
from .pages import Cursor, json_response, page, ui_items, whole
from .stream import stream_response
from .strict import strict_router
from .turn import turn_response, ui_turn

# Session ids are parameters of type `path`, because a client's own id may contain slashes.
router = strict_router("/api/chat", "chat")

_LINKS = links(
    {"sessionId": "$response.body#/session_id"},
    send="send_message",
    regenerate="regenerate_reply",
    stream="resume_stream",
    stop="stop_reply",
    history="get_history",
) | links(
    {"conversation_id": "$response.body#/conversation/id"},
    get="get_conversation",
    update="update_conversation",
    delete="delete_conversation",
    restore="restore_conversation",
)
_TURN_LINKS = links(
    {"sessionId": "$request.path.sessionId", "reply_id": "$response.body#/reply/id"}, versions="list_versions"
) | links(
    {
        "conversation_id": "$response.body#/reply/conversation_id",
        "message_id": "$response.body#/reply/id",
    },
    feedback="give_feedback",
)
_BUSY = (
    TurnInProgress(reply_id=2, resume="/api/chat/1/stream"),
    TooManyTurns,
    Overloaded,
    ShuttingDown,
)


@router.post(
    "/start",
    status_code=201,
    responses=answers(ChatSession, ConversationDeleted, ClientIdReused, status=201, links=_LINKS),
)
async def start_chat(
    conversations: Conversations, key: ConversationKey = None, chat: ConversationCreate | None = None
) -> Response:
    """Starts a chat. Its session is valid until the conversation is deleted."""
    chat = chat or ConversationCreate()
    conversation_id, conversation = await conversations.create(chat.title, chat.client_id or key)
    body = b'{"session_id":"%d","conversation":%b}' % (conversation_id, conversation)
    return json_response(body, 201, location=f"/api/conversations/{conversation_id}")


@router.post(
    "/{sessionId:path}/message",
    responses=answers(Turn, ConversationNotFound, ClientIdReused, *_BUSY, stream=True, links=_TURN_LINKS),
)
async def send_message(
    services: AppServices,
    caller: Asking,
    session: Session,
    chat: ChatMessage,
    streamed: WantsStream,
    key: IdempotencyKey = None,
) -> Response:
    """Sends a message and returns the assistant's reply.

    The response has the complete reply once it has ended; with `Accept: text/event-stream`, it streams the
    reply while it is written. Both messages are stored even if the client disconnects. A conversation has one
    running reply at a time: meanwhile, a new message gets 409 with the address where that reply can be read.
    """
    turn = await services.turns.ask(caller, session, chat.message, chat.client_id or key)
    return await turn_response(services, caller, turn, streamed=streamed)


@router.post(
    "/{sessionId:path}/regenerate",
    responses=answers(Turn, ConversationNotFound, NothingToAnswer, *_BUSY, stream=True, links=_TURN_LINKS),
)
async def regenerate_reply(
    services: AppServices, caller: Asking, session: Session, streamed: WantsStream, key: RetryKey = None
) -> Response:
    """Requests another reply to the last message.

    It replaces the previous reply, which is kept and can be listed as a version. The response has the
    complete reply or, with `Accept: text/event-stream`, streams it while it is written.
    """
    turn = await services.turns.regenerate(caller, session, key)
    return await turn_response(services, caller, turn, streamed=streamed)


@router.get(
    "/{sessionId:path}/stream",
    response_class=StreamingResponse,
    responses=answers(None, ConversationNotFound, stream=True, empty=True),
)
async def resume_stream(services: AppServices, caller: SignedIn, session: BegunSession) -> Response:
    """Streams the reply that is being written.

    The stream starts at the beginning of the reply and ends with it. Any process of the service may be
    writing the reply, and any device may have requested it. Without such a reply the response is 204, also
    for a chat id of your client's own for which nothing was sent yet.
    """
    live = None if session is None else await services.turns.resume(caller, session)
    if live is None:
        return Response(status_code=204)
    return stream_response(live, None, services.watch.reading(caller, live.wake))


@router.post("/{sessionId:path}/stop", responses=answers(Stopped, ConversationNotFound))
async def stop_reply(services: AppServices, caller: SignedIn, session: Session) -> Response:
    """Stops the reply that is being written. Its text so far is kept; without a reply, nothing happens."""
    reply = await services.turns.stop(caller, session)
    return json_response(b'{"success":true,"reply":%b}' % (reply or b"null"))


@router.get(
    "/{sessionId:path}/history",
    responses=answers(HistoryPage | UIHistoryPage, ConversationNotFound, MessageNotFound, CursorInvalid),
)
async def get_history(
    history: History,
    session: Session,
    place: HistoryPlace,
    limit: Limit = 50,
    format: HistoryFormat = "api",  # noqa: A002  # the name that clients send
) -> Response:
    """Reads the newest messages of a chat, or those at another position.

    They come in reading order, with cursors for the messages before and after them. With `format=ui` they are
    `UIMessage`s of the AI SDK, with which its `useChat` can start.
    """
    older = Cursor("history", history.user_id, session)
    newer = Cursor("newer history", history.user_id, session)
    if place.around is not None:
        found = await history.around(session, limit, place.around)
    elif place.after is not None:
        [after] = newer.read(place.after, 1)
        found = await history.oldest(session, limit, after)
    elif place.before is not None:
        [before] = older.read(place.before, 1)
        found = await history.newest(session, limit, before)
    else:
        found = await history.newest(session, limit)
    items = ui_items(found.items) if format == "ui" else found.items
    return page(items, next_cursor=older.at(found.older), newer_cursor=newer.at(found.newer))


@router.get(
    "/{sessionId:path}/replies/{reply_id}/versions",
    responses=answers(Versions, ConversationNotFound, MessageNotFound),
)
async def list_versions(replies: Replies, session: Session, reply_id: ReplyId) -> Response:
    """Lists all replies to the same message. They are the current reply and those that it replaced."""
    return whole(await replies.versions(session, reply_id))


@router.get("/live", responses=answers(LiveReplies))
async def list_live(replies: Replies) -> Response:
    """Lists your replies that are being written. Another tab can read them along, or stop them."""
    return whole(await replies.live())


@router.post(
    "",
    response_class=StreamingResponse,
    responses=answers(
        None,
        ConversationNotFound,
        ConversationDeleted,
        MessageNotFound,
        NothingToAnswer,
        ClientIdReused,
        MessageUnreadable,
        *_BUSY,
        stream=True,
    ),
)
async def chat_with_ai_sdk(
    services: AppServices, caller: Asking, conversations: Conversations, chat: UIChat
) -> Response:
    """Answers a request of the AI SDK's `useChat`. The response is the stream that `useChat` reads.

    Only the user's last message is read: the history comes from the database. An `id` of digits, as the
    service writes them, is a session id. Any other `id` is the client's own, and creates a conversation if it
    is new, unless the request refers to a message that must already be stored.

    A message's `id` is its idempotency key, also when it is edited: `Idempotency-Key` is not read.
    """
    find = conversations.of_client if chat.may_begin else conversations.find
    session = conversation_of(chat.id) or await find(chat.id)
    turn = await ui_turn(services.turns, caller, session, chat)
    return await turn_response(services, caller, turn, streamed=True)
