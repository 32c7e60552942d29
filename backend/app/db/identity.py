"""Who asks, and how Postgres is told: in the same message as the statement, for its transaction only.

Before each statement Postgres becomes the application's role and learns whose rows it may touch. Row-level
security does the rest, behind any pooler, with a single connection string.
"""

from functools import cache
from typing import NamedTuple

from .statement import Statement, statement

ROLE = "chat_history_app"
"""Owns nothing and bypasses nothing. The first migration makes it."""

ENDED = "CH401"
"""What `require_account` raises."""

# Every statement finds few rows in the order of an index. The planner takes conversation and user for
# independent, expects one row, and would as soon read all of a conversation, or of the table, first.
# For the same reason a plan that is kept is the same for everybody.
# What must not be scanned, and is all the same, counts as so costly that Postgres up to 17 would compile the
# plan first: for seconds, and with a conversation locked.
_SETTINGS = {
    "role": ROLE,
    "TimeZone": "UTC",
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}


class Identity(NamedTuple):
    """In whose name a statement runs: at most one of a user, an e-mail address, an issuer's subject.

    With a `generation`, the user must still be there, and its tokens of that generation not have ended.
    """

    user_id: int | None = None
    generation: int | None = None
    email: str | None = None
    issuer: str | None = None
    subject: str | None = None


NOBODY = Identity()

# What is left until nobody waits for it any more. Less than nothing is no time-out, so a statement that
# arrives later is refused, and not done when its sender has long done something else. 0 would be no limit.
_REST = "((%(not_after)s - extract(epoch FROM clock_timestamp())) * 1000)::bigint | 1"

TOO_LATE = "22023"
"""What Postgres answers to a time-out below zero (invalid_parameter_value): the statement came too late."""


def introduction(identity: Identity, *, reads: bool, milliseconds: int) -> Statement:
    """What goes before a statement of `identity`, whose fields are its parameters.

    Each statement that reads may take so many milliseconds. One that writes is refused if the server's clock
    shows more than `not_after` when it arrives, a parameter too, in seconds since 1970; before, each
    statement behind this may take what is left until then.
    """
    given = tuple(name for name, value in zip(identity._fields, identity, strict=True) if value is not None)
    return _introduction(given, reads, milliseconds)


@cache
def _introduction(given: tuple[str, ...], reads: bool, milliseconds: int) -> Statement:
    told = {name: f"'{value}'" for name, value in _SETTINGS.items()}
    told["statement_timeout"] = f"'{milliseconds}'" if reads else f"({_REST})::text"
    if reads:  # what writes leaves it as the server has it: after a fail-over that is how it is known
        told["transaction_read_only"] = "'on'"
    said = [f"set_config('{name}', {value}, true)" for name, value in told.items()]
    said += [f"set_config('app.{name}', %({name})s::text, true)" for name in given if name != "generation"]
    # In the same message: who asks is looked up before the statement, and nothing is waited for.
    required = ["SELECT require_account(%(user_id)s, %(generation)s)"] if "generation" in given else []
    return statement([f"SELECT {', '.join(said)}", *required], reads=reads, often=True)
