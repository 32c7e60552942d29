"""Turns errors into RFC 9457 problems, here and nowhere else. No problem repeats what the client sent."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ..errors import ChatError, NotFound
from ..models.problem import Fault, Problem

MEDIA_TYPE = "application/problem+json"

_RENAMED = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}


def install(app: FastAPI) -> None:
    """Registers handlers for the errors that a route or the framework raises on purpose."""
    app.add_exception_handler(ChatError, _refused)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)


def title(status: int) -> str:
    """Returns RFC 9110's phrase for a status. Some Python versions still have that of RFC 2616 or 4918."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def refusal(error: ChatError | type[ChatError]) -> Problem:
    """Returns the problem for an error that is raised on purpose."""
    members = error.members if isinstance(error, ChatError) else {}
    return _problem(error.status, error.code, error.detail, **members)


def invalid(*faults: Fault) -> Problem:
    """Returns the problem for a request that has these faults."""
    return _problem(
        422, "validation_failed", "The request is not what this operation takes.", errors=list(faults)
    )


def problem(error: ChatError) -> Response:
    """Returns the response for an error that is raised on purpose."""
    return _response(refusal(error), error.headers)


def internal_error() -> Response:
    """Returns the response for an unexpected exception."""
    return _response(_problem(500, "internal_error", "This is a fault of the server. It has been logged."))


def preflight_refused(headers: Mapping[str, str]) -> Response:
    """Returns the response for a page that may not send the request it asks about, with CORS headers."""
    detail = "CORS_ORIGINS does not name this origin, or no operation takes this method or header."
    return _response(_problem(400, "preflight_refused", detail), headers)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)
    return problem(error)


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(cause := error.__cause__, ChatError):  # raised while the body was read
        # A frame of the framework refers to both errors, and they to it: the cycle would keep the body alive.
        error.__traceback__ = cause.__traceback__ = None
        return problem(cause)
    if error.status_code == NotFound.status:
        return problem(NotFound())
    phrase = title(error.status_code)
    code = phrase.lower().replace(" ", "_")
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = _allowed(request) or headers["Allow"]
    return _response(_problem(error.status_code, code, f"{phrase}."), headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = (
        Fault(location=list(fault["loc"]), code=fault["type"], detail=fault["msg"])
        for fault in error.errors()
    )
    return _response(invalid(*faults))


def _allowed(request: Request) -> str:
    """Returns all methods of an address (RFC 9110, section 15.5.6); the framework knows only one route's.

    Empty for an asset, whose methods its folder knows.
    """
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    scopes = [{**request.scope, "method": method} for method in methods]
    return ", ".join(
        scope["method"]
        for scope in scopes
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    )


def _problem(status: int, code: str, detail: str, **members: object) -> Problem:
    return Problem.model_validate(
        {
            "type": "about:blank",
            "title": title(status),
            "status": status,
            "code": code,
            "detail": detail,
            **members,
        }
    )


def _response(body: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        body.model_dump_json(exclude_none=True),
        body.status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )
