"""An export on its way to its reader, who may be slow, but not for as long as they like.

Until its last piece was taken it holds one of few connections, and keeps Postgres from clearing up.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ..errors import ChatError, TooManyExports
from .openapi import LINES

log = logging.getLogger(__name__)

READER_SECONDS = 30
"""How long a reader may take nothing. Who takes something but less than the least uses it up bit by bit."""

LEAST_BYTES_PER_SECOND = 32_768
"""A quarter of a megabit."""

MOST_SECONDS = 3_600
"""How long an export may be read at all: at the least pace it has 118 MB then."""

SLICE_BYTES = 65_536
"""What is handed over at a time."""


class ExportResponse(StreamingResponse):
    """An export, piece by piece. A reader who is too slow gets no end, and sees that it is not whole."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        super().__init__(
            self._slices(first),
            media_type=LINES,
            headers={"Content-Disposition": 'attachment; filename="chat-history.jsonl"'},
        )
        self._rest = rest

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
            async with aclosing(self._rest):
                await super().__call__(scope, receive, send_in_time)
        except (TimeoutError, ChatError) as error:
            # The server sees that the answer has no end, and closes the connection.
            log.warning("export.broken", extra={"error": type(error).__name__})

    async def _slices(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        async for piece in self._rest:
            for begin in range(0, len(piece), SLICE_BYTES):
                yield piece[begin : begin + SLICE_BYTES]


async def alone(
    reading: set[int], user_id: int, lines: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    """The lines, and nobody else's of this user until they end. Raises TooManyExports.

    `reading` are the users whose export is being read.
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
