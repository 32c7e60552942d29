"""Sends HTTP requests to a model's server and handles their failures."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from .base import AssistantError, ModelBusy, ModelFailed
from .connections import Connections
from .pipe import Pipe
from .wire import Answer

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
USAGE_SECONDS = 1.0
"""How long a server may take, after the model has ended, to count tokens and to end the stream."""

LAST_SECONDS = 0.2
"""How long a server may take to close a response that has ended, so that its connection is reusable."""

MAX_BODY_BYTES = 65_536

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_OVERLOADED = {429, 503, 529}


class _Passing(Exception):
    """A failure that may have passed after `pause` seconds."""

    def __init__(self, error: AssistantError, pause: float = RETRY_SECONDS) -> None:
        super().__init__()
        self.error = error
        self.pause = pause


class Endpoint:
    """A model server. Its connections are shared by all replies."""

    def __init__(self, base_url: str, key: str | None, silence: float) -> None:
        """`silence` is the longest pause, in seconds, before the first token and between two tokens."""
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._silence = silence
        # No compression: a small body could expand to a large one, and events would wait for full blocks.
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._connections = Connections(headers, encrypted=base_url.startswith("https:"))

    async def close(self) -> None:
        """Closes all connections."""
        await self._connections.close()

    @asynccontextmanager
    async def streamed(self, body: dict[str, Any]) -> AsyncIterator[Pipe]:
        """Sends a request and yields its answer as it arrives. The request is cancelled when the block ends.

        After a failure that may pass, sends it once more if no text has arrived and the pause is below
        `silence`.
        """
        pipe = Pipe()
        content = json.dumps({**body, "stream": True}).encode()
        asking = asyncio.create_task(self._ask(content, pipe))
        asking.add_done_callback(pipe.end)
        try:
            yield pipe
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def complete(self, body: dict[str, Any]) -> str:
        """Sends a request and returns the text of a short answer. Raises ModelBusy and ModelFailed."""
        received = bytearray()
        try:
            async with self._asked(json.dumps(body).encode()) as response:
                async for data in response.aiter_raw():
                    received += data
                    if len(received) > MAX_BODY_BYTES:
                        raise ModelFailed
            match json.loads(received):
                case {"choices": [{"message": {"content": str(text)}}, *_]}:
                    return text
        except _Passing as fault:
            raise fault.error from None
        except (httpx.TransportError, ValueError, RecursionError):
            pass
        raise ModelFailed

    async def _ask(self, content: bytes, pipe: Pipe) -> Answer:
        try:
            try:
                return await self._attempt(content, pipe)
            except _Passing as fault:
                if pipe.used or fault.pause >= self._silence:
                    raise
                await asyncio.sleep(fault.pause)
            return await self._attempt(content, pipe)
        except _Passing as fault:
            raise fault.error from None

    async def _attempt(self, content: bytes, pipe: Pipe) -> Answer:
        answer = Answer()
        try:
            async with asyncio.timeout(self._silence) as silence:
                await self._read(content, pipe, answer, silence)
        except TimeoutError:
            if not answer.ended:
                log.warning("model.silent", extra={"seconds": self._silence})
                raise ModelFailed from None
        except httpx.TransportError as error:
            if not answer.ended:
                log.warning("model.connection_lost", extra={"error": type(error).__name__})
                raise _Passing(ModelFailed()) from None
        if not answer.ended:
            log.warning("model.answer_cut")
            raise _Passing(ModelFailed())
        return answer

    @asynccontextmanager
    async def _asked(self, content: bytes) -> AsyncIterator[httpx.Response]:
        async with (
            self._connections.lend() as client,
            client.stream("POST", self._url, content=content) as response,
        ):
            _accept(response)
            yield response

    async def _read(self, content: bytes, pipe: Pipe, answer: Answer, silence: asyncio.Timeout) -> None:
        """Reads the response into `pipe`, and extends `silence` whenever the model sends something."""
        now = asyncio.get_running_loop().time
        async with self._asked(content) as response:
            async for data in response.aiter_raw():
                if answer.done:
                    continue
                told, text = answer.feed(data)
                if told:
                    silence.reschedule(now() + self._patience(answer))
                if text:
                    await pipe.put(text)
                if answer.fault is not None:
                    raise answer.fault

    def _patience(self, answer: Answer) -> float:
        if answer.done:
            return LAST_SECONDS
        return USAGE_SECONDS if answer.ended else self._silence


def _accept(response: httpx.Response) -> None:
    """Raises _Passing or ModelFailed unless the status is 200. Ignores the body, which may quote the user."""
    status = response.status_code
    if status == httpx.codes.OK:
        return
    log.warning("model.refused", extra={"status": status})
    error = ModelBusy() if status in _OVERLOADED else ModelFailed()
    if status != httpx.codes.TOO_MANY_REQUESTS and status < httpx.codes.INTERNAL_SERVER_ERROR:
        raise error
    after = response.headers.get("Retry-After")
    if after is None:
        raise _Passing(error)
    raise _Passing(error, float(after) if _SECONDS.fullmatch(after) else float("inf"))
