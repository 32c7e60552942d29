"""A user's conversations."""

from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    case,
    cast,
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
from ..errors import ClientIdReused, ConversationDeleted, ConversationNotFound
from ..models.database import Conversation, Message
from ..models.text import is_storable
from .base import Page, Repository, not_deleted, owned, request_hash

Place = tuple[bool, datetime, int]
"""A place in a list: whether the conversation is pinned, when it was last active, and its id."""

COLUMNS = (
    col(Conversation.id),
    col(Conversation.client_id),
    col(Conversation.title),
    col(Conversation.pinned),
    col(Conversation.archived),
    col(Conversation.created_at),
    col(Conversation.updated_at),
)
"""The columns that clients see."""

THIS_CONVERSATION = (
    col(Conversation.id) == bindparam("conversation_id"),
    owned(Conversation),
    not_deleted(),
)
NAMES = select(*COLUMNS).selected_columns.keys()


def _place(columns: Any) -> tuple[ColumnElement[Any], ...]:
    return columns.pinned, columns.updated_at, columns.id


def _first_to_last(columns: Any) -> list[ColumnElement[Any]]:
    return [column.desc() for column in _place(columns)]


def _page(*further: ColumnElement[bool]) -> Statement:
    listed = (owned(Conversation), not_deleted(), col(Conversation.archived) == bindparam("archived"))
    found = select(*COLUMNS).where(*listed, *further).order_by(*_first_to_last(Conversation))
    one_more = found.limit(bindparam("limit") + literal(1)).cte("one_more")
    item = select(one_more).order_by(*_first_to_last(one_more.c)).limit(bindparam("limit")).subquery("item")
    last = [func.array_agg(aggregate_order_by(each, *_place(item.c)))[1] for each in _place(item.c)]
    items = func.json_agg(aggregate_order_by(item.table_valued(), *_first_to_last(item.c)))
    more = select(func.count()).select_from(one_more).scalar_subquery() > bindparam("limit")
    return read(select(func.coalesce(items, func.json_build_array()), more, *last), often=True)


_FIRST_PAGE = _page()
_after = tuple_(bindparam("pinned"), bindparam("updated_at"), bindparam("after_id"))
_NEXT_PAGE = _page(_after > tuple_(*_place(Conversation)))

_USED = ("input_tokens", "output_tokens")


def _tokens(name: str) -> ColumnElement[Any]:
    return func.coalesce(func.sum(cast(col(Message.usage)[name].astext, BigInteger)), 0)


# Includes replaced replies: their tokens were paid for, too.
_usage = (
    select(func.json_build_object(*chain.from_iterable((name, _tokens(name)) for name in _USED)))
    .where(col(Message.conversation_id) == bindparam("conversation_id"), owned(Message))
    .scalar_subquery()
)
_USAGE = read(select(_usage).select_from(Conversation).where(*THIS_CONVERSATION))

_item = select(*COLUMNS).where(*THIS_CONVERSATION).subquery("item")
_GET = read(select(func.row_to_json(_item.table_valued())))

_FIND = read(
    select(col(Conversation.id)).where(
        owned(Conversation), not_deleted(), col(Conversation.client_id) == bindparam("client_id")
    )
)

_changed = (
    update(Conversation)
    .where(*THIS_CONVERSATION)
    .values(
        title=func.coalesce(bindparam("title"), col(Conversation.title)),
        title_source=case((bindparam("title").is_(None), col(Conversation.title_source)), else_="user"),
        pinned=func.coalesce(bindparam("pinned"), col(Conversation.pinned)),
        archived=func.coalesce(bindparam("archived"), col(Conversation.archived)),
    )
    .returning(*COLUMNS)
    .cte("changed")
)
_CHANGE = write(select(func.row_to_json(_changed.table_valued())))

_ENTITLE = write(
    update(Conversation)
    .where(*THIS_CONVERSATION, col(Conversation.title_source) == "auto")
    .values(title=bindparam("title"))
    .returning(col(Conversation.id))
)

_earlier = (
    select(*COLUMNS, col(Conversation.request_hash), col(Conversation.deleted_at))
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
_earlier_item = select(*(_earlier.c[name] for name in NAMES)).subquery("item")
_CREATE = write(
    select(_created.c.id, func.row_to_json(_created.table_valued()), null(), null()).union_all(
        select(
            _earlier_item.c.id,
            func.row_to_json(_earlier_item.table_valued()),
            select(_earlier.c.request_hash).scalar_subquery(),
            select(_earlier.c.deleted_at).scalar_subquery(),
        )
    )
)


class ConversationRepository(Repository):
    """The conversations of one user. Those of other users are never found."""

    async def create(self, title: str | None = None, client_id: str | None = None) -> tuple[int, bytes]:
        """Creates a conversation, or finds the one that the same request created before.

        Returns its id and the conversation as JSON. Raises ConversationDeleted if it has been deleted, and
        ClientIdReused if the earlier request had another title.
        """
        conversation_id, conversation, found = await self._made(client_id, title)
        if found is not None and found != request_hash(client_id, title):
            raise ClientIdReused
        return conversation_id, conversation

    async def find(self, client_id: str) -> int:
        """Returns the id of the conversation with this `client_id`. Raises ConversationNotFound."""
        row = None if not is_storable(client_id) else await self._row(_FIND, client_id=client_id)
        if row is None:
            raise ConversationNotFound
        return int(row[0])

    async def of_client(self, client_id: str) -> int:
        """Returns the id of the conversation with this `client_id`, whatever its title. Creates it if needed.

        Raises ConversationDeleted.
        """
        conversation_id, *_ = await self._made(client_id, None)
        return conversation_id

    async def _made(self, client_id: str | None, title: str | None) -> tuple[int, bytes, bytes | None]:
        """Returns id and JSON of the conversation, and the stored request hash if it existed already."""
        row = await self._row_once(
            _CREATE,
            client_id=client_id,
            request_hash=request_hash(client_id, title),
            title=title,
            title_source="auto" if title is None else "user",
        )
        assert row is not None, "the statement inserts or finds"
        conversation_id, conversation, found, deleted_at = row
        if deleted_at is not None:
            raise ConversationDeleted
        return conversation_id, conversation, None if found is None else bytes(found)

    async def page(self, limit: int, after: Place | None = None, *, archived: bool = False) -> Page[Place]:
        """Returns at most `limit` conversations, from the beginning of the list or `after` a place in it.

        Archived conversations form a separate list. Pinned ones come first, then the most recently active.
        """
        if after is None:
            row = await self._row(_FIRST_PAGE, limit=limit, archived=archived)
        else:
            pinned, updated_at, after_id = after
            place = {"pinned": pinned, "updated_at": updated_at, "after_id": after_id}
            row = await self._row(_NEXT_PAGE, limit=limit, archived=archived, **place)
        assert row is not None, "an aggregate is one row"
        items, more, *last = row
        return Page(items, (last[0], last[1], last[2]) if more else None)

    async def get(self, conversation_id: int) -> bytes:
        """The conversation as JSON. Raises ConversationNotFound."""
        row = await self._row_of_conversation(_GET, conversation_id=conversation_id)
        return bytes(row[0])

    async def usage(self, conversation_id: int) -> bytes:
        """The tokens used by all of its replies together, as JSON. Raises ConversationNotFound."""
        row = await self._row_of_conversation(_USAGE, conversation_id=conversation_id)
        return bytes(row[0])

    async def change(
        self,
        conversation_id: int,
        title: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
    ) -> bytes:
        """Changes the fields that are not None. An automatic title never replaces a title set here.

        Returns the conversation as JSON. Raises ConversationNotFound.
        """
        row = await self._row_of_conversation(
            _CHANGE, conversation_id=conversation_id, title=title, pinned=pinned, archived=archived
        )
        return bytes(row[0])

    async def entitle(self, conversation_id: int, title: str) -> bool:
        """Sets an automatic title unless the user has set one. Returns whether it did."""
        return await self._row(_ENTITLE, conversation_id=conversation_id, title=title) is not None
