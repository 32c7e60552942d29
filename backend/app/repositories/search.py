"""Finding a user's conversations by the words in their titles and messages.

A page looks through a bounded number of messages, newest activity first, and says where the next one goes on:
see decision 5. `seq` has no gaps, so how many messages there are is known without reading them.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
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
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.selectable import CTE, LateralFromClause
from sqlmodel import col

from ..db.connection import Row
from ..db.statement import read
from ..models.database import Conversation, Message
from ..words import Words
from .base import Repository, not_deleted, owned
from .conversations import COLUMNS, NAMES

MESSAGES = 5_000
"""How many messages a page looks through at most."""

CONVERSATIONS = 1_000
"""And in how many conversations."""

TITLED_MESSAGES = 200
"""In how many of the newest messages of a conversation with a matching title a hit is looked for."""

LEAD = 20
"""A hit is found again by so many characters before it: its letters alone may be in a longer word."""

WINDOW_BEFORE, WINDOW = 80, 400
"""Characters of a message that a snippet is cut from."""

LAST = 2**62


@dataclass(frozen=True, slots=True)
class Place:
    """How far a search has come: behind a conversation with a matching title, or before a `seq` of one."""

    in_titles: bool
    updated_at: datetime
    conversation_id: int
    seq: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation as JSON, the hit in it as JSON, or None if only its title matches, and its text."""

    conversation: bytes
    message: bytes | None
    text: str


START = Place(True, datetime.max.replace(tzinfo=UTC), LAST, LAST)
_NO_TITLES = Place(True, datetime.min.replace(tzinfo=UTC), 0, 0)
_TITLED, _FOUND, _END = range(3)
"""What a row is: a conversation whose title matches, one with a message that does, how far it came."""


def _matches(text: ColumnElement[Any] | Mapped[Any]) -> ColumnElement[bool]:
    """All words are in it."""
    return text.bool_op("~")(all_(bindparam("patterns", type_=ARRAY(Text))))


_MINE = (owned(Conversation), not_deleted())
_activity = tuple_(col(Conversation.updated_at), col(Conversation.id))
_titled_so = func.coalesce(_matches(col(Conversation.title)), false())


def _newest_first(columns: Any) -> list[ColumnElement[Any]]:
    return [columns.updated_at.desc(), columns.id.desc()]


def _newest_hit(within: CTE, *where: ColumnElement[bool]) -> LateralFromClause:
    """The newest message of a conversation that matches."""
    its = (col(Message.conversation_id) == within.c.id, col(Message.user_id) == within.c.user_id)
    shown = (Message.id, Message.seq, Message.role, Message.created_at, Message.content)
    found = select(*map(col, shown)).where(
        *its, ~col(Message.replaced), *where, _matches(col(Message.content))
    )
    return found.order_by(col(Message.seq).desc()).limit(1).lateral()


def _rows(kind: int, within: CTE, hit: LateralFromClause, *, needed: bool) -> Select[Any]:
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
        literal(0).label("seq"),
        conversation.label("conversation"),
        case((hit.c.id.is_not(None), message)).label("message"),
        func.coalesce(window, within.c.title).label("window"),
    ).select_from(within.join(hit, true(), isouter=not needed))


_more = bindparam("limit", type_=BigInteger()) + 1
_titles = (
    select(*COLUMNS, col(Conversation.user_id), col(Conversation.next_seq))
    .where(*_MINE, _titled_so, _activity < tuple_(bindparam("title_at"), bindparam("title_id")))
    .order_by(*_newest_first(Conversation))
    .limit(_more)
    .cte("titles")
)
_title_hit = _newest_hit(_titles, col(Message.seq) >= _titles.c.next_seq - TITLED_MESSAGES)

_upto = case(
    (col(Conversation.id) == bindparam("at_id"), bindparam("at_seq")), else_=col(Conversation.next_seq)
)
_walk = (
    select(*COLUMNS, col(Conversation.user_id), _upto.label("upto"), _titled_so.label("titled"))
    .where(*_MINE, _activity <= tuple_(bindparam("at"), bindparam("at_id")))
    .order_by(*_newest_first(Conversation))
    .limit(CONVERSATIONS)
    .cte("walk")
)
_so_far = func.sum(_walk.c.upto).over(order_by=_newest_first(_walk.c)) - _walk.c.upto
_segment = select(_walk, cast(_so_far, BigInteger).label("before")).cte("segment")
_low = func.greatest(_segment.c.upto - (MESSAGES - _segment.c.before), 1)
_reach = select(_segment, _low.label("low")).where(_segment.c.before < MESSAGES).cte("reach")
_found_hit = _newest_hit(_reach, col(Message.seq) >= _reach.c.low, col(Message.seq) < _reach.c.upto)
_found = (
    _rows(_FOUND, _reach, _found_hit, needed=True)
    .where(~_reach.c.titled)
    .order_by(*_newest_first(_reach.c))
    .limit(_more)
    .subquery("found")
)
_unread = or_(
    _reach.c.low > 1,
    select(func.count()).select_from(_walk).scalar_subquery() == CONVERSATIONS,
    select(_segment.c.id).where(_segment.c.before >= MESSAGES).exists(),
)
_nothing = {"conversation": JSON, "message": JSON, "window": Text}
_end = (
    select(
        literal(_END).label("kind"),
        _reach.c.updated_at,
        _reach.c.id,
        _reach.c.low.label("seq"),
        *(cast(null(), kind).label(name) for name, kind in _nothing.items()),
    )
    .where(_unread)
    .order_by(_reach.c.updated_at, _reach.c.id)
    .limit(1)
    .subquery("end")
)
_titled = _rows(_TITLED, _titles, _title_hit, needed=False)
_each = union_all(_titled, select(_found), select(_end)).subquery("each")
_SEARCH = read(select(_each).order_by(_each.c.kind, *_newest_first(_each.c)))


class SearchRepository(Repository):
    """Searches the conversations of one user."""

    async def find(self, words: Words, limit: int, start: Place = START) -> tuple[list[Hit], Place | None]:
        """At most `limit` conversations that match, and where to go on, if not everything was looked through.

        Those with a matching title come first, then those with the latest activity. A page may be empty and
        not the last one.
        """
        titles, messages = (start, START) if start.in_titles else (_NO_TITLES, start)
        rows = await self._rows(
            _SEARCH,
            limit=limit,
            patterns=words.patterns,
            hit_pattern=f".{{0,{LEAD}}}(?:{words.any_pattern})",
            title_at=titles.updated_at,
            title_id=titles.conversation_id,
            at=messages.updated_at,
            at_id=messages.conversation_id,
            at_seq=messages.seq,
        )
        ends = [row for row in rows if row[0] == _END]
        found = rows[: len(rows) - len(ends)]
        hits = [Hit(*row[4:]) for row in found[:limit]]
        return hits, _next(found, ends, limit)


def _next(found: list[Row], ends: list[Row], limit: int) -> Place | None:
    if len(found) > limit:
        kind, updated_at, conversation_id, *_ = found[limit - 1]
        if kind == _TITLED and found[limit][0] != _TITLED:
            return replace(START, in_titles=False)
        return Place(kind == _TITLED, updated_at, conversation_id, 1)
    if not ends:
        return None
    [(_, updated_at, conversation_id, seq, *_)] = ends
    if conversation_id in [row[2] for row in found]:
        seq = 1  # one hit of a conversation is enough
    return Place(False, updated_at, conversation_id, seq)
