"""The route that searches a user's conversations."""

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
    """Finds your conversations by words in their titles and messages.

    All words must occur, each as a whole word or as the beginning of one. Upper and lower case are alike, and
    so are ß and ss. Punctuation only separates words, except + and # at the end of a word: C++ and C# differ
    from C. The search includes archived conversations, but not deleted ones, messages that were replaced, or
    a reply that is still being written.

    Hits rank by how often and how close together the words occur in the message, and by its time: being twice
    as good counts as much as being a month newer. For very common words, only the latest 500 hits count.

    Words of languages without spaces between words, and words with + or #, are searched in several thousand
    messages at a time, the latest first; so are all words of a user with many messages that are not indexed
    yet. Such a page may have few or no items and still have a cursor, which leads to older messages.
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
        raise CursorInvalid  # only a forged cursor has it, and Postgres might overflow counting from there
    return Place(bool(numbers[0]), in_titles, updated_at, conversation_id, numbers[4])
