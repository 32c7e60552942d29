"""The identity of a statement, sent in the same message and valid for its transaction only.

Before each statement, Postgres switches to the application's role and learns whose rows it may touch.
Row-level security does the rest, behind any pooler, with a single connection string.
"""

from functools import cache
from typing import NamedTuple

from .statement import Statement, statement

ROLE = "chat_history_app"
"""The application's role. It owns and bypasses nothing. The first migration creates it."""

ENDED = "CH401"
"""The SQLSTATE that `require_account` raises."""

# Every statement finds few rows in the order of an index. The planner assumes that conversation and user are
# independent, expects one row, and might first read a whole conversation or table instead. For the same
# reason, prepared plans are generic.
# A disabled scan that is used all the same has such a high estimated cost that Postgres up to 17 would
# compile the plan first, for seconds, with a conversation locked: so JIT is off.
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

    With a `generation`, the account must still exist, and its tokens of that generation must not be revoked.
    """

    user_id: int | None = None
    generation: int | None = None
    email: str | None = None
    issuer: str | None = None
    subject: str | None = None


NOBODY = Identity()

# The milliseconds left until the sender gives up. Postgres rejects a negative timeout: a statement that
# arrives after that must not run any more. `| 1` avoids 0, which would mean no limit.
_REST = "((%(not_after)s - extract(epoch FROM clock_timestamp())) * 1000)::bigint | 1"

TOO_LATE = "22023"
"""The SQLSTATE for a timeout below zero (invalid_parameter_value): the statement came too late."""


def introduction(identity: Identity, *, reads: bool, milliseconds: int) -> Statement:
    """The statement to send before a statement of `identity`, whose fields are its parameters.

    Each statement that reads may take `milliseconds`. One that writes is rejected if the server's clock is
    past the parameter `not_after`, in seconds since 1970, when it arrives; otherwise, each of the following
    statements may take the time left until then.
    """
    given = tuple(name for name, value in zip(identity._fields, identity, strict=True) if value is not None)
    return _introduction(given, reads, milliseconds)


@cache
def _introduction(given: tuple[str, ...], reads: bool, milliseconds: int) -> Statement:
    told = {name: f"'{value}'" for name, value in _SETTINGS.items()}
    told["statement_timeout"] = f"'{milliseconds}'" if reads else f"({_REST})::text"
    if reads:  # a write keeps the server's setting, which reveals a standby after a failover
        told["transaction_read_only"] = "'on'"
    said = [f"set_config('{name}', {value}, true)" for name, value in told.items()]
    said += [f"set_config('app.{name}', %({name})s::text, true)" for name in given if name != "generation"]
    # In the same message: the account is checked before the statement, without a round trip of its own.
    required = ["SELECT require_account(%(user_id)s, %(generation)s)"] if "generation" in given else []
    return statement([f"SELECT {', '.join(said)}", *required], reads=reads, often=True)
