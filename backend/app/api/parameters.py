"""Reads the parameters of a route by a plan that is made once.

FastAPI analyzes the signature of a route and documents it. Inspecting each parameter again at each request
would be most of what runs for a page of history: here it happens once, when the route is created.
"""

from collections.abc import Awaitable, Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

from fastapi import HTTPException, Request
from fastapi._compat import is_scalar_field
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from starlette.requests import ClientDisconnect

_ABSENT = object()
"""Marks a value that is missing: a default, a parameter of a request, or an empty body."""

_UNREAD = (
    "cookie_params",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)
"""Kinds of parameters that FastAPI offers, and that no route uses."""

Fault = dict[str, Any]
Validate = Callable[..., tuple[Any, list[Fault]]]


class Parameters:
    """Reads the parameters of one route.

    As in FastAPI, dependencies are called first, in their order, and a dependency with invalid parameters is
    not called. Unlike in FastAPI, they are called before the body is read, and one that two others share is
    called for each. Raises TypeError for what it cannot read: functions that are not coroutines, lists,
    forms, several bodies, cookies, `Response` parameters and background tasks.
    """

    def __init__(self, dependant: Dependant) -> None:
        if not _is_readable(dependant) or any(one.body_params for one in dependant.dependencies):
            raise TypeError(f"{dependant.call}: takes what is not read here")
        self._request = dependant.request_param_name
        self._dependencies = [_Dependency.of(one) for one in dependant.dependencies]
        self._path = [_Parameter.of(field, "path") for field in dependant.path_params]
        self._query = [_Parameter.of(field, "query") for field in dependant.query_params]
        self._headers = [_Parameter.of(field, "header") for field in dependant.header_params]
        self._body = [_Parameter.of(field, "body") for field in dependant.body_params]

    async def read(self, request: Request) -> dict[str, Any]:
        """Returns the arguments of the route. Raises RequestValidationError with all faults in them."""
        faults: list[Fault] = []
        arguments = await self._read(request, faults)
        for parameter in self._body:  # last, so that no body is read without a valid token
            parameter.read(await _body(request), arguments, faults)
        if faults:
            raise RequestValidationError(faults)
        return arguments

    async def _read(self, request: Request, faults: list[Fault]) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for name, call, parameters in self._dependencies:
            before = len(faults)
            given = await parameters._read(request, faults)
            if len(faults) == before:
                arguments[name] = await call(**given)
        _read_all(self._path, request.path_params, arguments, faults)
        if self._query:
            _read_all(self._query, request.query_params, arguments, faults)
        if self._headers:
            _read_all(self._headers, request.headers, arguments, faults)
        if self._request is not None:
            arguments[self._request] = request
        return arguments


class _Dependency(NamedTuple):
    name: str
    call: Callable[..., Awaitable[Any]]
    parameters: Parameters

    @classmethod
    def of(cls, dependant: Dependant) -> "_Dependency":
        if dependant.call is None or dependant.name is None:
            raise TypeError(f"{dependant.call}: is not what a parameter is made of")
        return cls(dependant.name, dependant.call, Parameters(dependant))


class _Parameter(NamedTuple):
    name: str
    key: str
    """Its name in the request."""
    place: tuple[str, ...]
    """The location that a fault reports."""
    default: Any
    validate: Validate

    @classmethod
    def of(cls, field: Any, source: str) -> "_Parameter":
        default = _ABSENT if field.field_info.is_required() else field.default
        place = (source,) if source == "body" else (source, field.alias)
        return cls(field.name, field.alias, place, default, field.validate)

    def read(self, value: Any, arguments: dict[str, Any], faults: list[Fault]) -> None:
        if value is not _ABSENT:
            arguments[self.name], wrong = self.validate(value, loc=self.place)
            faults += wrong
        elif self.default is _ABSENT:
            faults.append({"type": "missing", "loc": self.place, "msg": "Field required"})
        else:
            arguments[self.name] = self.default


def _read_all(
    parameters: list[_Parameter], given: Mapping[str, Any], arguments: dict[str, Any], faults: list[Fault]
) -> None:
    for parameter in parameters:
        parameter.read(given.get(parameter.key, _ABSENT), arguments, faults)


async def _body(request: Request) -> Any:
    try:
        return await request.json() if await request.body() else _ABSENT
    except ClientDisconnect:
        raise HTTPException(400) from None  # nobody receives it, and nothing is wrong here


def _is_readable(dependant: Dependant) -> bool:
    single = [*dependant.path_params, *dependant.query_params, *dependant.header_params]
    bodies = [field.field_info for field in dependant.body_params]
    return (
        (iscoroutinefunction(dependant.call) or iscoroutinefunction(type(dependant.call).__call__))
        and not any(getattr(dependant, unread) for unread in _UNREAD)
        and all(is_scalar_field(field) for field in single)
        and len(bodies) < 2  # noqa: PLR2004  # FastAPI reads several as members of one object
        and not any(isinstance(body, Form) or getattr(body, "embed", None) for body in bodies)
    )
