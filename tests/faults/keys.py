"""Requests that come again: the same once more after its answer, or another one with a key that was used."""

import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from app.main import create_app
from assistants_for_tests import Echo
from faults.board import Outcome
from faults.ground import Ground
from support import Service, User, served, settings
from turns.reading import streamed, text

Json = dict[str, Any]
Answer = tuple[int, Json]
"""Its status, and what it says."""

MOST_RETRIES = 5


@dataclass(frozen=True)
class Kind:
    """A kind of request that knows a key, and what one of them makes."""

    path: str
    field: str = ""
    """Of the body, which has the words; a request without words has its key in the header."""
    conversations: int = 0
    messages: int = 0
    calls: int = 0
    """How often the assistant is asked."""

    @property
    def is_of_a_talk(self) -> bool:
        """Whether its key counts in one conversation only."""
        return "{talk}" in self.path

    def send(self, user: User, talk: int, words: str, key: str, *, in_header: bool) -> Answer:
        """The answer to it. Its key may be in either place."""
        path, body = self.path.format(talk=talk), {self.field: words} if self.field else {}
        if in_header or not self.field:
            answer = user.client.post(path, json=body or None, headers={"Idempotency-Key": key})
        else:
            answer = user.post(path, {**body, "client_id": key})
        return answer.status_code, answer.json()

    def replay(self, user: User, talk: int, words: str, key: str) -> Answer:
        """The stream of its reply: the id of the reply and its text."""
        body, headers = {self.field: words} if self.field else None, {"Idempotency-Key": key}
        events = streamed(user, self.path.format(talk=talk), body, headers=headers)
        return int(events[0]["messageId"]), {"content": text(events)}


@dataclass(frozen=True)
class OfTheSDK(Kind):
    """A request of `useChat`: the id of its message is its key, and its answer a stream."""

    chat: str = "{talk}"

    @property
    def is_of_a_talk(self) -> bool:
        return "{talk}" in self.chat

    def send(self, user: User, talk: int, words: str, key: str, *, in_header: bool) -> Answer:  # noqa: ARG002
        message = {"id": key, "role": "user", "parts": [{"type": "text", "text": words}]}
        chat = {"id": self.chat.format(talk=talk, key=key), "trigger": "submit-message", "message": message}
        answer = user.post(self.path, chat)
        if answer.status_code != 200:
            return answer.status_code, answer.json()
        lines = answer.text.splitlines()
        assert "data: [DONE]" in lines, "the stream was cut"
        events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
        others = [event for event in events if event["type"] != "text-delta"]
        return 200, {"text": text(events), "events": others}


KINDS = (
    Kind("/api/chat/{talk}/message", "message", messages=2, calls=1),
    Kind("/api/chat/{talk}/regenerate", messages=1, calls=1),
    Kind("/api/conversations/{talk}/messages", "content", messages=1),
    Kind("/api/conversations", "title", conversations=1),
    Kind("/api/chat/start", "title", conversations=1),
    OfTheSDK("/api/chat", "message", messages=2, calls=1),
    OfTheSDK("/api/chat", "message", conversations=1, messages=2, calls=1, chat="chat-{key}"),
)
TALK = 7 * len(KINDS)
"""Requests in one conversation, the first of which asks something."""


def _rows(service: Service) -> list[tuple[Any, ...]]:
    counts = "SELECT (SELECT count(*) FROM conversation), (SELECT count(*) FROM message)"
    return service.postgres.rows(counts)


def retries(ground: Ground, times: int) -> Outcome:
    """Every request is answered, and sent again one to five times: nothing more is stored or asked."""
    chance, repeated, made, echo = random.Random(1), 0, Counter[str](), Echo()
    with ground.database() as database, served(create_app(settings(database), echo), database) as service:
        for number in range(times):
            if number % TALK == 0:
                user = service.user(f"user-{number}@example.com")  # thousands of turns are too many for one
                talk = user.conversation()
                made["conversations"] += 1
            kind, words, key = KINDS[number % len(KINDS)], f"words {number}", f"key-{number}"
            first = kind.send(user, talk, words, key, in_header=bool(number % 3))
            assert first[0] in (200, 201), first
            for _ in range(chance.randint(1, MOST_RETRIES)):
                again = kind.send(user, talk, words, key, in_header=bool(chance.randrange(2)))
                assert again == first, f"{kind.path}: {again} is not {first}"
                repeated += 1
            if reply := first[1].get("reply"):
                assert kind.replay(user, talk, words, key) == (reply["id"], {"content": reply["content"]})
                repeated += 1
            for what in ("conversations", "messages", "calls"):
                made[what] += getattr(kind, what)
        assert _rows(service) == [(made["conversations"], made["messages"])]
        assert len(echo.prompts) == made["calls"]
    return Outcome(
        times + repeated,
        repeated,
        f"{times} requests of {len(KINDS)} kinds, {repeated} retries, 0 rows more, "
        f"{made['calls']} turns asked once",
    )


def misused_keys(ground: Ground, times: int) -> Outcome:
    """A key with other words is refused and stores nothing; elsewhere and for others it is another key."""
    refused, apart = 0, 0
    with ground.database() as database, served(create_app(settings(database)), database) as service:
        alice, bob = (service.user(f"{name}@example.com") for name in ("alice", "bob"))
        for number in range(times):
            here, there, his = alice.conversation(), alice.conversation(), bob.conversation()
            for place, kind in enumerate(KINDS):
                if not kind.field:
                    continue  # there are no other words
                key = f"key-{number}-{place}"
                status, first = kind.send(alice, here, "add milk", key, in_header=False)
                assert status in (200, 201), first
                before = _rows(service)
                status, problem = kind.send(alice, here, "add bread", key, in_header=bool(number % 2))
                assert (status, problem["code"]) == (422, "client_id_reused"), problem
                assert _rows(service) == before
                refused += 1
                for user, talk in [(bob, his), (alice, there)] if kind.is_of_a_talk else [(bob, his)]:
                    status, made = kind.send(user, talk, "add bread", key, in_header=False)
                    assert status in (200, 201), made
                    assert made != first
                    apart += 1
    return Outcome(
        refused + apart, refused, f"{refused} x 422 and nothing stored, {apart} of others and elsewhere apart"
    )
