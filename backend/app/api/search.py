"""Searching one's conversations."""

import json

from fastapi import Response

from ..errors import CursorInvalid
from ..models.search import SearchPage
from ..repositories.hits import LAST, START, Hit, Place
from ..snippet import snippet
from ..words import Words
from .deps import Limit, PageCursor, Search, SearchText
from .openapi import answers
from .pages import Cursor, numbers_place, page, place_numbers
from .strict import strict_router

router = strict_router("/api/search", "conversations")


@router.get("", responses=answers(SearchPage, CursorInvalid))
async def search_conversations(
    search: Search, q: SearchText, limit: Limit = 20, cursor: PageCursor = None
) -> Response:
    """Finds your conversations by words in their titles and messages. All words must be there, each perhaps
    as the beginning of a longer one; upper and lower case are alike, and so are ß and ss. Signs only separate
    words, but for + and # at the end of one: C++ and C# are not C. Archived conversations are found too;
    deleted ones, messages that were replaced, and a reply that is still being written are not.

    How good a hit is says how often the words are in the message and how near to each other, and its time: to
    be twice as good is to be a month newer. Of very common words, the latest five hundred hits count.

    Words of languages that put nothing between them, and words with signs, are looked for in some thousand
    messages at a time, the latest ones first, and so are all words for a user of whom many messages are new
    to the search. Then a page may have few items, or none, and still a cursor, which leads on to older ones.
    """
    words, cursors = Words.of(q), Cursor("search", search.user_id, q)
    start = START if cursor is None else _place(cursors.read(cursor, 5))
    hits, following = await search.find(words, limit, start) if words.words else ([], None)
    items = b",".join(_item(hit, words) for hit in hits)
    return page(
        b"[%b]" % items, next_cursor=None if following is None else cursors.write(*_numbers(following))
    )


def _item(hit: Hit, words: Words) -> bytes:
    shown = json.dumps(snippet(hit.text, words), ensure_ascii=False).encode()
    message = hit.message or b"null"
    return b'{"conversation":%b,"message":%b,"snippet":%b}' % (hit.conversation, message, shown)


def _numbers(place: Place) -> tuple[int, ...]:
    activity = place_numbers((place.in_titles, place.updated_at, place.conversation_id))
    return (place.indexed, *activity, place.number)


def _place(numbers: tuple[int, ...]) -> Place:
    in_titles, updated_at, conversation_id = numbers_place(numbers[1:4])
    if not 0 <= numbers[4] <= LAST:
        raise CursorInvalid  # only a forged one has it, and Postgres may not be able to count on from there
    return Place(bool(numbers[0]), in_titles, updated_at, conversation_id, numbers[4])
