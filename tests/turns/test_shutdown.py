"""A server that is told to stop, as its clients see it, whatever is under way."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing

import psycopg2
import pytest

from app.db import url as urls
from assistants_for_tests import Echo, Scripted
from database_for_tests import waiting_for_locks
from proxy import proxied
from support import Postgres, Service, User
from turns.reading import streaming

Serve = Callable[..., AbstractContextManager[Service]]


class Stopping:
    """A server, and a thread that stops it."""

    def __init__(self, serving: AbstractContextManager[Service], stack: ExitStack) -> None:
        self._executor = stack.enter_context(ThreadPoolExecutor(1))
        self._server = stack.enter_context(ExitStack())
        self.service = self._server.enter_context(serving)

    def stop(self, visitor: User) -> "Future[None]":
        """Tells it to stop, and returns when it starts no more turns."""
        conversation = visitor.conversation()
        stopped = self._executor.submit(self._server.close)
        while True:
            refused = visitor.post(f"/api/chat/{conversation}/message", {"message": "Late"})
            if refused.status_code != 200:
                assert (refused.status_code, refused.json()["code"]) == (503, "shutting_down")
                return stopped
            time.sleep(0.005)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_turn_that_is_being_opened_is_waited_for(
    serve_with: Serve, postgres: Postgres, stack: ExitStack
) -> None:
    stopping = Stopping(serve_with(Echo(), shutdown_grace=60), stack)
    user = stopping.service.user("a@example.com")
    visitor = stopping.service.user("b@example.com")
    conversation = user.conversation()
    requests = stack.enter_context(ThreadPoolExecutor(1))
    with closing(psycopg2.connect(**urls.arguments(postgres.url))) as holder:
        holder.cursor().execute("SELECT FROM conversation WHERE id = %s FOR UPDATE", [conversation])
        asked = requests.submit(user.post, f"/api/chat/{conversation}/message", {"message": "Early"})
        while waiting_for_locks(postgres) == 0:
            time.sleep(0.005)
        stopped = stopping.stop(visitor)
        assert stopping.service.client().get("/healthz").status_code == 200  # it has not left yet
    turn = asked.result().json()
    stopped.result()
    assert (turn["reply"]["status"], turn["reply"]["content"][-5:]) == ("complete", "Early")


@pytest.mark.parametrize("how", ["stream", "json"])
def test_who_follows_another_process_is_told_to_come_back(
    serve_with: Serve, postgres: Postgres, stack: ExitStack, how: str
) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    writing = stack.enter_context(serve_with(assistant))
    proxy = stack.enter_context(proxied(postgres))
    other = stack.enter_context(ExitStack())
    user = writing.user("a@example.com")
    there = other.enter_context(serve_with(database_url=proxy.text)).user_of(user.id)
    path, body = f"/api/chat/{user.conversation()}/message", {"message": "Go", "client_id": "q-1"}
    requests = stack.enter_context(ThreadPoolExecutor(1))
    with streaming(user, path, body) as events:
        next(events)

        def retry() -> object:
            if how == "json":
                refused = there.post(path, body)
                return refused.status_code, refused.json()["code"]
            with streaming(there, path, body) as followed:
                return list(followed)[-1]

        told = requests.submit(retry)
        while b"substr(message.content" not in proxy.said:  # it follows
            time.sleep(0.005)
        other.close()
        assistant.go()
        list(events)
    assert (
        told.result()
        == {
            "json": (503, "shutting_down"),
            "stream": {"type": "error", "errorText": "shutting_down"},
        }[how]
    )
