"""Routes for this service's accounts and tokens. With an external issuer, only `me` exists."""

import time
from typing import Annotated

from fastapi import Form, Response

from .. import tokens
from ..errors import EmailTaken, OriginRefused, PasswordWrong, RateLimited, RegistrationClosed, SignInFailed
from ..models.accounts import Account, AccountCreate, PasswordChange, SignIn, Token
from ..models.caller import Caller
from .deps import FROM_OWN_SITE, REGISTERING, AppServices, Services, SignedIn, SigningIn, Users, Visiting
from .openapi import answers
from .pages import json_response
from .strict import strict_router

router = strict_router("/api/auth", "accounts")
local = strict_router("/api/auth", "accounts")


@local.post(
    "/register",
    status_code=201,
    responses=answers(Token, OriginRefused, RegistrationClosed, EmailTaken, RateLimited, status=201),
    dependencies=[FROM_OWN_SITE, REGISTERING],
)
async def register(account: AccountCreate, services: AppServices, visit: Visiting) -> Token:
    """Creates an account and signs it in. The address is only a sign-in name: nothing is sent to it."""
    if not services.settings.registration:
        raise RegistrationClosed
    return _token(services, await services.accounts.register(account.email, account.password, visit))


@local.post(
    "/token", responses=answers(Token, SignInFailed, OriginRefused, RateLimited), dependencies=[FROM_OWN_SITE]
)
async def create_token(
    sign_in: Annotated[SignIn, Form()], services: AppServices, visit: Visiting, guessing: SigningIn
) -> Token:
    """Signs in. This is OAuth 2's password grant, which the Authorize button of this page uses.

    After too many wrong passwords for an account, only the client address that sent them has to wait.
    """
    with guessing(sign_in.username):
        caller = await services.accounts.sign_in(sign_in.username, sign_in.password, visit.network)
    return _token(services, caller)


@local.post("/password", responses=answers(Token, PasswordWrong))
async def change_password(
    change: PasswordChange, services: AppServices, caller: SignedIn, visit: Visiting, guessing: SigningIn
) -> Token:
    """Changes your password.

    All your tokens are revoked within a second, on every device; the response has a new one for this device.
    """
    with guessing(str(caller.user_id)):
        changed = await services.accounts.change_password(
            caller, change.current_password, change.new_password, visit
        )
    return _token(services, changed)


@local.post("/sign-out", status_code=204, responses=answers(None, status=204))
async def sign_out_everywhere(caller: SignedIn, users: Users, visit: Visiting) -> None:
    """Signs you out on every device. All your tokens are revoked within a second, including this one."""
    await users.sign_out(caller, visit)


@router.get("/me", responses=answers(Account))
async def get_me(caller: SignedIn, users: Users) -> Response:
    """Returns your account.

    A user of an external issuer has `issuer` and `subject` in place of `email`.
    """
    return json_response(await users.get(caller))


def _token(services: Services, caller: Caller) -> Token:
    secret, lifetime = services.settings.signing_key, services.settings.token_lifetime
    token = tokens.issue(caller.user_id, secret, lifetime, time.time(), caller.generation)
    return Token(access_token=token, expires_in=lifetime)
