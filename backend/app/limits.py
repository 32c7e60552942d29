"""Rate limits, counted in this process, without a query and in bounded memory.

They use the generic cell rate algorithm: of each key, only the time is stored at which its quota is full
again. The quota refills evenly, so that no client waits for the end of a window.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from pydantic import BaseModel, Field, NonNegativeInt, PositiveInt

MAX_KEYS = 100_000
"""Per limit. The least recently used key is evicted. A limit with so many keys needs some 20 MB."""

_ERROR = 0.001
"""Tolerance for floating-point error in sums of intervals."""

MINUTE, QUARTER, HOUR = 60, 900, 3_600
GUESSERS = 10
"""For how many accounts one source may use up the quota of wrong passwords."""


class Quotas(BaseModel):
    """The settings that limit each user, each address, and all of them together."""

    max_connections: PositiveInt = Field(
        10_000, description="Connections a process accepts at the same time; more are answered with 503."
    )
    requests_per_minute: NonNegativeInt = Field(
        1_200,
        description="Requests one user may send; more are answered with 429. As all limits by the minute or "
        "hour, it is counted by each process for itself, and 0 is no limit.",
    )
    writes_per_minute: NonNegativeInt = Field(600, description="Of these, how many may change something.")
    turns_per_minute: NonNegativeInt = Field(
        60,
        description="Of these, how many may ask the assistant. With a model that costs money, 10 is plenty.",
    )
    sign_ins_per_minute: NonNegativeInt = Field(
        60, description="Sign-ins, right or wrong, from one address (IPv6: from one /64)."
    )
    registrations_per_hour: NonNegativeInt = Field(
        60, description="Accounts made from one address (IPv6: from one /64)."
    )
    wrong_passwords: NonNegativeInt = Field(
        10,
        description="Wrong passwords for one account from one address in a quarter of an hour, and ten times "
        "as many for all accounts; then that address has to wait, and no other one. 0 is no limit.",
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision of a limit about one request. Times are in whole seconds."""

    limit: "Limit"
    allowed: bool
    remaining: int
    full_in: int
    """Time until the quota is full again."""
    retry_in: int
    """Time until a request is allowed again; 0 if this one is."""


class Limit:
    """Allows `quota` requests per key within `seconds`, all at once or spread out."""

    def __init__(
        self, name: str, quota: int, seconds: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A `quota` of 0 means no limit."""
        self.name = name
        self.quota = quota
        self.seconds = seconds
        self._clock = clock
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> Verdict:
        """Counts a request of the key, if the quota allows it."""
        if self.quota == 0:
            return Verdict(self, True, 0, 0, 0)
        now, each = self._clock(), self.seconds / self.quota
        full_at = max(self._full_at.get(key, now), now)
        missing = full_at + each - now - self.seconds
        if allowed := missing <= each * _ERROR:
            full_at += each
            self._keep(key, full_at, now)
        remaining = max(0, math.floor((now + self.seconds - full_at) / each + _ERROR))
        full_in = math.ceil(full_at - now - _ERROR)
        return Verdict(
            self, allowed, remaining, full_in, 0 if allowed else max(1, math.ceil(missing - _ERROR))
        )

    def give_back(self, key: Hashable) -> None:
        """Undoes one `take` of the key."""
        if key in self._full_at:
            self._full_at[key] -= self.seconds / self.quota

    def forget(self, key: Hashable) -> None:
        """Restores the whole quota of the key."""
        self._full_at.pop(key, None)

    def _keep(self, key: Hashable, full_at: float, now: float) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        oldest = next(iter(self._full_at))
        if self._full_at[oldest] <= now or len(self._full_at) > MAX_KEYS:
            del self._full_at[oldest]


class Limits:
    """The limits of a process."""

    def __init__(self, quotas: Quotas) -> None:
        self.requests = Limit("requests", quotas.requests_per_minute, MINUTE)
        self.writes = Limit("writes", quotas.writes_per_minute, MINUTE)
        self.turns = Limit("turns", quotas.turns_per_minute, MINUTE)
        self.sign_ins = Limit("sign-ins", quotas.sign_ins_per_minute, MINUTE)
        self.registrations = Limit("registrations", quotas.registrations_per_hour, HOUR)
        self.guesses = Limit("wrong-passwords", quotas.wrong_passwords, QUARTER)
        self.guesses_at_any = Limit("wrong-passwords-at-any", quotas.wrong_passwords * GUESSERS, QUARTER)
        self.exporting: set[int] = set()
        """Users whose export is being read: each has one at a time."""


def source_of(address: str | None) -> str:
    """Returns what counts as one source: an IPv4 address, or the /64 that one customer has in IPv6.

    Everything that is not an address counts as one source, too, so that no client escapes the limits behind a
    proxy that does not name it.
    """
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ip_network(f"{found.packed[:8].hex(':', 2)}::/64"))
    return str(found)
