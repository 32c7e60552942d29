"""Requests that come again: the same once more after its answer, or another one with a key that was used."""

import random
from typing import Any

from app.main import create_app
from assistants_for_tests import Echo
from faults.board import Outcome
from faults.ground import Ground
from support import Service, User, served, settings
from turns.reading import streamed, text

Json = dict[str, Any]

MOST_RETRIES = 5
TALK = 50
"""Requests in one conversation."""


def _kinds(conversation: int, words: str) -> tuple[tuple[str, Json], ...]:
    """Each request that knows a key: where it goes, and its body without one."""
    return (
        (f"/api/chat/{conversation}/message", {"message": words}),
        (f"/api/conversations/{conversation}/messages", {"content": words}),
        ("/api/conversations", {"title": words}),
        ("/api/chat/start", {"title": words}),
    )


def _sent(user: User, path: str, body: Json, key: str, *, in_header: bool) -> tuple[int, Json]:
    """The answer to a request with a key, which may be in either place."""
    if in_header:
        answer = user.client.post(path, json=body, headers={"Idempotency-Key": key})
    else:
        answer = user.post(path, {**body, "client_id": key})
    return answer.status_code, answer.json()


def _rows(service: Service) -> list[tuple[Any, ...]]:
    counts = "SELECT (SELECT count(*) FROM conversation), (SELECT count(*) FROM message)"
    return service.postgres.rows(counts)


def retries(ground: Ground, times: int) -> Outcome:
    """Every request is answered, and sent again one to five times: nothing more is stored or asked."""
    chance, repeated, asked, conversations, messages = random.Random(1), 0, 0, 0, 0
    echo = Echo()
    with ground.database() as database, served(create_app(settings(database), echo), database) as service:
        user = service.user("alice@example.com")
        for number in range(times):
            if number % TALK == 0:
                talk, conversations = user.conversation(), conversations + 1
            kind, key = number % 4, f"key-{number}"
            path, body = _kinds(talk, f"words {number}")[kind]
            first = _sent(user, path, body, key, in_header=bool(number % 3))
            assert first[0] in (200, 201), first
            for _ in range(chance.randint(1, MOST_RETRIES)):
                again = _sent(user, path, body, key, in_header=bool(chance.randrange(2)))
                assert again == first, f"{path}: {again} is not {first}"
                repeated += 1
            if kind == 0:
                events = streamed(user, path, {**body, "client_id": key})
                assert text(events) == first[1]["reply"]["content"]
                repeated, asked = repeated + 1, asked + 1
            conversations += kind >= 2  # the last two make one
            messages += (2, 1, 0, 0)[kind]
        assert _rows(service) == [(conversations, messages)]
        assert len(echo.prompts) == asked
    return Outcome(
        times + repeated,
        repeated,
        f"{times} requests, {repeated} retries, 0 rows more, {asked} turns asked once",
    )


def misused_keys(ground: Ground, times: int) -> Outcome:
    """A key with other words is refused and stores nothing; elsewhere and for others it is another key."""
    refused, apart = 0, 0
    with ground.database() as database, served(create_app(settings(database)), database) as service:
        alice, bob = (service.user(f"{name}@example.com") for name in ("alice", "bob"))
        for number in range(times):
            key = f"key-{number}"
            here, there, his = alice.conversation(), alice.conversation(), bob.conversation()
            for kind in range(4):
                own = f"{key}-{kind}"
                path, body = _kinds(here, "add milk")[kind]
                status, first = _sent(alice, path, body, own, in_header=False)
                assert status in (200, 201), first
                before = _rows(service)
                _, other = _kinds(here, "add bread")[kind]
                status, problem = _sent(alice, path, other, own, in_header=bool(number % 2))
                assert (status, problem["code"]) == (422, "client_id_reused"), problem
                assert _rows(service) == before
                refused += 1
                elsewhere = [(bob, his), (alice, there)] if kind < 2 else [(bob, his)]
                for user, conversation in elsewhere:
                    path, body = _kinds(conversation, "add bread")[kind]
                    status, made = _sent(user, path, body, own, in_header=False)
                    assert status in (200, 201), made
                    assert made != first
                    apart += 1
    return Outcome(
        refused + apart, refused, f"{refused} x 422 and nothing stored, {apart} of others and elsewhere apart"
    )
