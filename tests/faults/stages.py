"""Services whose way to the database can be broken, one or some beside each other."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

import httpx

from app.main import create_app
from proxy import Proxy, proxied
from support import Postgres, Service, User, served, settings

Result = TypeVar("Result")

PATIENCE = 20
"""Seconds after which an answer has not come: three times what it may take, for a busy machine."""


@dataclass(frozen=True)
class Stage:
    """A service whose way to the database can be broken, and a user with a conversation."""

    service: Service
    proxy: Proxy
    user: User
    conversation: int

    def requests(self) -> list[httpx.Request]:
        """One of each kind: reads, writes, a turn."""
        path = f"/api/conversations/{self.conversation}"
        build = self.user.client.build_request
        return [
            build("GET", "/api/conversations"),
            build("GET", f"{path}/messages"),
            build("POST", f"{path}/messages", json={"content": "note"}),
            build("PATCH", path, json={"pinned": True}),
            build("POST", f"/api/chat/{self.conversation}/message", json={"message": "list"}),
            build("GET", "/api/auth/me"),
        ]

    def health(self) -> httpx.Request:
        """One that needs no database."""
        return self.user.client.build_request("GET", "/healthz")

    def timed(self, request: httpx.Request) -> tuple[httpx.Response, float]:
        """The answer, and after how many seconds it came."""
        began = time.monotonic()
        try:
            answer = self.user.client.send(request)
        except httpx.ReadTimeout as silence:
            raise AssertionError(f"no answer in {PATIENCE} s") from silence
        return answer, time.monotonic() - began

    def refused(self, request: httpx.Request) -> float:
        """Expects to be told to come later. Returns how many seconds that took."""
        answer, took = self.timed(request)
        expect_503(answer)
        return took


@contextmanager
def staged(postgres: Postgres, query: str = "", **changes: object) -> Iterator[Stage]:
    """A stage on this database, with settings that differ, and a query of the database's address."""
    with ExitStack() as stack:
        proxy = stack.enter_context(proxied(postgres))
        url = proxy.url.update_query_string(query) if query else proxy.url
        # The patience of the product, which is on trial here, and not that of the other tests.
        patience = {"database_timeout": 5, "database_pool_timeout": 5, **changes}
        given = settings(postgres, database_url=url.render_as_string(hide_password=False), **patience)
        service = stack.enter_context(served(create_app(given), postgres))
        user = service.user(f"user-{proxy.url.port}@example.com")
        user.client.timeout = httpx.Timeout(PATIENCE)
        yield Stage(service, proxy, user, user.conversation())


def on_stages(
    postgres: Postgres, stages: int, rounds: int, play: Callable[[Stage, int], Result], query: str = ""
) -> list[Result]:
    """Plays the rounds 0 to `rounds - 1`, one at a time on each of so many stages.

    Most of a round is waiting. After one has failed, no other begins.
    """
    free: SimpleQueue[Stage] = SimpleQueue()

    def on_a_free_one(number: int) -> Result:
        stage = free.get()
        try:
            return play(stage, number)
        finally:
            free.put(stage)

    with ExitStack() as stack:
        for _ in range(min(stages, rounds)):
            free.put(stack.enter_context(staged(postgres, query)))
        with ThreadPoolExecutor(stages) as pool:
            return list(pool.map(on_a_free_one, range(rounds)))


def expect_503(answer: httpx.Response) -> None:
    """Expects that it says when to come again."""
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert int(answer.headers["retry-after"]) > 0
