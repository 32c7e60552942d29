"""Reads request bodies strictly: bounded, JSON as RFC 8259 defines it, and without repeated keys."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, ClassVar, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute, APIRouter
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import BodyInvalid, BodyTooLarge, BodyTooSlow, EncodingUnsupported, MediaTypeUnsupported
from .openapi import operation_id
from .parameters import Parameters

BODY_SECONDS = 60
"""How long a whole body may take: as long as the largest one takes at half a megabit per second."""

MAX_STRANGERS_BYTES = 65_536
"""The limit before authentication. The longest todo, fully escaped, has 53 KB; a sign-in form has 15."""

MAX_DEPTH = 32
_NUMBER_DIGITS = 400
_FORM = "application/x-www-form-urlencoded"


class StrictRequest(Request):
    """A request that rejects its body as soon as it is too large, and parses it strictly."""

    largest: ClassVar[float] = math.inf

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yields the body in pieces, once.

        Raises EncodingUnsupported if it is compressed, BodyTooLarge before it yields more than the limit,
        BodyTooSlow if the body takes too long, and ClientDisconnect if the client disconnects before its end.
        """
        encodings = (one.strip().lower() for one in self.headers.getlist("content-encoding"))
        if any(one not in ("", "identity") for one in encodings):
            raise EncodingUnsupported
        limit = min(self.app.state.max_body_bytes, self.largest)
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > limit:
            raise BodyTooLarge
        received, more = 0, True
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        while more:
            try:
                async with asyncio.timeout_at(deadline):
                    message = await self.receive()
            except TimeoutError:
                raise BodyTooSlow from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece, more = message.get("body", b""), message.get("more_body", False)
            received += len(piece)
            if received > limit:
                raise BodyTooLarge
            yield piece

    async def body(self) -> bytes:
        """Returns the whole body. Raises MediaTypeUnsupported unless it is empty or declared as JSON."""
        body = await super().body()
        if body and self._media_type() != "application/json":
            raise MediaTypeUnsupported
        return body

    def form(self, **_: Any) -> Any:
        """Returns the fields of a form. Raises MediaTypeUnsupported if it is declared as anything else."""
        if self._media_type() not in ("", _FORM):
            raise MediaTypeUnsupported
        return super().form(max_fields=math.inf)  # its size in bytes is limited

    async def json(self) -> Any:
        """Returns the body's value. Raises BodyInvalid unless it is JSON that all parsers read alike."""
        try:
            value = _decode((await self.body()).decode())
        except (ValueError, RecursionError):
            raise BodyInvalid from None
        if _deeper(value, MAX_DEPTH):
            raise BodyInvalid
        return value

    def _media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class StrangersRequest(StrictRequest):
    """A request whose body is read before authentication, and so must be small."""

    largest = MAX_STRANGERS_BYTES


def strict_router(prefix: str, tag: str) -> APIRouter:
    """Creates a router whose routes are StrictRoutes."""
    return APIRouter(
        prefix=prefix, tags=[tag], route_class=StrictRoute, generate_unique_id_function=operation_id
    )


class StrictRoute(APIRoute):
    """A route that reads its body with StrictRequest.

    If the endpoint is annotated to return a Response, only Parameters and the endpoint process the request.
    Otherwise FastAPI reads the body before everything else, so the body has to be small.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if get_type_hints(endpoint).get("return") is Response:
            self.app = _answering(endpoint, Parameters(self.dependant))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrangersRequest(request.scope, request.receive))

        return strictly


def _answering(endpoint: Callable[..., Awaitable[Response]], parameters: Parameters) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(**await parameters.read(StrictRequest(scope, receive)))
        await response(scope, receive, send)

    return answer


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> Any:
    raise ValueError


def _integer(digits: str) -> int:
    if len(digits) > _NUMBER_DIGITS:
        raise ValueError
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError
    return number


_decode = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_constant=_refuse, parse_int=_integer, parse_float=_number
).decode


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper(item, levels - 1) for item in value)
