"""What an assistant is shown of a long conversation."""

import json
from collections.abc import Sequence

from pydantic_core import from_json

from ..assistants.base import Utterance
from ..models.ui import ui_parts


def utterances(messages: bytes) -> list[Utterance]:
    """Messages as the database tells them, in JSON: in half the time that `json` takes for long ones.

    Parts are JSON within it, which may nest deeper than `from_json` goes.
    """
    return [
        Utterance(said["role"], said["content"], said["parts"] and json.loads(said["parts"]))
        for said in from_json(messages)
    ]


def window(history: Sequence[Utterance], characters: int) -> list[Utterance]:
    """The newest messages that have at most so many characters together, always whole turns.

    A turn is a user's message with what was answered; one that does not fit leaves out all before it. Tools
    count as JSON, with what they were given and what they answered.
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
