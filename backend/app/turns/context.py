"""Selects the part of a long conversation that an assistant sees."""

import json
from collections.abc import Sequence

from pydantic_core import from_json

from ..assistants.base import Utterance
from ..models.ui import ui_parts


def utterances(messages: bytes) -> list[Utterance]:
    """Parses the database's JSON of messages; for long ones, `from_json` takes half the time of `json`.

    Parts are a JSON string within it, and may nest deeper than `from_json` allows.
    """
    return [
        Utterance(said["role"], said["content"], said["parts"] and json.loads(said["parts"]))
        for said in from_json(messages)
    ]


def window(history: Sequence[Utterance], characters: int) -> list[Utterance]:
    """Returns the newest whole turns that have at most `characters` characters together.

    A turn is a user's message with its replies. The first turn that does not fit is left out with all before
    it. Tools count as JSON, with their inputs and outputs.
    """
    start = len(history)
    for place in range(len(history) - 1, -1, -1):
        characters -= _size(history[place])
        if characters < 0:
            break
        if history[place].role == "user":
            start = place
    return list(history[start:])


def _size(said: Utterance) -> int:
    return len(json.dumps(ui_parts(said.content, said.parts)) if said.parts else said.content)
