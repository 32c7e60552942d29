"""A client that sends what it has to say until it is answered: what anybody does whose line breaks."""

import asyncio
from dataclasses import astuple, dataclass, field
from random import Random
from typing import Any

import httpx

from faults.chat import Chat, Seen
from faults.script import Script

TRIES = 300
"""How often it sends the same before that counts as never answered. 60 were too few for a stream, once."""

SECONDS = 30
"""In which every try comes to something, also on a busy machine. A database that says nothing takes more."""


@dataclass
class Count:
    """What happened to it, so many times."""

    tried: int = 0
    refused: int = 0
    """503 was answered."""
    joined: int = 0
    """A stream that had broken was taken up while the reply was written."""

    def __add__(self, other: "Count") -> "Count":
        return Count(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Insistent:
    """Sends and reads through a chat whose line breaks. 503 is an answer only if it is not `steady`."""

    chat: Chat
    chance: Random
    steady: bool
    count: Count = field(default_factory=Count)

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> httpx.Response:
        """The answer. The key is the same each time, in the body or in the header."""
        for _ in range(TRIES):
            self.count.tried += 1
            in_body = body is not None and self.chance.random() < 0.5
            given = {**(body or {}), "client_id": key} if key and in_body else body
            headers = {"Idempotency-Key": key} if key and not in_body else {}
            try:
                async with asyncio.timeout(SECONDS):
                    answer = await self.chat.client.request(method, path, json=given, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code != 503:
                assert answer.is_success or method == "DELETE", f"{method} {path}: {answer.text}"
                return answer
            self._refused(answer.headers["retry-after"])
        raise AssertionError(f"{method} {path}: not answered {TRIES} times")

    async def read(self, conversation: int, script: Script) -> Seen:
        """The stream of a turn, asked for again or taken up, until it was read to its end."""
        shown, known = [""], False
        ask = self.chance.choice((self.chat.stream, self.chat.stream_as_sdk))
        for _ in range(TRIES):
            self.count.tried += 1
            joins = known and self.chance.random() < 0.5
            again = self.chat.resume(conversation) if joins else ask(conversation, script)
            async with asyncio.timeout(SECONDS):
                seen = await again
            known = known or seen.acknowledged
            self.count.joined += joins and seen.acknowledged
            shown.append(seen.text)
            if seen.status == 503:
                self._refused(seen.headers["retry-after"])
            elif seen.done:
                assert all(seen.text.startswith(text) for text in shown), "what was shown has changed"
                return seen
            else:
                assert seen.status in (0, 200, 204), seen.problem  # its line broke, or the reply has ended
        raise AssertionError(f"a stream was not read to its end {TRIES} times")

    def _refused(self, retry_after: str) -> None:
        assert not self.steady, "503, and the database was there"
        assert int(retry_after) > 0
        self.count.refused += 1
