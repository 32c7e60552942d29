"""Routes that export or erase everything that the service stores about a user."""

import logging
from functools import partial

from fastapi import Response

from ..errors import ConfirmationWrong, TooManyExports
from ..models.erasure import AccountErasure, Erased
from .deps import AppServices, Export, SignedIn, SigningIn, Visiting
from .export import ExportResponse, alone
from .openapi import answers
from .pages import json_response
from .strict import strict_router

log = logging.getLogger(__name__)

router = strict_router("/api/auth", "accounts")


@router.get("/me/export", response_class=Response, responses=answers(None, TooManyExports, lines=True))
async def export_me(export: Export, caller: SignedIn, services: AppServices) -> Response:
    """Exports everything that is stored about you. Each line is a JSON object, and all show the same moment.

    The first line is `export` with the `version` of the format, the second is `user`. Then follow the lines
    `todo`, `conversation` and `message`; a message comes anywhere after its conversation. They include what
    was deleted and can still be restored, and messages that an edit or another reply replaced. The last line
    is `end` with their numbers: an export without it is incomplete. You can read one export at a time.
    """
    lines = alone(services.limits.exporting, caller.user_id, export.lines())
    return ExportResponse(await anext(lines), lines, partial(services.watch.reading, caller))


@router.delete("/me", responses=answers(Erased, ConfirmationWrong))
async def erase_me(
    erasure: AccountErasure, caller: SignedIn, services: AppServices, visit: Visiting, guessing: SigningIn
) -> Response:
    """Erases your account and everything in it for good. This cannot be undone: export your data first.

    Replies that are being written end with an error. From then on your tokens are rejected: if the response
    is lost and you repeat the request, it gets 401. With an external issuer, a token that was issued later
    creates a new account.
    """
    with guessing(str(caller.user_id)):
        was, counted = await services.accounts.erase(caller, erasure.confirmation, visit)
    services.verifier.forget(was.subject or str(caller.user_id))
    log.info("account.erased")
    return json_response(counted)
