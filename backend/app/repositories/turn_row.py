"""The row of the statements that open a turn: its columns in SQL, and the values that they return."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, null


class TurnRow(NamedTuple):
    """An opened turn, the one that the same request opened before, or the reason why there is neither.

    A field is None if the statement does not select it. Messages are JSON.
    """

    question: bytes | None
    reply: bytes | None
    """None if no turn was opened."""
    reply_id: int | None
    context: bytes | None
    """The messages before the reply."""
    replaced: bytes | None
    """The replies to the question that the new one replaces."""
    running: int | None
    """The id of a reply that is being written, which keeps another turn from being opened."""
    editable: bool | None
    """Whether the message that the request names exists, or did before it was replaced."""
    earlier_question: bytes | None
    """The question that the same request, or another one with its `client_id`, stored before."""
    earlier_reply: bytes | None
    earlier_reply_id: int | None
    earlier_streaming: bool | None
    """Whether that reply is still being written."""
    earlier_hash: bytes | None
    """The `request_hash` of that question."""

    def repeats(self, request_hash: bytes | None) -> bool:
        """Whether the earlier question was stored by a request with this hash."""
        return self.earlier_hash is not None and bytes(self.earlier_hash) == request_hash


def turn_columns(**given: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Returns the columns of a TurnRow in order, null where none is given."""
    assert given.keys() <= set(TurnRow._fields), "a TurnRow has no such column"
    return [given.get(name, null()) for name in TurnRow._fields]
