"""Accounts and tokens of this service. Not there when tokens come from an external issuer, but for `me`."""

import time
from typing import Annotated

from fastapi import APIRouter, Form, Response

from .. import tokens
from ..errors import EmailTaken, RegistrationClosed, SignInFailed
from ..models.api import Account, AccountCreate, SignIn, Token
from .deps import AppServices, CallerId, Services, Users
from .openapi import answers
from .pages import json_response
from .strict import StrictRoute

router = APIRouter(prefix="/api/auth", tags=["accounts"], route_class=StrictRoute)
local = APIRouter(prefix="/api/auth", tags=["accounts"], route_class=StrictRoute)


@local.post(
    "/register", status_code=201, responses=answers(Token, RegistrationClosed, EmailTaken, status=201)
)
async def register(account: AccountCreate, services: AppServices) -> Token:
    """Makes an account and signs it in. The address is a name to sign in with: nothing is sent to it."""
    if not services.settings.registration:
        raise RegistrationClosed
    return _token(services, await services.accounts.register(account.email, account.password))


@local.post("/token", responses=answers(Token, SignInFailed))
async def create_token(sign_in: Annotated[SignIn, Form()], services: AppServices) -> Token:
    """Signs in. This is OAuth 2's password grant: the Authorize button of this page does it."""
    return _token(services, await services.accounts.sign_in(sign_in.username, sign_in.password))


@router.get("/me", responses=answers(Account))
async def get_me(caller: CallerId, users: Users) -> Response:
    """Tells who you are.

    A user of an external issuer has `issuer` and `subject` in place of `email`.
    """
    return json_response(await users.get(caller))


def _token(services: Services, user_id: int) -> Token:
    secret, lifetime = services.settings.signing_key, services.settings.token_lifetime
    return Token(access_token=tokens.issue(user_id, secret, lifetime, time.time()), expires_in=lifetime)
