"""Ranked search by the index of words. The policy of its rows contains the query: see decision 5."""

from dataclasses import dataclass, replace

from sqlalchemy import (
    BigInteger,
    DateTime,
    Float,
    Text,
    bindparam,
    cast,
    extract,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY, distinct_on
from sqlmodel import col

from ..db.connection import Row
from ..db.statement import read
from ..models.database import Conversation, Message, MessageWords
from ..words import Words
from . import hits
from .base import Repository, not_deleted, owned
from .conversations import COLUMNS
from .hits import MINE, START, Hit, Place
from .word_index import BEHIND

HITS = 500
"""How many of the newest hits are ranked. Older ones are not found: users do not read that far."""

HITS_OF_ONE = 3
"""How many of these hits may be in one conversation."""

DAYS = 30
"""A hit whose text matches twice as well ranks like one that is so many days newer."""

_query = bindparam("query", type_=Text())
# Most statements are better off without bitmap scans (decision 8), but this index supports no other. The
# memory lets the hits of a word that is in every message be sorted without a file.
_ALLOW = select(
    func.set_config("app.query", _query, true()),
    func.set_config("enable_bitmapscan", "on", true()),
    func.set_config("work_mem", "16MB", true()),
)

_key = (col(MessageWords.conversation_id), col(MessageWords.seq), col(MessageWords.part))
_place = func.row_number().over(partition_by=_key[0], order_by=_key[1].desc())
_put_away = (
    select(col(Message.conversation_id), col(Message.seq))
    .where(owned(Message), col(Message.replaced))
    .cte("put_away")
)
_deleted = select(col(Conversation.id)).where(owned(Conversation), ~not_deleted()).cte("deleted")
# Leaves out the documents: they are long, and only a few are needed.
_hit = (
    select(*_key, col(MessageWords.created_at), _place.label("place"))
    .where(
        owned(MessageWords),
        tuple_(*_key[:2]).not_in(select(_put_away)),
        _key[0].not_in(select(_deleted)),
    )
    .subquery("hit")
)
_newest = (
    select(_hit)
    .where(_hit.c.place <= HITS_OF_ONE)
    .order_by(_hit.c.created_at.desc())
    .limit(HITS)
    .subquery("newest")
)
# How often the words occur and how close together; a short text counts more than a long one.
_good = func.greatest(
    func.ts_rank_cd(col(MessageWords.document), cast(_query, TSQUERY), 1), literal_column("0.000001")
)
_days_for_it = DAYS * 86_400 / func.ln(2) * func.ln(cast(_good, Float))
# The following subqueries look up each hit by its key. In a join, the planner expects one row of `newest` and
# reads all messages of a conversation, or all documents with the word.
_number = (
    select(cast(extract("epoch", col(MessageWords.created_at)) + _days_for_it, BigInteger))
    .where(
        owned(MessageWords),
        tuple_(*_key) == tuple_(_newest.c.conversation_id, _newest.c.seq, _newest.c.part),
    )
    .correlate(_newest)
    .scalar_subquery()
    .label("number")
)
_its = (
    select(*COLUMNS, col(Conversation.user_id), hits.TITLE_MATCHES.label("titled"))
    .where(*MINE, col(Conversation.id) == _newest.c.conversation_id)
    .limit(1)
    .lateral("its")
)
_best = (
    select(_its, _newest.c.seq, _number)
    .select_from(_newest.join(_its, true()))
    .ext(distinct_on(_its.c.id))
    .order_by(_its.c.id, _number.desc(), _newest.c.seq.desc())
    .cte("best")
)
_further = tuple_(bindparam("at_number"), bindparam("at_id"))
_page = (
    select(_best)
    .where(~_best.c.titled, tuple_(_best.c.number, _best.c.id) < _further)
    .order_by(_best.c.number.desc(), _best.c.id.desc())
    .limit(hits.ONE_MORE)
    .subquery("page")
)
_titles = hits.titles()
_its_best = select(_best.c.seq).where(_best.c.id == _titles.c.id).correlate(_titles).scalar_subquery()
_title_hit = hits.message_of(_titles, col(Message.seq) == _its_best).lateral()
_page_hit = hits.message_of(_page, col(Message.seq) == _page.c.seq).lateral()
_behind = select(col(Conversation.id)).where(*BEHIND).limit(1).cte("behind")
_lacks_words = (
    hits.end(cast(null(), DateTime(timezone=True)), literal(0), literal(0))
    .where(select(_behind.c.id).exists())
    .subquery("lacks_words")
)
_each = union_all(
    hits.rows(hits.TITLED, _titles, _title_hit, literal(0), needed=False),
    hits.rows(hits.FOUND, _page, _page_hit, _page.c.number, needed=True),
    select(_lacks_words),
).subquery("each")
_order = (_each.c.kind, _each.c.number.desc(), *hits.newest_first(_each.c))
_SEARCH = read(_ALLOW, select(_each).order_by(*_order))


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, the position of the next page if there is one, and whether some messages are not indexed yet."""

    hits: list[Hit]
    next: Place | None
    lacks_words: bool


class IndexedSearch(Repository):
    """Searches the conversations of one user by the index of words."""

    async def look_up(self, words: Words, limit: int, start: Place = START) -> Found:
        """Returns at most `limit` matching conversations, each once, with its best hit.

        Those with a matching title come first, then the others, ranked by the text and age of their best hit.
        """
        messages = START if start.in_titles else start
        rows = await self._rows(
            _SEARCH,
            **hits.parameters(words, limit, start),
            query=words.query(self.user_id),
            at_number=messages.number,
            at_id=messages.conversation_id,
        )
        found = [row for row in rows if row[0] != hits.END]
        following = _next(found, limit) if len(found) > limit else None
        return Found([Hit(*row[4:]) for row in found[:limit]], following, len(found) < len(rows))


def _next(found: list[Row], limit: int) -> Place:
    (kind, updated_at, conversation_id, number, *_), (next_kind, *_) = found[limit - 1 : limit + 1]
    if kind != next_kind:
        return replace(START, in_titles=False)
    return Place(True, kind == hits.TITLED, updated_at, conversation_id, number)
