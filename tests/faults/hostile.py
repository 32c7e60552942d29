"""Texts that something or other gets wrong, in every field: read back to the last byte, or refused."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from unittest.mock import patch

import httpx

from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from faults.machine import CHEAP
from faults.shares import shared
from input import texts
from input.answers import watched
from input.echo import Echo
from input.fields import CHOICES, FIELDS, FORMS_AND_QUERIES, KEYS, PARTS, TextField
from input.reading import through_conversations, through_messages, through_todos, through_turns
from input.ways import through_accounts, through_keys, through_searches, through_the_ai_sdk
from support import User, served, settings

EVERYWHERE = [*FIELDS, *PARTS, *FORMS_AND_QUERIES, *KEYS, *CHOICES]

WAYS: dict[Callable[[User, Sequence[str]], int], int] = {
    through_messages: 1,
    through_turns: 1,
    through_conversations: 6,
    through_todos: 4,
    through_the_ai_sdk: 8,
    through_keys: 7,
    through_searches: 2,
    through_accounts: 10,
}
"""Into how many fields each of them puts a text."""

UNLIMITED = {"wrong_passwords": 0, "sign_ins_per_minute": 0, "registrations_per_hour": 0}
"""Who sends thousands of wrong ones would have to wait."""

KINDS = [
    *texts.CURIOUS,
    *texts.NULS,
    *texts.HALVES,
    *texts.NO_UTF8,
    *texts.BLANK,
    *texts.NO_TEXTS,
    "too long",
]


def hostile_texts(ground: Ground, times: int) -> Outcome:
    """What can be stored is stored and read in every way there is; what cannot is refused in every field."""
    done = sum(shared(_sent, ground, times), Counter[str]())
    return Outcome(
        done["stored"] + done["refused"],
        done["refused"],
        f"{len(KINDS)} kinds of text in {len(EVERYWHERE)} fields of bodies, forms, queries and headers: "
        f"{done['stored']} stored or used, {done['readings']} readings, 0 differ; "
        f"{done['refused']} refused by name, 0 x 5xx",
    )


def _sent(ground: Ground, number: int, times: int) -> Counter[str]:
    """How many texts were stored or used, how many were refused, and how many readings were the same."""
    chance, done, rounds = random.Random(number), Counter[str](), 0
    with (
        patch("app.passwords._HASHES", CHEAP),
        ground.database() as database,
        served(create_app(settings(database, **UNLIMITED), Echo()), database) as service,
    ):
        while done["stored"] + done["refused"] < times:
            user, rounds = watched(service).user(f"{number}-{rounds}@example.com"), rounds + 1
            mixed = _mixed(chance)
            for way, fields in WAYS.items():
                done.update(readings=way(user, mixed), stored=fields * len(mixed))
            done["refused"] += sum(_refused(user, field) for field in EVERYWHERE)
    return done


def _mixed(chance: random.Random) -> list[str]:
    """Each curious text with another one in the middle."""
    curious = list(texts.CURIOUS.values())
    places = [chance.randrange(len(text)) for text in curious]
    return [
        text[:place] + chance.choice(curious) + text[place:]
        for text, place in zip(curious, places, strict=True)
    ]


def _refused(user: User, field: TextField) -> int:
    """How many were refused in a field, which are all of them."""
    answers = list(_answers(user, field))
    for answer in answers:
        assert answer.status_code in (400, 422), (
            f"{field}: {answer.request.content[:200]!r} {answer.text[:200]}"
        )
    return len(answers)


def _answers(user: User, field: TextField) -> Iterator[httpx.Response]:
    """To what cannot be a value of the field."""
    yield field.send_text(user, field.too_long)
    if field.source == "body":
        yield from (field.send(user, literal) for literal in _literals(field))
    elif field.source != "header":  # it cannot have the others in it
        wrong = [*map(field.text, texts.NULS), *([] if field.may_be_blank else texts.BLANK)]
        yield from (field.send_text(user, text) for text in wrong)
    if field in CHOICES:
        yield from (field.send_text(user, text) for text in texts.CURIOUS.values())


def _literals(field: TextField) -> Iterator[str | bytes]:
    """Those of a field of JSON, as JSON has it, or does not."""
    yield from (json.dumps(field.text(text)) for text in texts.NULS)
    yield from (f'"{field.text(half)}"' for half in texts.HALVES)
    yield from (f'"{field.start}'.encode() + wrong + b'"' for wrong in texts.NO_UTF8.values())
    yield from () if field.may_be_blank else map(json.dumps, texts.BLANK)
    yield from texts.NO_TEXTS
