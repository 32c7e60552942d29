"""What an assistant is shown of a long conversation."""

from collections.abc import Sequence

from ..assistants.base import Utterance


def window(history: Sequence[Utterance], characters: int) -> list[Utterance]:
    """The newest messages that have at most so many characters together, always whole turns.

    A turn is a user's message with what was answered; one that does not fit leaves out all before it.
    """
    start = len(history)
    for place in range(len(history) - 1, -1, -1):
        characters -= len(history[place].content)
        if characters < 0:
            break
        if history[place].role == "user":
            start = place
    return list(history[start:])
