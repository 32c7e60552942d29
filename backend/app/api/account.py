"""All that the service knows about a user: taken along, or erased."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..errors import ChatError, ConfirmationWrong
from ..models.erasure import AccountErasure, Erased
from .deps import AppServices, Export, SignedIn, SigningIn, Visiting
from .openapi import LINES, answers
from .pages import json_response
from .strict import strict_router

log = logging.getLogger(__name__)

READER_SECONDS = 30
"""How long a reader of an export may take for one piece, of at most about a megabyte."""

EXPORT_SECONDS = 600
"""How long the whole may take: so long it holds a connection, and keeps Postgres from clearing up."""

router = strict_router("/api/auth", "accounts")


class ExportResponse(StreamingResponse):
    """An export, piece by piece. A reader who is too slow gets no end, and sees that it is not whole."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        super().__init__(
            self._pieces(first),
            media_type=LINES,
            headers={"Content-Disposition": 'attachment; filename="chat-history.jsonl"'},
        )
        self._rest = rest
        self._limit = asyncio.timeout(READER_SECONDS)
        self._latest = asyncio.get_running_loop().time() + EXPORT_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._rest), self._limit:
                await super().__call__(scope, receive, send)
        except (TimeoutError, ChatError) as error:
            # The server sees that the answer has no end, and closes the connection.
            log.warning("export.broken", extra={"error": type(error).__name__})

    async def _pieces(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        async for piece in self._rest:
            self._limit.reschedule(min(asyncio.get_running_loop().time() + READER_SECONDS, self._latest))
            yield piece


@router.get("/me/export", response_class=Response, responses=answers(None, lines=True))
async def export_me(export: Export) -> Response:
    """Gives you everything that is stored about you. One JSON object a line, all of one moment.

    The first line is `export`, with the `version` of the format; the second one the `user`. Then comes each
    `todo`, each `conversation`, and each `message`, somewhere behind its conversation: also what was deleted
    and can still be restored, and what was replaced by an edit or another reply. The last line is `end`, and
    counts them: without it, the export is not whole.
    """
    lines = export.lines()
    return ExportResponse(await anext(lines), lines)


@router.delete("/me", responses=answers(Erased, ConfirmationWrong))
async def erase_me(
    erasure: AccountErasure, caller: SignedIn, services: AppServices, visit: Visiting, guessing: SigningIn
) -> Response:
    """Erases your account and everything in it, for good. It cannot be undone: export it before.

    Replies that are being written end with an error. From then on your tokens are refused: a request that is
    repeated because its answer was lost gets 401. With an external issuer, a token that was issued later
    makes a new account.
    """
    with guessing(str(caller.user_id)):
        was, counted = await services.accounts.erase(caller, erasure.confirmation, visit)
    services.verifier.forget(was.subject or str(caller.user_id))
    log.info("account.erased")
    return json_response(counted)
