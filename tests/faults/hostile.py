"""Texts that something or other gets wrong, in every field: read back to the last byte, or refused."""

import json
import random
from collections.abc import Iterator

from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from faults.shares import shared
from input import texts
from input.answers import watched
from input.echo import Echo
from input.fields import FIELDS, TextField
from input.reading import through_conversations, through_messages, through_todos, through_turns
from support import User, served, settings

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
    done = shared(_sent, ground, times)
    same, refused = (sum(counts) for counts in zip(*done, strict=True))
    return Outcome(
        same + refused,
        refused,
        f"{len(KINDS)} kinds of text in {len(FIELDS)} fields: {same} readings, 0 differ; "
        f"{refused} refused by name, 0 x 5xx",
    )


def _sent(ground: Ground, number: int, times: int) -> tuple[int, int]:
    """How many readings were the same, and how many texts were refused."""
    chance, same, refused = random.Random(number), 0, 0
    with (
        ground.database() as database,
        served(create_app(settings(database), Echo()), database) as service,
    ):
        while same + refused < times:
            user = watched(service).user(f"{number}-{same}@example.com")
            mixed = _mixed(chance)
            same += through_messages(user, mixed) + through_turns(user, mixed)
            same += through_conversations(user, mixed) + through_todos(user, mixed)
            refused += sum(_refused(user, field) for field in FIELDS)
    return same, refused


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
    literals = list(_literals(field))
    for literal in literals:
        answer = field.send(user, literal)
        assert answer.status_code in (400, 422), f"{field} takes {literal[:40]!r}: {answer.text[:200]}"
    return len(literals)


def _literals(field: TextField) -> Iterator[str | bytes]:
    """What cannot be a value of the field, as JSON has it, or does not."""
    yield from (json.dumps(field.text(text)) for text in texts.NULS)
    yield from (f'"{field.text(half)}"' for half in texts.HALVES)
    yield from (f'"{field.start}'.encode() + wrong + b'"' for wrong in texts.NO_UTF8.values())
    yield from () if field.may_be_blank else map(json.dumps, texts.BLANK)
    yield from texts.NO_TEXTS
    yield json.dumps(field.longest.replace("x", "xx", 1))
