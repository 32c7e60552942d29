"""Searches without the index: reads through messages, the most recently active conversations first.

A page reads a bounded number of messages and says where the next one continues: see decision 5. `seq` has no
gaps, so the number of messages is known without reading them.
"""

from dataclasses import replace

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.selectable import CTE, LateralFromClause
from sqlmodel import col

from ..db.connection import Row
from ..db.statement import read
from ..models.database import Conversation, Message
from ..words import Words
from . import hits
from .base import Repository
from .conversations import COLUMNS
from .hits import MINE, Hit, Place, matches, newest_first
from .messages import STATUS

MESSAGES = 5_000
"""How many messages a page reads at most."""

CONVERSATIONS = 1_000
"""How many conversations a page reads at most."""

TITLED_MESSAGES = 200
"""How many of the newest messages are searched in a conversation with a matching title."""

START = replace(hits.START, indexed=False)


def _newest_hit(within: CTE, *where: ColumnElement[bool]) -> LateralFromClause:
    """The newest matching message of a conversation."""
    found = hits.message_of(within, *where, STATUS != "streaming", matches(col(Message.content)))
    return found.order_by(col(Message.seq).desc()).limit(1).lateral()


_titles = hits.titles()
_title_hit = _newest_hit(_titles, col(Message.seq) >= _titles.c.next_seq - TITLED_MESSAGES)

_upto = case(
    (col(Conversation.id) == bindparam("at_id"), bindparam("at_seq")), else_=col(Conversation.next_seq)
)
_activity = tuple_(col(Conversation.updated_at), col(Conversation.id))
_walk = (
    select(*COLUMNS, col(Conversation.user_id), _upto.label("upto"), hits.TITLE_MATCHES.label("titled"))
    .where(*MINE, _activity <= tuple_(bindparam("at"), bindparam("at_id")))
    .order_by(*newest_first(Conversation))
    .limit(CONVERSATIONS)
    .cte("walk")
)
_so_far = func.sum(_walk.c.upto).over(order_by=newest_first(_walk.c)) - _walk.c.upto
_segment = select(_walk, cast(_so_far, BigInteger).label("before")).cte("segment")
_low = func.greatest(_segment.c.upto - (MESSAGES - _segment.c.before), 1)
_reach = select(_segment, _low.label("low")).where(_segment.c.before < MESSAGES).cte("reach")
_found_hit = _newest_hit(_reach, col(Message.seq) >= _reach.c.low, col(Message.seq) < _reach.c.upto)
_found = (
    hits.rows(hits.FOUND, _reach, _found_hit, literal(0), needed=True)
    .where(~_reach.c.titled)
    .order_by(*newest_first(_reach.c))
    .limit(hits.ONE_MORE)
    .subquery("found")
)
_unread = or_(
    _reach.c.low > 1,
    select(func.count()).select_from(_walk).scalar_subquery() == CONVERSATIONS,
    select(_segment.c.id).where(_segment.c.before >= MESSAGES).exists(),
)
_end = (
    hits.end(_reach.c.updated_at, _reach.c.id, _reach.c.low)
    .where(_unread)
    .order_by(_reach.c.updated_at, _reach.c.id)
    .limit(1)
    .subquery("end")
)
_titled = hits.rows(hits.TITLED, _titles, _title_hit, literal(0), needed=False)
_each = union_all(_titled, select(_found), select(_end)).subquery("each")
_SEARCH = read(select(_each).order_by(_each.c.kind, *newest_first(_each.c)))


class UnindexedSearch(Repository):
    """Searches the conversations of one user by reading their messages."""

    async def look_through(
        self, words: Words, limit: int, start: Place = START
    ) -> tuple[list[Hit], Place | None]:
        """Returns at most `limit` matching conversations, and where to continue if there may be more.

        Those with a matching title come first, then the most recently active, each with its newest hit. A
        page may be empty without being the last one.
        """
        messages = START if start.in_titles else start
        rows = await self._rows(
            _SEARCH,
            **hits.parameters(words, limit, start),
            at=messages.updated_at,
            at_id=messages.conversation_id,
            at_seq=messages.number,
        )
        ends = [row for row in rows if row[0] == hits.END]
        found = rows[: len(rows) - len(ends)]
        return [Hit(*row[4:]) for row in found[:limit]], _next(found, ends, limit)


def _next(found: list[Row], ends: list[Row], limit: int) -> Place | None:
    if len(found) > limit:
        kind, updated_at, conversation_id, *_ = found[limit - 1]
        if kind == hits.TITLED and found[limit][0] != hits.TITLED:
            return replace(START, in_titles=False)
        return Place(False, kind == hits.TITLED, updated_at, conversation_id, 1)
    if not ends:
        return None
    [(_, updated_at, conversation_id, seq, *_)] = ends
    if conversation_id in [row[2] for row in found]:
        seq = 1  # one hit of a conversation is enough
    return Place(False, False, updated_at, conversation_id, seq)
