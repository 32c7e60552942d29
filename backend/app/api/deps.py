"""The dependencies of all routes.

They are coroutines, even those that await nothing: FastAPI would run a plain function in a thread, which
costs more than everything else that a request does in this process.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import OAuth2PasswordBearer
from fastapi.security.base import SecurityBase
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from ..accounts import Accounts
from ..db.database import Database
from ..db.schema import Schema
from ..errors import ConversationNotFound, NotAuthenticated, OriginRefused
from ..limits import Limits, source_of
from ..metrics import Metrics
from ..models import text
from ..models.audit import Visit, network_of
from ..models.caller import Caller
from ..models.database import MAX_ID
from ..repositories.base import Repository
from ..repositories.conversations import ConversationRepository
from ..repositories.deletion import DeletionRepository
from ..repositories.export import ExportRepository
from ..repositories.history import HistoryRepository
from ..repositories.messages import MessageRepository
from ..repositories.replies import ReplyRepository
from ..repositories.search import SearchRepository
from ..repositories.todos import TodoRepository
from ..repositories.users import UserRepository
from ..settings import Settings
from ..turns import Turns
from ..verifier import Verifier
from ..watch import Watch
from . import limits
from .stream import is_wanted

_SESSION_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_SAFE = ("GET", "HEAD")
_NUMBER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Services:
    """The components of an application, which `main` puts together."""

    settings: Settings
    database: Database
    exports: Database
    erasures: Database
    """`exports` and `erasures` process all rows of a user: no other request waits for their connections."""
    schema: Schema
    verifier: Verifier
    accounts: Accounts
    watch: Watch
    limits: Limits
    turns: Turns
    metrics: Metrics


def services_of(request: Request) -> Services:
    """Returns the services of the application that received the request."""
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    return services_of(request)


AppServices = Annotated[Services, Depends(_services)]


_BEARER = OAuth2PasswordBearer("/api/auth/token", scheme_name="Bearer", auto_error=False)
_CALLER = "chat_history.caller"


class _ByToken(SecurityBase):
    """Requires a valid token. Subclasses call `caller`: each nested dependency would cost as much again."""

    model, scheme_name = _BEARER.model, _BEARER.scheme_name

    async def caller(self, request: Request) -> Caller:
        """Returns the caller whose token the request has. Each statement checks whether it was revoked."""
        known: Caller | None = request.scope.get(_CALLER)
        if known is not None:
            return known
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated
        services = services_of(request)
        caller = await services.accounts.user_of(await services.verifier.verify(token.strip()))
        limits.take(request.scope, services.limits.requests, caller.user_id)
        if request.method not in _SAFE:
            limits.take(request.scope, services.limits.writes, caller.user_id)
        request.scope[_CALLER] = caller
        return caller


class _SignedIn(_ByToken):
    async def __call__(self, request: Request) -> Caller:
        return await self.caller(request)


class _Asking(_ByToken):
    async def __call__(self, request: Request) -> Caller:
        caller = await self.caller(request)
        limits.take(request.scope, services_of(request).limits.turns, caller.user_id)
        return caller


class _OfCaller(_ByToken):
    """Creates a repository for the caller's rows."""

    def __init__(self, repository: type[Repository]) -> None:
        self._repository = repository

    async def __call__(self, request: Request) -> Repository:
        return self._repository(services_of(request).database, await self.caller(request))


SignedIn = Annotated[Caller, Depends(_SignedIn())]
Asking = Annotated[Caller, Depends(_Asking())]
"""The caller of a request to the assistant, which counts against the user's limit on turns."""
Conversations = Annotated[ConversationRepository, Depends(_OfCaller(ConversationRepository))]
Deletion = Annotated[DeletionRepository, Depends(_OfCaller(DeletionRepository))]
History = Annotated[HistoryRepository, Depends(_OfCaller(HistoryRepository))]
Messages = Annotated[MessageRepository, Depends(_OfCaller(MessageRepository))]
Replies = Annotated[ReplyRepository, Depends(_OfCaller(ReplyRepository))]
Search = Annotated[SearchRepository, Depends(_OfCaller(SearchRepository))]
Todos = Annotated[TodoRepository, Depends(_OfCaller(TodoRepository))]


async def _visit(request: Request) -> Visit:
    return Visit(network=network_of(request.client and request.client.host))


Visiting = Annotated[Visit, Depends(_visit)]


async def _signing_in(
    request: Request, services: AppServices
) -> Callable[[str], AbstractContextManager[None]]:
    """Counts a sign-in of the address. Returns a context manager, by account, that counts wrong passwords."""
    source = source_of(request.client and request.client.host)
    limits.take(request.scope, services.limits.sign_ins, source)
    return lambda account: limits.guessing(request.scope, services.limits, source, account)


async def _from_own_site(request: Request) -> None:
    """Raises OriginRefused for a page of another site, which would use up its visitor's attempts."""
    named = services_of(request).settings.cors_origins
    is_foreign = request.headers.get("sec-fetch-site") == "cross-site"  # only browsers set this, not pages
    if is_foreign and {"*", request.headers.get("origin")}.isdisjoint(named):
        raise OriginRefused


async def _registering(request: Request, services: AppServices) -> None:
    source = source_of(request.client and request.client.host)
    limits.take(request.scope, services.limits.registrations, source)


SigningIn = Annotated[Callable[[str], AbstractContextManager[None]], Depends(_signing_in)]
FROM_OWN_SITE = Depends(_from_own_site)
REGISTERING = Depends(_registering)


async def _export(request: Request, caller: SignedIn) -> ExportRepository:
    return ExportRepository(services_of(request).exports, caller)


Export = Annotated[ExportRepository, Depends(_export)]


async def _users(request: Request) -> UserRepository:
    return UserRepository(services_of(request).database)


Users = Annotated[UserRepository, Depends(_users)]


SessionId = Annotated[
    str,
    Path(
        alias="sessionId",
        description="The `session_id` of a chat that was started, or the client's own id of it.",
        examples=["1"],
    ),
]


def conversation_of(session_id: str) -> int | None:
    """Returns the conversation's id if it is written as we write it; None for a client's own id."""
    ours = _SESSION_ID.fullmatch(session_id) and int(session_id) <= MAX_ID
    return int(session_id) if ours else None


class _Session(_ByToken):
    """Resolves a session to its conversation's id. Raises ConversationNotFound for an unknown client's id."""

    async def __call__(self, request: Request, session_id: SessionId) -> int:
        caller, database = await self.caller(request), services_of(request).database
        return conversation_of(session_id) or await ConversationRepository(database, caller).find(session_id)


class _BegunSession(_Session):
    """Like `_Session`, but None for a client's own id for which nothing was sent yet."""

    async def __call__(self, request: Request, session_id: SessionId) -> int | None:  # type: ignore[override]
        with suppress(ConversationNotFound):
            return await super().__call__(request, session_id)
        return None


def _plain(number: str) -> str:
    """Rejects `01`, `+1` and `1.0` as other spellings of 1, so that each resource has one address."""
    if not _NUMBER.fullmatch(number):
        raise PydanticCustomError("int_parsing", "Not a whole number in plain digits.")
    return number


_PLAIN = BeforeValidator(_plain)
PageCursor = Annotated[text.Cursor | None, Query(description="The `next_cursor` of the page before.")]
BeforeCursor = Annotated[text.Cursor | None, Query(description="The same: a page's `next_cursor`.")]
AfterCursor = Annotated[text.Cursor | None, Query(description="The `newer_cursor` of a page.")]
AroundId = Annotated[
    int | None,
    Query(ge=1, le=MAX_ID, description="The id of a message that is to be in the middle.", examples=[2]),
    _PLAIN,
]


@dataclass(frozen=True, slots=True)
class _HistoryPlace:
    """Where to read in a history. At most one field is set; if none is, at the end."""

    before: str | None
    after: str | None
    around: int | None


async def _history_place(
    cursor: PageCursor = None,
    before: BeforeCursor = None,
    after: AfterCursor = None,
    around: AroundId = None,
) -> _HistoryPlace:
    if [cursor, before, after, around].count(None) < 3:  # noqa: PLR2004  # two are set
        fault = {"type": "one_place", "loc": ("query",), "msg": "Only one of before, after and around."}
        raise RequestValidationError([fault])
    return _HistoryPlace(before or cursor, after, around)


async def _wants_stream(accept: Annotated[str, Header(include_in_schema=False)] = "") -> bool:
    return is_wanted(accept)


HistoryPlace = Annotated[_HistoryPlace, Depends(_history_place)]
SearchText = Annotated[text.SearchText, Query(description="What to search for.", examples=["milk"])]
Session = Annotated[int, Depends(_Session())]
BegunSession = Annotated[int | None, Depends(_BegunSession())]
ConversationId = Annotated[int, Path(ge=1, le=MAX_ID, examples=[1]), _PLAIN]
MessageId = Annotated[int, Path(ge=1, le=MAX_ID, examples=[2]), _PLAIN]
ReplyId = Annotated[int, Path(ge=1, le=MAX_ID, examples=[2]), _PLAIN]
TodoId = Annotated[int, Path(ge=1, le=MAX_ID, examples=[1]), _PLAIN]
Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most; fewer if long."), _PLAIN]
Archived = Annotated[bool, Query(description="The archived ones in place of the others.")]
HistoryFormat = Annotated[Literal["api", "ui"], Query(description="`ui`: as the AI SDK's `UIMessage`s.")]
WantsStream = Annotated[bool, Depends(_wants_stream)]


def _idempotency_key(description: str, **schema: Any) -> Any:
    return Header(
        alias="Idempotency-Key",
        description=description,
        examples=["5f0c1d9e-one-request"],
        json_schema_extra=schema,
    )


RetryKey = Annotated[
    text.ClientId | None,
    _idempotency_key("Of a request and its retries: they get the same reply, and write it once."),
]
IdempotencyKey = Annotated[
    text.ClientId | None, _idempotency_key("The same as `client_id` in the body, which wins.")
]
ConversationKey = Annotated[
    text.ConversationClientId | None,
    _idempotency_key("The same as `client_id` in the body, which wins.", **text.NOT_DIGITS_ALONE),
]
