"""Searching one's conversations."""

import json

from fastapi import Response

from ..errors import CursorInvalid
from ..models.search import SearchPage
from ..repositories.search import START, Hit, Place
from ..words import Words
from .deps import Limit, PageCursor, Search, SearchText, SignedIn
from .openapi import answers
from .pages import Cursor, numbers_place, page, place_numbers
from .strict import strict_router

router = strict_router("/api/search", "conversations")


@router.get("", responses=answers(SearchPage, CursorInvalid))
async def search_conversations(
    search: Search, caller: SignedIn, q: SearchText, limit: Limit = 20, cursor: PageCursor = None
) -> Response:
    """Finds your conversations by words in their titles and messages. All words must be there, the last one
    perhaps as the beginning of a longer one; upper and lower case are alike. Archived conversations are found
    too; deleted ones, and messages that were replaced, are not.

    A page looks through some thousand messages, the latest ones first. It may have few items, or none, and
    still a cursor, which leads on to older ones.
    """
    words, cursors = Words.of(q), Cursor("search", caller.user_id, q)
    start = START if cursor is None else _place(cursors.read(cursor, 4))
    hits, following = await search.find(words, limit, start) if words.words else ([], None)
    items = b",".join(_item(hit, words) for hit in hits)
    return page(
        b"[%b]" % items, next_cursor=None if following is None else cursors.write(*_numbers(following))
    )


def _item(hit: Hit, words: Words) -> bytes:
    snippet = json.dumps(words.snippet(hit.text), ensure_ascii=False).encode()
    message = hit.message or b"null"
    return b'{"conversation":%b,"message":%b,"snippet":%b}' % (hit.conversation, message, snippet)


def _numbers(place: Place) -> tuple[int, ...]:
    activity = place_numbers((place.in_titles, place.updated_at, place.conversation_id))
    return (*activity, place.seq)


def _place(numbers: tuple[int, ...]) -> Place:
    in_titles, updated_at, conversation_id = numbers_place(numbers[:3])
    return Place(in_titles, updated_at, conversation_id, numbers[3])
