"""Puts the application together. Importing this module has no effects."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from . import logs, spans
from .accounts import Accounts
from .api import account, auth, chat, conversations, errors, openapi, operations, search, todos
from .api.deps import Services
from .api.middleware import Cors, Discreet, Observed, SlashTolerant
from .assistants import make_assistant
from .assistants.base import Assistant, Closes
from .db import url as urls, walls
from .db.database import Database
from .db.schema import Schema
from .errors import DatabaseUnavailable, SetupError
from .limits import Limits
from .metrics import Metrics
from .repositories.audit import AuditRepository
from .repositories.erasure import ERASURE_SECONDS, ErasureRepository
from .repositories.users import UserRepository
from .settings import BULK_CONNECTIONS, Settings
from .turns import Capacity, ReplyLimits, Turns
from .verifier import make_verifier
from .watch import Watch
from .web import site

log = logging.getLogger(__name__)

TRACED: TelemetryConfig = {"auto_configure": True, "logs": False, "operation_spans": False}
"""With the extra `telemetry`, OTEL_* variables turn it on. Logs stay off, because they would quote errors."""

UNTRACED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""Turns telemetry off, so that no request checks whether somebody has turned it on."""

FIRST = {"get_history", "send_message", "list_conversations", "append_message"}
"""The routes of most requests. They are tried first, because routes are tried one after the other."""


def create_app(settings: Settings, assistant: Assistant | None = None) -> FastAPI:
    """Creates the application. `assistant` replaces the one that CHAT_MODEL names.

    Raises SetupError if a setting that serving needs is missing or unsafe.
    """
    assistant = assistant or make_assistant(settings)
    services = _services(settings, assistant)
    traced = spans.are_wanted()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _ready(services)
        log.info("application.started")
        yield
        await services.turns.close(settings.shutdown_grace)
        if isinstance(assistant, Closes):
            await assistant.close()
        await services.exports.close()
        await services.erasures.close()
        await services.database.close()
        log.info("application.stopped")
        logs.flush()  # uvicorn then raises its signal again, which runs no exit handlers

    app = FastAPI(
        title="chat-history",
        version=version("chat-history"),
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        telemetry=TRACED if traced else UNTRACED,
    )
    app.state.services = services
    app.state.max_body_bytes = settings.max_body_bytes
    for module in (chat, conversations, search, todos, auth, account, operations):
        app.router.routes.extend(module.router.routes)
    if not settings.external_issuer:
        app.include_router(auth.local)
    site.install(app, external_issuer=settings.external_issuer)
    errors.install(app)
    openapi.install(app, external_issuer=settings.external_issuer)
    app.router.routes.sort(key=lambda route: getattr(route, "name", "") not in FIRST)
    app.add_middleware(SlashTolerant)
    app.add_middleware(Observed, metrics=services.metrics)
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            metrics=services.metrics,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=sorted(openapi.HEADERS.keys() - {"WWW-Authenticate"}),
        )
    if traced:
        app.add_middleware(Discreet)
    return app


def _services(settings: Settings, assistant: Assistant) -> Services:
    url = urls.configured(settings)
    database = Database(
        url,
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_pool_timeout,
        statement_timeout=settings.database_timeout,
        idle_seconds=settings.database_idle_seconds,
        keeps_plans=not urls.is_pooled(url),
    )
    users = UserRepository(database)
    # Separate, so that slow readers of exports do not keep other users from erasing their accounts.
    exports, erasures = (
        Database(
            url,
            pool_size=BULK_CONNECTIONS,
            pool_timeout=settings.database_pool_timeout,
            statement_timeout=ERASURE_SECONDS,
            idle_seconds=settings.database_idle_seconds,
            keeps_plans=False,
        )
        for _ in range(2)
    )
    metrics = Metrics()
    reply_limits = ReplyLimits(
        settings.max_reply_seconds, settings.max_reply_characters, settings.context_characters
    )
    capacity = Capacity(
        settings.max_running_turns, settings.max_running_turns_per_user, settings.flushes_per_second
    )
    turns = Turns(database, assistant, metrics, reply_limits, capacity)
    metrics.watch("chat_turns_running", "Replies being written.", lambda: turns.running)
    metrics.watch_each(
        "database_connections", "Connections and waiting requests.", "state", lambda: database.connections
    )
    return Services(
        settings=settings,
        database=database,
        exports=exports,
        erasures=erasures,
        schema=Schema(database),
        verifier=make_verifier(settings),
        accounts=Accounts(users, ErasureRepository(erasures), AuditRepository(database)),
        watch=Watch(users),
        limits=Limits(settings),
        turns=turns,
        metrics=metrics,
    )


async def _ready(services: Services) -> None:
    """Raises SetupError if no request could be answered, or if users could see each other's rows."""
    await services.verifier.require_keys()
    try:
        await services.schema.check()
        await walls.require(services.database)
    except DatabaseUnavailable:
        raise SetupError(
            "DATABASE_URL: the database cannot be reached, or its schema is missing or too old. "
            "`chat-history doctor` tells which; `chat-history migrate` makes the schema."
        ) from None
