"""Requests are given up at any moment: nobody ever gets an answer that was meant for another."""

import asyncio
import random
import time
from collections import deque

import httpx
import uvloop

from app import tokens
from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from faults.lab import PATIENCE
from support import SECRET, settings

USERS = 8
AT_ONCE = 4
USUAL_SECONDS = 0.005
"""What a request is taken to need, until some have shown it."""

PATIENT = 16
"""One request in so many is waited for: it shows how long requests take now, with all that is given up."""

MOST = 20
"""Requests at the most for each that is to be given up. If more are needed, too few are given up."""


class _Reader:
    """A user whose every row carries a mark of theirs."""

    def __init__(self, number: int, client: httpx.AsyncClient, user_id: int) -> None:
        self.mark = f"mark-{number}-{'abcdefgh'[number]}"
        self._client = client
        self._headers = {"Authorization": f"Bearer {tokens.issue(user_id, SECRET, 36_000, time.time())}"}
        self.conversation = 0

    async def settle(self) -> None:
        made = await self._ask("POST", "/api/conversations", json={"title": self.mark})
        self.conversation = made.json()["id"]
        for _ in range(3):
            path = f"/api/conversations/{self.conversation}/messages"
            await self._ask("POST", path, json={"content": self.mark})

    async def read(self, kind: int) -> tuple[int, str]:
        path = (
            "/api/conversations",
            f"/api/conversations/{self.conversation}/messages",
            f"/api/chat/{self.conversation}/history",
            f"/api/conversations/{self.conversation}",
        )[kind % 4]
        answer = await self._ask("GET", path)
        return answer.status_code, answer.text

    async def _ask(self, method: str, path: str, json: object = None) -> httpx.Response:
        return await self._client.request(method, path, headers=self._headers, json=json)


def cancellations(ground: Ground, times: int) -> Outcome:
    """In one process over two connections, which is where answers could be mixed up."""
    with ground.database() as database:
        sql = "INSERT INTO \"user\" (email, password_hash) VALUES (%s, 'none') RETURNING id"
        users = [int(database.value(sql, f"{number}@example.com")) for number in range(USERS)]
        # On a busy machine nobody is to give up but those who are told to.
        patience = {"database_pool_timeout": PATIENCE, "database_timeout": PATIENCE}
        app = create_app(settings(database, database_pool_size=2, **patience))
        return uvloop.run(_cancel(app, users, times))


async def _cancel(app: object, users: list[int], times: int) -> Outcome:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # any ASGI application is one
    async with (
        app.router.lifespan_context(app),  # type: ignore[attr-defined]  # FastAPI's
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        readers = [_Reader(number, client, user) for number, user in enumerate(users)]
        for reader in readers:
            await reader.settle()
        impatience = _Impatience(readers, times)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(impatience.run())
    given_up, seen = impatience.given_up, impatience.seen
    assert impatience.foreign == 0
    assert given_up >= times, f"only {given_up} of {given_up + seen} were given up"
    assert seen > given_up / PATIENT, f"only {seen} of {given_up + seen} were answered"
    return Outcome(given_up + seen, given_up, f"{given_up} given up, {seen} answers read, 0 of another user")


class _Impatience:
    """Asks until so many requests are given up, each at a random moment of the time that one takes."""

    def __init__(self, readers: list[_Reader], times: int) -> None:
        self._readers = readers
        self._times = times
        self._numbers = iter(range(MOST * times))
        self._chance = random.Random(1)
        self._took = deque([USUAL_SECONDS], maxlen=50)
        self.given_up = 0
        self.seen = 0
        self.foreign = 0

    async def run(self) -> None:
        """Asks one after the other."""
        for number in self._numbers:
            if self.given_up >= self._times:
                return
            if self._chance.randrange(PATIENT) == 0:
                began = time.monotonic()
                await self._ask(number, 2 * PATIENCE)
                self._took.append(time.monotonic() - began)
            else:
                await self._ask(number, self._chance.uniform(0, self._chance.choice(self._took)))

    async def _ask(self, number: int, patience: float) -> None:
        reader = self._readers[number % USERS]
        reading = asyncio.create_task(reader.read(number // USERS))
        done, _ = await asyncio.wait([reading], timeout=patience)
        if not done:
            reading.cancel()
            await asyncio.wait([reading])
        if reading.cancelled():
            self.given_up += 1
            return
        status, text = reading.result()
        assert status == 200, text
        assert reader.mark in text
        self.seen += 1
        self.foreign += any(other.mark in text for other in self._readers if other is not reader)
