"""The caller of a request, as a verified token identifies it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """An account and the generation of its token. The database knows whether that generation was revoked."""

    user_id: int
    generation: int
