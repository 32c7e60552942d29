"""What both ways to search have in common: a place in what is found, and how it is told."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    all_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.selectable import CTE, LateralFromClause
from sqlmodel import col

from ..models.database import Conversation, Message
from ..words import Words
from .base import not_deleted, owned
from .conversations import COLUMNS, NAMES

LEAD = 20
"""A hit is found again by so many characters before it: its letters alone may be in a longer word."""

WINDOW_BEFORE, WINDOW = 80, 500
"""Characters of a message that a snippet is cut from."""

LAST = 2**62
"""No place has a larger number, or one below zero."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a search has come: behind a conversation with a matching title, or in the messages.

    Those of the index stand in the order of `number`, their rank. Elsewhere it is a `seq` before which the
    conversation was not looked through.
    """

    indexed: bool
    in_titles: bool
    updated_at: datetime
    conversation_id: int
    number: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation as JSON, the hit in it as JSON, or None if only its title matches, and its text."""

    conversation: bytes
    message: bytes | None
    text: str


START = Place(True, True, datetime.max.replace(tzinfo=UTC), LAST, LAST)
_NO_TITLES = Place(True, True, datetime.min.replace(tzinfo=UTC), 0, 0)
TITLED, FOUND, END = range(3)
"""What a row is: a conversation whose title matches, one with a message that does, what there is to know."""

MINE = (owned(Conversation), not_deleted())
ONE_MORE = bindparam("limit", type_=BigInteger()) + 1


_SHOWN: list[Any] = [
    col(Message.id),
    col(Message.seq),
    col(Message.role),
    col(Message.created_at),
    col(Message.content),
]


def matches(text: ColumnElement[Any] | Mapped[Any]) -> ColumnElement[bool]:
    """All words are in it."""
    return text.bool_op("~")(all_(bindparam("patterns", type_=ARRAY(Text))))


TITLE_MATCHES = func.coalesce(matches(col(Conversation.title)), false())


def newest_first(columns: Any) -> list[ColumnElement[Any]]:
    """The order of conversations by their activity."""
    return [columns.updated_at.desc(), columns.id.desc()]


def titles() -> CTE:
    """The conversations whose titles match, those that come next, and one more."""
    place = tuple_(bindparam("title_at"), bindparam("title_id"))
    return (
        select(*COLUMNS, col(Conversation.user_id), col(Conversation.next_seq))
        .where(*MINE, TITLE_MATCHES, tuple_(col(Conversation.updated_at), col(Conversation.id)) < place)
        .order_by(*newest_first(Conversation))
        .limit(ONE_MORE)
        .cte("titles")
    )


def message_of(within: FromClause, *where: ColumnElement[bool]) -> Select[Any]:
    """The messages of a conversation that are shown."""
    its = (col(Message.conversation_id) == within.c.id, col(Message.user_id) == within.c.user_id)
    return select(*_SHOWN).where(*its, ~col(Message.replaced), *where)


def rows(
    kind: int, within: FromClause, hit: LateralFromClause, number: ColumnElement[Any], *, needed: bool
) -> Select[Any]:
    """A row for each conversation: where it is in the search, and what is told of it and of its hit."""
    conversation = func.json_build_object(*chain.from_iterable((name, within.c[name]) for name in NAMES))
    message = func.json_build_object(
        *chain.from_iterable((name, hit.c[name]) for name in ("id", "seq", "role", "created_at"))
    )
    found = func.strpos(hit.c.content, func.substring(hit.c.content, bindparam("hit_pattern")))
    window = func.substr(hit.c.content, func.greatest(found - WINDOW_BEFORE, 1), WINDOW)
    return select(
        literal(kind).label("kind"),
        within.c.updated_at,
        within.c.id,
        cast(number, BigInteger).label("number"),
        conversation.label("conversation"),
        case((hit.c.id.is_not(None), message)).label("message"),
        func.coalesce(window, within.c.title).label("window"),
    ).select_from(within.join(hit, true(), isouter=not needed))


def end(*place: ColumnElement[Any]) -> Select[Any]:
    """The row that says something of the search itself, as long as the others."""
    nothing = {"conversation": JSON, "message": JSON, "window": Text}
    names = ("updated_at", "id", "number")
    return select(
        literal(END).label("kind"),
        *(column.label(name) for name, column in zip(names, place, strict=True)),
        *(cast(null(), kind).label(name) for name, kind in nothing.items()),
    )


def parameters(words: Words, limit: int, start: Place) -> dict[str, Any]:
    """What both ways take."""
    titled = start if start.in_titles else _NO_TITLES
    return {
        "limit": limit,
        "patterns": words.patterns,
        "hit_pattern": f".{{0,{LEAD}}}(?:{words.any_pattern})",
        "title_at": titled.updated_at,
        "title_id": titled.conversation_id,
    }
