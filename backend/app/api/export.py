"""Streams an export to its client, which may read slowly, but not for any length of time.

Until its last piece is sent, it holds one of few connections and keeps Postgres from removing dead rows.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractContextManager, aclosing

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ..errors import ChatError, TooManyExports
from ..watch import Reading
from .openapi import LINES

log = logging.getLogger(__name__)

READER_SECONDS = 30
"""How long a client may read nothing. Reading slower than LEAST_BYTES_PER_SECOND uses it up gradually."""

LEAST_BYTES_PER_SECOND = 32_768
"""A quarter of a megabit per second."""

MOST_SECONDS = 3_600
"""How long an export may take in all, which is enough for 118 MB at the lowest rate."""

SLICE_BYTES = 65_536
"""How much is sent at a time."""

Watched = Callable[[Callable[[], None]], AbstractContextManager[Reading]]
"""Watches the reader's account and tokens, and calls the given function once they have ended."""


class ExportResponse(StreamingResponse):
    """Streams an export. It breaks off, visibly incomplete, if the client is too slow or loses access."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], watched: Watched) -> None:
        super().__init__(
            self._slices(first),
            media_type=LINES,
            headers={"Content-Disposition": 'attachment; filename="chat-history.jsonl"'},
        )
        self._rest = rest
        self._watched = watched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        patience: float = READER_SECONDS
        end = clock() + MOST_SECONDS

        async def send_in_time(message: Message) -> None:
            nonlocal patience
            began = clock()
            async with asyncio.timeout(min(patience, end - began)):
                await send(message)
            earned = len(message.get("body", b"")) / LEAST_BYTES_PER_SECOND
            patience = min(patience - (clock() - began) + earned, READER_SECONDS)

        try:
            async with aclosing(self._rest), asyncio.timeout(None) as reading:
                with self._watched(lambda: reading.reschedule(clock())):
                    await super().__call__(scope, receive, send_in_time)
        except (TimeoutError, ChatError) as error:
            # The server notices that the response is incomplete, and closes the connection.
            log.warning("export.broken", extra={"error": type(error).__name__})

    async def _slices(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        async for piece in self._rest:
            for begin in range(0, len(piece), SLICE_BYTES):
                yield piece[begin : begin + SLICE_BYTES]


async def alone(
    reading: set[int], user_id: int, lines: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    """Yields the lines of an export. Raises TooManyExports while the user reads another export.

    `reading` is the set of users whose export is being read.
    """
    if user_id in reading:
        raise TooManyExports
    reading.add(user_id)
    try:
        async with aclosing(lines):
            async for piece in lines:
                yield piece
    finally:
        reading.remove(user_id)
