"""Middleware for every request: its id, its log line, its metrics, and the headers of all responses."""

import logging
import re
import secrets
import time
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..logs import described, request_id
from ..metrics import Metrics
from ..spans import hide_address
from . import limits
from .errors import internal_error, preflight_refused

log = logging.getLogger(__name__)

SECURITY = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
"""Headers of a response that does not set Cache-Control itself, as pages, assets and streams do."""

NOSNIFF = (b"x-content-type-options", b"nosniff")
"""A header of every response."""

_PREFLIGHT = {"origin", "access-control-request-method"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Observed:
    """Gives each request an id, logs and counts it by its route, and answers unexpected errors with 500.

    A client's own `X-Request-ID` is kept if it is 1 to 64 letters, digits, dots, dashes or underscores.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        request_id.set(identity)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                if "Cache-Control" not in headers:
                    headers.raw.extend(SECURITY)
                headers.raw.append((b"x-request-id", identity.encode()))
                headers.raw.append(NOSNIFF)
                limits.tell(scope, headers)
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001  # the last resort; its message may quote a user
            log.error("request.failed", extra=described(error))
            if status == 0:
                await internal_error()(scope, receive, sending)
        finally:
            self._record(scope, status, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", "unknown")
        method = scope["method"] if route != "unknown" else "unknown"
        self._metrics.requests.labels(route, method, str(status)).observe(seconds)
        fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("request", extra=fields)


class Cors(CORSMiddleware):
    """Lets pages of allowed origins read all responses, even the 500 of `Observed`, around which it stands.

    Preflights end here: they are observed like other requests, and refused with a problem.
    """

    def __init__(self, app: ASGIApp, /, metrics: Metrics, **allowed: Any) -> None:
        super().__init__(app, **allowed)
        self._preflights = Observed(super().__call__, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_preflight = (
            scope["type"] == "http"
            and scope["method"] == "OPTIONS"
            and _PREFLIGHT.issubset(Headers(scope=scope).keys())
        )
        await (self._preflights if is_preflight else super().__call__)(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == HTTPStatus.OK:
            return response
        of_body = ("content-length", "content-type")
        return preflight_refused(
            {name: value for name, value in response.headers.items() if name not in of_body}
        )


class Discreet:
    """Keeps each request's path and query out of its span, even if another middleware answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hide_address()
        await self._app(scope, receive, send)


class SlashTolerant:
    """Handles a path with a trailing slash like the one without it, and without a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["path"].removesuffix("/") or "/"
        await self._app(scope, receive, send)
