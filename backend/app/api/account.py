"""All that the service knows about a user: taken along, or erased."""

import logging

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
    """Gives you everything that is stored about you. One JSON object a line, all of one moment.

    The first line is `export`, with the `version` of the format; the second one the `user`. Then comes each
    `todo`, each `conversation`, and each `message`, somewhere behind its conversation: also what was deleted
    and can still be restored, and what was replaced by an edit or another reply. The last line is `end`, and
    counts them: without it, the export is not whole. You can read one export at a time.
    """
    lines = alone(services.limits.exporting, caller.user_id, export.lines())
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
