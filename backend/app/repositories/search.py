"""Searches a user's conversations by words in titles and messages, with the index or without it."""

from dataclasses import replace

from ..words import Words
from .hits import START, Hit, Place
from .indexed import IndexedSearch
from .unindexed import UnindexedSearch
from .word_index import WordIndex


class SearchRepository(IndexedSearch, UnindexedSearch, WordIndex):
    """Searches the conversations of one user."""

    async def find(self, words: Words, limit: int, start: Place = START) -> tuple[list[Hit], Place | None]:
        """Returns at most `limit` matching conversations, and where the next page begins if there may be one.

        Those with a matching title come first, then those with the best hits in the index. The index has no
        words of languages without word breaks, and no signs. For these, and while many messages are not
        indexed, the most recently active conversations follow instead, and a page may be empty without being
        the last one.
        """
        if start.indexed and words.are_in_documents:
            found = await self.look_up(words, limit, start)
            if start != START or not found.lacks_words:
                return found.hits, found.next
            if await self.catch_up():
                found = await self.look_up(words, limit, start)
                return found.hits, found.next
        return await self.look_through(words, limit, replace(start, indexed=False))
