"""Applies the limits to a request, and reports them in the headers of its response.

RateLimit and RateLimit-Policy are those of draft-ietf-httpapi-ratelimit-headers-11: a list of policies by
name, with quota (q) and window (w), and for each what remains (r) and the seconds until it is full again (t).
For the limit that refuses, t is the same time as Retry-After, as the draft asks (its server behavior).
"""

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

from ..errors import ConfirmationWrong, PasswordWrong, RateLimited, SignInFailed
from ..limits import Limit, Limits, Verdict

log = logging.getLogger(__name__)

_VERDICTS = "chat_history.verdicts"


def take(scope: Scope, limit: Limit, key: Hashable) -> None:
    """Counts the request against the limit, and records the verdict for the headers. Raises RateLimited."""
    if limit.quota == 0:
        return
    verdict = limit.take(key)
    scope.setdefault(_VERDICTS, []).append(verdict)
    if not verdict.allowed:
        log.warning("rate.limited", extra={"limit": limit.name})
        raise RateLimited


@contextmanager
def guessing(scope: Scope, limits: Limits, source: str, account: Hashable) -> Iterator[None]:
    """Counts wrong passwords by source, and by source and account.

    Somebody who guesses from another address thus does not lock the owner out. The attempt is counted before
    the password is checked, so that many guesses at once do not slip through; a correct password undoes this.
    Raises RateLimited.
    """
    counted = ((limits.guesses_at_any, source), (limits.guesses, (source, account)))
    for place, (limit, key) in enumerate(counted):
        verdict = limit.take(key)
        if not verdict.allowed:
            for earlier, its_key in counted[:place]:  # a password that is not checked is not wrong
                earlier.give_back(its_key)
            scope.setdefault(_VERDICTS, []).append(verdict)
            log.warning("rate.limited", extra={"limit": limit.name})
            raise RateLimited
    try:
        yield
    except (ConfirmationWrong, PasswordWrong, SignInFailed):
        raise
    except BaseException:
        for limit, key in counted:
            limit.give_back(key)
        raise
    limits.guesses_at_any.give_back(source)
    limits.guesses.forget((source, account))


def tell(scope: Scope, headers: MutableHeaders) -> None:
    """Adds the verdicts of the limits to the headers of a response."""
    verdicts: list[Verdict] = scope.get(_VERDICTS, [])
    if not verdicts:
        return
    policies = [f'"{one.limit.name}";q={one.limit.quota};w={one.limit.seconds}' for one in verdicts]
    left = [f'"{one.limit.name}";r={one.remaining};t={one.retry_in or one.full_in}' for one in verdicts]
    headers.raw.append((b"ratelimit-policy", ", ".join(policies).encode()))
    headers.raw.append((b"ratelimit", ", ".join(left).encode()))
    if retry_in := max(one.retry_in for one in verdicts):
        headers["Retry-After"] = str(retry_in)
