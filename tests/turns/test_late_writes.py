"""Writes that reach the database when their sender has given them up, and done something else since."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from app.assistants.base import Prompt
from app.models.events import TextDelta
from proxy import Proxy, proxied
from support import Postgres, Service, until
from turns.reading import streaming, text

Serve = Callable[..., AbstractContextManager[Service]]

HURRIED = {"database_timeout": 3}
"""What the database does not answer is given up after 3.5 seconds."""

BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE client_port = %s"


class Talker:
    """Says what it is told to, when it is, in one reply after the other."""

    name = "talker"

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._words: asyncio.Queue[str] = asyncio.Queue()

    async def reply(self, _: Prompt) -> AsyncIterator[TextDelta]:
        self._loop = asyncio.get_running_loop()
        while words := await self._words.get():
            yield TextDelta(words)

    def say(self, words: str) -> None:
        """May be called from any thread; nothing ends the reply."""
        until(lambda: self._loop is not None)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._words.put_nowait, words)


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[Proxy]:
    with proxied(postgres) as proxy:
        yield proxy


def arrive(proxy: Proxy, postgres: Postgres) -> None:
    """Lets the database have what was kept back, and returns when it is done with it."""
    port = proxy.held()
    proxy.release()
    until(lambda: postgres.value(BACKENDS, port) == 0)  # its sender has left long ago


def test_a_late_flush_takes_nothing_away_from_a_reply(
    serve_with: Serve, proxy: Proxy, postgres: Postgres
) -> None:
    def stored() -> str:
        return str(postgres.value("SELECT content FROM message WHERE role = 'assistant'"))

    talker = Talker()
    with serve_with(talker, database_url=proxy.text, **HURRIED) as service, ThreadPoolExecutor(1) as executor:
        user = service.user("a@example.com")
        session = user.conversation()
        asked = executor.submit(user.post, f"/api/chat/{session}/message", {"message": "Go"})
        talker.say("Zero, ")
        until(lambda: stored() == "Zero, ")
        proxy.hold(b"one, ")
        talker.say("one, ")
        proxy.held()
        talker.say("two, ")
        until(lambda: stored() == "Zero, one, two, ")
        arrive(proxy, postgres)
        assert stored() == "Zero, one, two, "
        talker.say("three.")
        talker.say("")
        answer = asked.result().json()
        assert (answer["reply"]["status"], answer["reply"]["content"]) == (
            "complete",
            "Zero, one, two, three.",
        )
        assert user.messages(session)[1]["content"] == "Zero, one, two, three."


def test_a_late_edit_puts_nothing_away(serve_with: Serve, proxy: Proxy, postgres: Postgres) -> None:
    with serve_with(database_url=proxy.text, **HURRIED) as service:
        user = service.user("a@example.com")

        def ask(identity: str, words: str, **edited: str) -> int:
            message = {"id": identity, "role": "user", "parts": [{"type": "text", "text": words}]}
            return user.post("/api/chat", {"id": "chat", "message": message, **edited}).status_code

        assert ask("a", "first") == 200
        proxy.hold(b"otherwise")
        assert ask("b", "otherwise", messageId="a") == 503
        assert ask("c", "second") == 200
        [conversation] = user.get("/api/conversations").json()["items"]
        before = user.messages(conversation["id"])
        arrive(proxy, postgres)
        assert user.messages(conversation["id"]) == before
        assert [message["content"] for message in before[::2]] == ["first", "second"]


def test_a_late_deletion_does_not_come_after_its_undoing(
    serve_with: Serve, proxy: Proxy, postgres: Postgres
) -> None:
    with serve_with(database_url=proxy.text, **HURRIED) as service:
        user = service.user("a@example.com")
        path = f"/api/conversations/{user.conversation()}"
        proxy.hold(b"deleted_at=now()")
        assert user.delete(path).status_code == 503
        assert user.delete(path).status_code == 204
        assert user.post(f"{path}/restore").status_code == 200
        arrive(proxy, postgres)
        assert user.get(path).status_code == 200


def test_a_late_stop_stops_no_other_reply(serve_with: Serve, proxy: Proxy, postgres: Postgres) -> None:
    talker = Talker()
    with serve_with(talker, database_url=proxy.text, **HURRIED) as service:
        user = service.user("a@example.com")
        session = user.conversation()
        with streaming(user, f"/api/chat/{session}/message", {"message": "one"}) as events:
            talker.say("Soon ")
            while next(events)["type"] != "text-delta":
                pass
            proxy.hold(b"stop_requested=true")
            assert user.post(f"/api/chat/{session}/stop").status_code == 503
            assert user.post(f"/api/chat/{session}/stop").json()["reply"]["status"] == "stopped"
            assert text(list(events)) == ""
        with streaming(user, f"/api/chat/{session}/message", {"message": "two"}) as events:
            talker.say("The ")
            while next(events)["type"] != "text-delta":
                pass
            arrive(proxy, postgres)
            assert postgres.value("SELECT stop_requested FROM message WHERE status = 'streaming'") is False
            talker.say("end.")
            talker.say("")
            assert text(list(events)) == "end."
        assert [message["status"] for message in user.messages(session)[1::2]] == ["stopped", "complete"]
