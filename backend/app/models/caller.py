"""Who asks, as a verified token says it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and which generation of its tokens was shown: the database knows whether that has ended."""

    user_id: int
    generation: int
