"""Finding a user's conversations by the words in their titles and messages: which way is taken when."""

from dataclasses import replace

from ..words import Words
from .hits import START, Hit, Place
from .indexed import IndexedSearch
from .unindexed import UnindexedSearch
from .word_index import WordIndex


class SearchRepository(IndexedSearch, UnindexedSearch, WordIndex):
    """Searches the conversations of one user."""

    async def find(self, words: Words, limit: int, start: Place = START) -> tuple[list[Hit], Place | None]:
        """At most `limit` conversations that match, and where to go on, if there may be more.

        Those with a matching title come first; by the index, those with the best hits follow. It has no words
        of languages without word breaks, and no signs. For these, and as long as it lacks many messages,
        those with the latest activity follow instead, and a page may be empty and not the last one.
        """
        if start.indexed and words.are_in_documents:
            found = await self.look_up(words, limit, start)
            if start != START or not found.lacks_words:
                return found.hits, found.next
            if await self.catch_up():
                found = await self.look_up(words, limit, start)
                return found.hits, found.next
        return await self.look_through(words, limit, replace(start, indexed=False))
