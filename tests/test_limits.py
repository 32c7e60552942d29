"""How limits count: fairly, forgivingly, and in bounded memory."""

from collections.abc import Callable

import pytest

from app import limits
from app.limits import Limit, source_of

Count = Callable[[str, object], None]


class Clock:
    """Stands still until it is told."""

    now = 1_000_000.1

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def remembered(limit: Limit) -> int:
    """Of how many keys it keeps something."""
    return len(limit._full_at)


@pytest.mark.parametrize(("quota", "seconds"), [(1, 60), (7, 60), (10, 900), (30_000, 60), (1_000, 3_600)])
def test_the_whole_quota_may_be_taken_at_once_and_comes_back_evenly(
    clock: Clock, quota: int, seconds: int
) -> None:
    limit = Limit("tries", quota, seconds, clock)
    verdicts = [limit.take("alice") for _ in range(quota)]
    assert all(verdict.allowed for verdict in verdicts)
    assert [verdict.remaining for verdict in verdicts] == list(range(quota))[::-1]
    assert verdicts[-1].full_in == seconds
    refused = limit.take("alice")
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.retry_in == max(1, -(-seconds // quota))
    clock.now += refused.retry_in
    assert limit.take("alice").allowed
    clock.now += seconds
    assert limit.take("alice").remaining == quota - 1


def test_what_is_refused_takes_nothing(clock: Clock) -> None:
    limit = Limit("tries", 2, 60, clock)
    assert [limit.take("alice").allowed for _ in range(100)] == [True, True] + [False] * 98
    clock.now += 30
    assert [limit.take("alice").allowed for _ in range(2)] == [True, False]


def test_each_key_has_its_own(clock: Clock) -> None:
    limit = Limit("tries", 1, 60, clock)
    assert [limit.take(key).allowed for key in ("alice", "alice", "bob", ("alice", 1))] == [
        True,
        False,
        True,
        True,
    ]


def test_what_is_given_back_may_be_taken_again(clock: Clock) -> None:
    limit = Limit("tries", 2, 60, clock)
    limit.give_back("alice")
    limit.forget("alice")
    for _ in range(2):
        limit.take("alice")
    limit.give_back("alice")
    assert [limit.take("alice").allowed for _ in range(2)] == [True, False]
    limit.forget("alice")
    assert [limit.take("alice").allowed for _ in range(3)] == [True, True, False]


def test_none_is_no_limit(clock: Clock) -> None:
    limit = Limit("tries", 0, 60, clock)
    assert all(limit.take("alice").allowed for _ in range(1_000))
    assert remembered(limit) == 0


def test_memory_is_bounded_and_given_back(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, record_property: Count
) -> None:
    monkeypatch.setattr(limits, "MAX_KEYS", 100)
    limit = Limit("tries", 2, 60, clock)
    for key in range(1_000):
        limit.take(key)
    assert remembered(limit) == 100
    assert [limit.take(key).remaining for key in (999, 0)] == [0, 1]
    clock.now += 61
    for key in range(2_000, 2_100):
        limit.take(key)
    assert remembered(limit) == 100
    record_property("keys remembered beyond the bound", (0, 1_100))


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
        ("_hidden", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_stands_for_what_one_customer_has(address: str | None, source: str) -> None:
    assert source_of(address) == source
