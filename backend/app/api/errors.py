"""Errors become RFC 9457 problems here, and nowhere else. None repeats what the client sent."""

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
    """Maps everything that a route or the framework may raise."""
    app.add_exception_handler(ChatError, _refused)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)


def title(status: int) -> str:
    """The phrase of RFC 9110 for a status. Some Pythons still have the older one of RFC 2616 or 4918."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


def refusal(error: ChatError | type[ChatError]) -> Problem:
    """What a client is told of an error that is raised on purpose."""
    members = error.members if isinstance(error, ChatError) else {}
    return _problem(error.status, error.code, error.detail, **members)


def invalid(*faults: Fault) -> Problem:
    """What a client is told of a request that has these faults."""
    return _problem(
        422, "validation_failed", "The request is not what this operation takes.", errors=list(faults)
    )


def problem(error: ChatError) -> Response:
    """The answer to a refusal."""
    return _response(refusal(error), error.headers)


def internal_error() -> Response:
    """The answer to what nobody foresaw."""
    return _response(_problem(500, "internal_error", "This is a fault of the server. It has been logged."))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)
    return problem(error)


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(cause := error.__cause__, ChatError):  # what was raised while the body was read
        # A frame of the framework refers to both, and they to the frames: the body would stay in a circle.
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
    """Every method of an address (RFC 9110, section 15.5.6): the framework knows its first route's only.

    Empty for an asset, whose folder knows them.
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
