"""Requests are given up at any moment: nobody ever gets an answer that was meant for another."""

import asyncio
import random
import time

import httpx

from app import tokens
from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from faults.lab import PATIENCE
from support import SECRET, settings

USERS = 8
AT_ONCE = 4
USUAL_SECONDS = 0.005
"""What a request is taken to need, until some have shown it: on any machine, some are given up in time."""


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
        return asyncio.run(_cancel(app, users, times))


async def _cancel(app: object, users: list[int], times: int) -> Outcome:
    chance, given_up, foreign, seen, usual = random.Random(1), 0, 0, 0, USUAL_SECONDS
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # any ASGI application is one
    async with (
        app.router.lifespan_context(app),  # type: ignore[attr-defined]  # FastAPI's
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        readers = [_Reader(number, client, user) for number, user in enumerate(users)]
        for reader in readers:
            await reader.settle()
        gate = asyncio.Semaphore(AT_ONCE)

        async def once(number: int) -> None:
            nonlocal given_up, foreign, seen, usual
            reader = readers[number % USERS]
            async with gate:
                began = time.monotonic()
                reading = asyncio.create_task(reader.read(number))
                patience = chance.choice((chance.uniform(0, 1.5 * usual), 2 * PATIENCE))
                done, _ = await asyncio.wait([reading], timeout=patience)
                if not done:
                    reading.cancel()
                    await asyncio.wait([reading])
                    given_up += reading.cancelled()
                    return
                usual += (time.monotonic() - began - usual) / USERS
                status, text = reading.result()
                assert status == 200, text
                assert reader.mark in text
                seen += 1
                foreign += any(other.mark in text for other in readers if other is not reader)

        async with asyncio.TaskGroup() as tasks:
            for number in range(times):
                tasks.create_task(once(number))
    assert foreign == 0
    return Outcome(times, given_up, f"{given_up} given up, {seen} answers read, 0 of another user")
