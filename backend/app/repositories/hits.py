"""What both kinds of search share: positions in the results, and the columns of a result."""

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
"""How many characters before a hit help to locate it: its letters alone may be in a longer word."""

WINDOW_BEFORE, WINDOW = 80, 500
"""A snippet is cut from WINDOW characters, which begin about WINDOW_BEFORE before the hit."""

LAST = 2**62
"""The largest number in a Place; none is below zero."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the results: after a conversation with a matching title, or among the messages.

    With the index, `number` is the rank of a hit. Without it, `number` is the `seq` before which the
    conversation has not been searched yet.
    """

    indexed: bool
    in_titles: bool
    updated_at: datetime
    conversation_id: int
    number: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation and its matching message, as JSON, and the text that a snippet is cut from.

    If only the title matches, `message` is None and `text` is the title.
    """

    conversation: bytes
    message: bytes | None
    text: str


START = Place(True, True, datetime.max.replace(tzinfo=UTC), LAST, LAST)
_NO_TITLES = Place(True, True, datetime.min.replace(tzinfo=UTC), 0, 0)
TITLED, FOUND, END = range(3)
"""The kinds of rows: a matching title, a matching message, and the row about the search itself."""

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
    """Whether the text contains all of the words."""
    return text.bool_op("~")(all_(bindparam("patterns", type_=ARRAY(Text))))


TITLE_MATCHES = func.coalesce(matches(col(Conversation.title)), false())


def newest_first(columns: Any) -> list[ColumnElement[Any]]:
    """Orders conversations by their last activity, newest first."""
    return [columns.updated_at.desc(), columns.id.desc()]


def titles() -> CTE:
    """The next conversations with a matching title: `limit`, and one more to tell whether others follow."""
    place = tuple_(bindparam("title_at"), bindparam("title_id"))
    return (
        select(*COLUMNS, col(Conversation.user_id), col(Conversation.next_seq))
        .where(*MINE, TITLE_MATCHES, tuple_(col(Conversation.updated_at), col(Conversation.id)) < place)
        .order_by(*newest_first(Conversation))
        .limit(ONE_MORE)
        .cte("titles")
    )


def message_of(within: FromClause, *where: ColumnElement[bool]) -> Select[Any]:
    """Selects messages of a conversation that have not been replaced."""
    its = (col(Message.conversation_id) == within.c.id, col(Message.user_id) == within.c.user_id)
    return select(*_SHOWN).where(*its, ~col(Message.replaced), *where)


def rows(
    kind: int, within: FromClause, hit: LateralFromClause, number: ColumnElement[Any], *, needed: bool
) -> Select[Any]:
    """Selects a row per conversation: its position in the results, and the fields of its Hit."""
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
    """Selects the row about the search itself, with the same columns as the others."""
    nothing = {"conversation": JSON, "message": JSON, "window": Text}
    names = ("updated_at", "id", "number")
    return select(
        literal(END).label("kind"),
        *(column.label(name) for name, column in zip(names, place, strict=True)),
        *(cast(null(), kind).label(name) for name, kind in nothing.items()),
    )


def parameters(words: Words, limit: int, start: Place) -> dict[str, Any]:
    """The parameters that both kinds of search need."""
    titled = start if start.in_titles else _NO_TITLES
    return {
        "limit": limit,
        "patterns": words.patterns,
        "hit_pattern": f".{{0,{LEAD}}}(?:{words.any_pattern})",
        "title_at": titled.updated_at,
        "title_id": titled.conversation_id,
    }
