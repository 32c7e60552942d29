"""A client that remembers what it was shown."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx

from faults.lab import PATIENCE, Process
from faults.script import Script
from faults.transport import Transport

STREAM = {"Accept": "text/event-stream"}


@dataclass
class Seen:
    """What one reader was shown of a reply, and when."""

    status: int
    reply_id: int | None = None
    question: dict[str, Any] | None = None
    text: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)
    ending: str | None = None
    """`finish`, or `abort: reason`, or `error: code`; None if the stream just broke."""
    done: bool = False
    times: list[tuple[float, int]] = field(default_factory=list)
    """When how many characters had been shown."""
    problem: dict[str, Any] = field(default_factory=dict)
    """The refusal, if the status is one."""
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    fault: httpx.TransportError | None = None
    """What the line broke with, if it did."""

    @property
    def acknowledged(self) -> bool:
        """Whether the first event named the reply."""
        return self.reply_id is not None

    def take(self, line: str) -> None:
        """Takes in a line of the stream."""
        if not line.startswith("data: "):
            return
        if line == "data: [DONE]":
            self.done = True
            return
        event = json.loads(line.removeprefix("data: "))
        match event["type"]:
            case "start":
                self.reply_id = int(event["messageId"])
            case "data-message":
                self.question = event["data"]
            case "text-delta":
                self.text += event["delta"]
                self.times.append((time.monotonic(), len(self.text)))
            case "finish":
                self.ending = "finish"
            case "abort":
                self.ending = f"abort: {event['reason']}"
            case "error":
                self.ending = f"error: {event['errorText']}"
            case kind if kind.startswith("tool-"):
                self.parts.append(event)


Enough = Callable[[Seen], bool]
"""Whether a reader was shown what it waits for."""


def _acknowledged(seen: Seen) -> bool:
    return seen.acknowledged


async def _under_way(
    read: Callable[[Enough], Coroutine[None, None, Seen]], shown: Enough
) -> "asyncio.Task[Seen]":
    begun = asyncio.Event()

    def look(seen: Seen) -> bool:
        if shown(seen):
            begun.set()
        return False

    reading = asyncio.create_task(read(look))
    reading.add_done_callback(lambda _: begun.set())
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    return reading


class Chat:
    """A user at one process of the service."""

    def __init__(self, process: Process, token: str, through: str = "") -> None:
        """`through` is another address of the process, if it is not to be its own."""
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.AsyncClient(
            base_url=through or process.url,
            headers=headers,
            timeout=PATIENCE,
            transport=Transport(),
            trust_env=False,
            event_hooks={"response": [_begins]},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def start(self) -> int:
        """A new conversation."""
        answer = await self.client.post("/api/conversations")
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    async def ask(self, conversation: int, script: Script) -> httpx.Response:
        """Sends a question and waits for the whole reply."""
        return await self.client.post(f"/api/chat/{conversation}/message", json=_body(script))

    async def regenerate(self, conversation: int) -> httpx.Response:
        """Asks for another reply and waits for the whole of it."""
        return await self.client.post(f"/api/chat/{conversation}/regenerate")

    async def stream(self, conversation: int, script: Script, enough: Enough | None = None) -> Seen:
        """Sends a question and reads the stream; leaves when it has read `enough`, or when it breaks."""
        url = f"/api/chat/{conversation}/message"
        return await self._read("POST", url, enough, json=_body(script), headers=STREAM)

    async def stream_as_sdk(self, conversation: int, script: Script) -> Seen:
        """The same, as `useChat` of the AI SDK sends it."""
        part = {"type": "text", "text": script.question}
        message = {"id": script.key, "role": "user", "parts": [part]}
        body = {"id": str(conversation), "trigger": "submit-message", "message": message}
        return await self._read("POST", "/api/chat", None, json=body)

    async def resume(self, conversation: int, enough: Enough | None = None) -> Seen:
        """Reads the stream of the reply that is being written; status 204 if there is none."""
        return await self._read("GET", f"/api/chat/{conversation}/stream", enough)

    async def begin(self, conversation: int, script: Script) -> "asyncio.Task[Seen]":
        """Sends a question: returns, while the stream is read on, when it was told of a reply, or refused."""
        return await _under_way(partial(self.stream, conversation, script), _acknowledged)

    async def follow(self, conversation: int, shown: Enough = _acknowledged) -> "asyncio.Task[Seen]":
        """Resumes: returns, while the stream is read on, when it was shown this, at first the reply's id."""
        return await _under_way(partial(self.resume, conversation), shown)

    async def append(self, conversation: int, content: str, client_id: str) -> httpx.Response:
        """Stores a message without a reply."""
        body = {"content": content, "client_id": client_id}
        return await self.client.post(f"/api/conversations/{conversation}/messages", json=body)

    async def stop(self, conversation: int) -> httpx.Response:
        """Stops the reply."""
        return await self.client.post(f"/api/chat/{conversation}/stop")

    async def erase(self) -> httpx.Response:
        """Erases the account."""
        subject = (await self.client.get("/api/auth/me")).json()["subject"]
        return await self.client.request("DELETE", "/api/auth/me", json={"confirmation": subject})

    async def messages(self, conversation: int) -> list[dict[str, Any]]:
        """All messages of a conversation, page by page."""
        found: list[dict[str, Any]] = []
        parameters: dict[str, Any] = {"limit": 200}
        while True:
            answer = await self.client.get(f"/api/conversations/{conversation}/messages", params=parameters)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return found
            parameters["cursor"] = answer.json()["next_cursor"]

    async def reply(self, conversation: int) -> dict[str, Any]:
        """The last message as it stands."""
        return (await self.messages(conversation))[-1]

    async def gauge(self, name: str) -> float:
        """A figure of the process, such as `database_connections{state="open"}`."""
        lines = (await self.client.get("/metrics")).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name))

    async def _read(self, method: str, url: str, enough: Enough | None, **options: Any) -> Seen:
        seen = Seen(0)
        try:
            async with self.client.stream(method, url, **options) as answer:
                seen.status, seen.headers = answer.status_code, answer.headers
                if answer.status_code >= 400:
                    seen.problem = json.loads(await answer.aread())
                    return seen
                async for line in _lines(answer):
                    seen.take(line)
                    if enough is not None and enough(seen):
                        break
        except httpx.TransportError as fault:
            seen.fault = fault  # what it was shown until here is what counts
        return seen


async def _begins(answer: httpx.Response) -> None:
    answer.request.extensions["begun"] = True


def begun(fault: httpx.TransportError) -> bool:
    """Whether the line broke when an answer had begun."""
    return "begun" in fault.request.extensions


async def _lines(answer: httpx.Response) -> AsyncIterator[str]:
    """Only whole lines: what breaks in the middle of one was not shown."""
    rest = b""
    async for data in answer.aiter_raw():
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield line.decode()


def _body(script: Script) -> dict[str, str]:
    return {"message": script.question, "client_id": script.key}
