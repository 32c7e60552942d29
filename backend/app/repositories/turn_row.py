"""What the statements that open a turn return: they are written, and their rows are read, by its names."""

from typing import Any, NamedTuple

from sqlalchemy import null


class TurnRow(NamedTuple):
    """A turn that was opened, or the one that the same request opened before, or why there is neither.

    In a statement each is a column, in its row the value; what it is not about is null. Messages are JSON.
    """

    question: Any = null()
    reply: Any = null()
    """Null if no turn was opened."""
    reply_id: Any = null()
    context: Any = null()
    """The messages before the reply."""
    replaced: Any = null()
    """The replies to the question that the new one takes the place of."""
    running: Any = null()
    """The id of a reply that is being written, and lets no other turn be opened."""
    editable: Any = null()
    """Whether the message that is edited is or was there."""
    earlier_question: Any = null()
    """What the same request, or another one with its `client_id`, stored before."""
    earlier_reply: Any = null()
    earlier_reply_id: Any = null()
    earlier_streaming: Any = null()
    """Whether that reply is still being written."""
    earlier_hash: Any = null()
    """The `request_hash` of that question."""
