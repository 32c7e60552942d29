"""A user's conversations."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col

from ..db.statement import Statement, read, write
from ..errors import ClientIdReused, ConversationNotFound
from ..models.database import Conversation
from ..models.text import is_storable
from .base import Page, Repository, owned, request_hash

Activity = tuple[datetime, int]
"""A place in the list: when the conversation was last active, and its id."""

COLUMNS = (
    col(Conversation.id),
    col(Conversation.client_id),
    col(Conversation.title),
    col(Conversation.created_at),
    col(Conversation.updated_at),
)
"""What clients see of a conversation."""

_NAMES = select(*COLUMNS).selected_columns.keys()
_ACTIVITY = tuple_(col(Conversation.updated_at), col(Conversation.id))
_THIS = (col(Conversation.id) == bindparam("conversation_id"), owned(Conversation))


def _page(*earlier: ColumnElement[bool]) -> Statement:
    newest_first = (col(Conversation.updated_at).desc(), col(Conversation.id).desc())
    found = select(*COLUMNS).where(owned(Conversation), *earlier).order_by(*newest_first)
    one_more = found.limit(bindparam("limit") + literal(1)).cte("one_more")
    order = (one_more.c.updated_at.desc(), one_more.c.id.desc())
    item = select(one_more).order_by(*order).limit(bindparam("limit")).subquery("item")
    last = (
        func.min(item.c.updated_at),
        func.array_agg(aggregate_order_by(item.c.id, item.c.updated_at, item.c.id))[1],
    )
    items = func.json_agg(aggregate_order_by(item.table_valued(), item.c.updated_at.desc(), item.c.id.desc()))
    more = select(func.count()).select_from(one_more).scalar_subquery() > bindparam("limit")
    return read(select(func.coalesce(items, func.json_build_array()), more, *last))


_FIRST_PAGE = _page()
_NEXT_PAGE = _page(tuple_(bindparam("updated_at"), bindparam("before_id")) > _ACTIVITY)

_item = select(*COLUMNS).where(*_THIS).subquery("item")
_GET = read(select(func.row_to_json(_item.table_valued())))

_FIND = read(
    select(col(Conversation.id)).where(
        owned(Conversation), col(Conversation.client_id) == bindparam("client_id")
    )
)

_renamed = (
    update(Conversation)
    .where(*_THIS)
    .values(title=bindparam("title"), title_source="user")
    .returning(*COLUMNS)
    .cte("renamed")
)
_RENAME = write(select(func.row_to_json(_renamed.table_valued())))

_ENTITLE = write(
    update(Conversation)
    .where(*_THIS, col(Conversation.title_source) == "auto")
    .values(title=bindparam("title"))
    .returning(col(Conversation.id))
)

_DELETE = write(delete(Conversation).where(*_THIS).returning(col(Conversation.id)))

_earlier = (
    select(*COLUMNS, col(Conversation.request_hash))
    .where(owned(Conversation), col(Conversation.client_id) == bindparam("client_id"))
    .cte("earlier")
)
_created = (
    insert(Conversation)
    .from_select(
        ["user_id", "client_id", "request_hash", "title", "title_source"],
        select(
            bindparam("user_id"),
            bindparam("client_id"),
            bindparam("request_hash"),
            bindparam("title"),
            bindparam("title_source"),
        ).where(~select(_earlier.c.id).exists()),
        include_defaults=False,
    )
    .returning(*COLUMNS)
    .cte("created")
)
_earlier_item = select(*(_earlier.c[name] for name in _NAMES)).subquery("item")
_CREATE = write(
    select(_created.c.id, func.row_to_json(_created.table_valued()), null()).union_all(
        select(
            _earlier_item.c.id,
            func.row_to_json(_earlier_item.table_valued()),
            select(_earlier.c.request_hash).scalar_subquery(),
        )
    )
)


class ConversationRepository(Repository):
    """The conversations of one user. What is another user's is not found."""

    async def create(self, title: str | None = None, client_id: str | None = None) -> tuple[int, bytes]:
        """Makes a conversation, or finds the one that the same request made before.

        Returns its id and the conversation as JSON. Raises ClientIdReused if that one had another title.
        """
        wanted = request_hash(client_id, title)
        row = await self._row_once(
            _CREATE,
            client_id=client_id,
            request_hash=wanted,
            title=title,
            title_source="auto" if title is None else "user",
        )
        assert row is not None, "the statement inserts or finds"
        conversation_id, conversation, found = row
        if found is not None and bytes(found) != wanted:
            raise ClientIdReused
        return conversation_id, conversation

    async def find(self, client_id: str) -> int:
        """The id of the conversation that the client made with this id. Raises ConversationNotFound."""
        row = None if not is_storable(client_id) else await self._row(_FIND, client_id=client_id)
        if row is None:
            raise ConversationNotFound
        return int(row[0])

    async def of_client(self, client_id: str) -> int:
        """The id of the conversation that has this id in the client, whatever its title; made if new."""
        row = await self._row_once(
            _CREATE,
            client_id=client_id,
            request_hash=request_hash(client_id, None),
            title=None,
            title_source="auto",
        )
        assert row is not None, "the statement inserts or finds"
        return int(row[0])

    async def page(self, limit: int, before: Activity | None = None) -> Page[Activity]:
        """The `limit` conversations of the latest activity, or of the latest `before` a place in the list."""
        if before is None:
            row = await self._row(_FIRST_PAGE, limit=limit)
        else:
            row = await self._row(_NEXT_PAGE, limit=limit, updated_at=before[0], before_id=before[1])
        assert row is not None, "an aggregate is one row"
        items, more, updated_at, last_id = row
        return Page(items, (updated_at, last_id) if more else None)

    async def get(self, conversation_id: int) -> bytes:
        """The conversation as JSON. Raises ConversationNotFound."""
        row = await self._row(_GET, conversation_id=conversation_id)
        if row is None:
            raise ConversationNotFound
        return bytes(row[0])

    async def rename(self, conversation_id: int, title: str) -> bytes:
        """Gives it a title that no automatic one replaces. Raises ConversationNotFound."""
        row = await self._row(_RENAME, conversation_id=conversation_id, title=title)
        if row is None:
            raise ConversationNotFound
        return bytes(row[0])

    async def entitle(self, conversation_id: int, title: str) -> bool:
        """Gives it an automatic title, unless the user gave one. Returns whether it did."""
        return await self._row(_ENTITLE, conversation_id=conversation_id, title=title) is not None

    async def delete(self, conversation_id: int) -> None:
        """Deletes it with all its messages. Raises ConversationNotFound."""
        if await self._row(_DELETE, conversation_id=conversation_id) is None:
            raise ConversationNotFound
