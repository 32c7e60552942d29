"""The model fails in every way that a server can: the question is kept, and its reply says what happened."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from app.main import create_app
from assistants.test_model import BROKEN
from assistants.test_wire import DIALECTS
from faults.board import Outcome
from faults.ground import Ground
from model_server import CUT, Answer, Gate, ModelServer, byte_by_byte, chunk, refuses, says, serving, texts
from support import Postgres, Service, served, settings
from turns.reading import streamed, text

AT_ONCE = 8
MODELS = 4
"""Models that fail at once: each is asked for one reply at a time, and knows which answer is next."""

SILENCE = 6
"""Seconds without a word after which a model has failed, here."""

LONGEST = 2_000
"""Characters of a reply, here."""


@dataclass(frozen=True)
class Kind:
    """What a model answers, the last answer again and again, and what is to be in the history."""

    answers: tuple[Answer, ...]
    status: str
    content: str | None
    """None: the longest reply."""


def _failed(*answers: Answer, content: str = "") -> Kind:
    return Kind(answers, "failed", content)


def _complete(*answers: Answer, content: str | None = "Hello") -> Kind:
    return Kind(answers, "complete", content)


HELLO = says("Hel", "lo")
KINDS = {
    **{
        name: _failed(Answer([*texts("Hel", "lo"), *steps]), content="Hello")
        for name, steps in BROKEN.items()
    },
    "silent from the beginning": _failed(Answer([Gate()])),
    "silent in the middle": _failed(Answer([*texts("Hel", "lo"), Gate()]), content="Hello"),
    "429": _failed(refuses(429, retry_after="3600")),
    "429 that passes": _complete(refuses(429, retry_after="0"), HELLO),
    "500": _failed(refuses(500, retry_after="0")),
    "500 that passes": _complete(refuses(500, retry_after="0"), HELLO),
    "401": _failed(refuses(401)),
    "cut before the first byte": _failed(Answer([CUT])),
    "cut before the first byte, once": _complete(Answer([CUT]), HELLO),
    "empty": _failed(Answer([])),
    "wrong types": _complete(Answer([DIALECTS["wrong types"]])),
    "every byte by itself": _complete(
        byte_by_byte(says("naïve ", "日本語 ", "👩‍👩‍👧")), content="naïve 日本語 👩‍👩‍👧"
    ),
    "NUL": _complete(says("Hel\0", "lo")),
    "half a character": _complete(Answer([chunk({"content": "a\ud83d"}), *says("b").steps]), content="a�b"),
    "endless": _complete(Answer(repeat(texts("again and again ")[1])), content=None),
}

DEAD = (refuses(500, retry_after="0"), refuses(401), Answer([CUT]), Answer([]))
"""Before the first byte of any text."""


@contextmanager
def _talking(database: Postgres) -> Iterator[tuple[Service, ModelServer]]:
    with (
        serving(HELLO) as model,
        served(
            create_app(
                settings(
                    database,
                    chat_model="openai:m",
                    openai_base_url=model.url,
                    model_first_token_seconds=SILENCE,
                    max_reply_characters=LONGEST,
                )
            ),
            database,
        ) as service,
    ):
        yield service, model


def faults_of_the_model(ground: Ground, times: int) -> Outcome:
    """Each kind so many times: read as a stream, then in the history; the next turn is a turn as ever."""
    shares = [len(range(model, times, MODELS)) for model in range(min(times, MODELS))]
    with ground.database() as database, ThreadPoolExecutor(MODELS) as pool:
        failed = sum(pool.map(partial(_failures, database), shares))
    return Outcome(
        len(KINDS) * times,
        failed,
        f"{len(KINDS)} kinds, {failed} replies failed with the text that was shown, all others complete; "
        f"the next turn works after each",
    )


def _failures(database: Postgres, times: int) -> int:
    """How many replies failed, which are all that had to."""
    failed = 0
    with _talking(database) as (service, model):
        user = service.user(f"{uuid.uuid4().hex}@example.com")
        for name, kind in KINDS.items():
            conversation = user.conversation()
            for number in range(times):
                model.answers = list(kind.answers)
                question = f"{name} {number}"
                events = streamed(user, f"/api/chat/{conversation}/message", {"message": question})
                asked, reply = user.messages(conversation)[-2:]
                assert (asked["content"], reply["status"]) == (question, kind.status), f"{name}: {reply}"
                assert text(events) == reply["content"], name
                if kind.content is None:
                    assert (len(reply["content"]), reply["finish_reason"]) == (LONGEST, "length"), name
                else:
                    assert reply["content"] == kind.content, name
                fails = kind.status == "failed"
                assert events[-1]["type"] == ("error" if fails else "finish"), name
                failed += fails
            model.answers = [HELLO]
            again = user.post(f"/api/chat/{conversation}/message", {"message": "And now?"})
            assert (again.status_code, again.json()["reply"]["content"]) == (200, "Hello"), name
    return failed


def dead_models(ground: Ground, times: int) -> Outcome:
    """The model dies before its first byte: what the user wrote is there all the same."""
    with (
        ground.database() as database,
        _talking(database) as (service, model),
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        users = [service.user(f"{number}@example.com") for number in range(AT_ONCE)]

        def ask(number: int) -> tuple[int, int, str]:
            user, question = users[number % AT_ONCE], f"question {number}"
            conversation = user.conversation()
            path = f"/api/chat/{conversation}/message"
            if number // AT_ONCE % 2:
                streamed(user, path, {"message": question})
            else:
                assert user.post(path, {"message": question}).status_code == 200
            return number, conversation, question

        asked = []
        for place, answer in enumerate(DEAD):
            model.answers = [answer]
            asked += list(pool.map(ask, range(place, times, len(DEAD))))
        for number, conversation, question in asked:
            [said, reply] = users[number % AT_ONCE].messages(conversation)
            assert (said["role"], said["content"]) == ("user", question)
            assert (reply["status"], reply["content"]) == ("failed", "")
    return Outcome(times, len(asked), f"{times} turns failed before their first byte, 0 messages missing")
