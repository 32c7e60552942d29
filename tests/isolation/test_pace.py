"""The measure of refusals: it is heard where their time tells what exists, and only there."""

import httpx
import pytest

from .answer import Answer
from .pace import ENOUGH, Paces


def refused(seconds: float, status: int = 404) -> Answer:
    return Answer("/api/conversations/1", status, httpx.Headers(), b"{}", seconds)


def noticed(foreign: Answer, missing: Answer, times: int = ENOUGH) -> Paces:
    paces = Paces()
    for _ in range(times):
        paces.note("get_conversation", foreign, missing)
    return paces


@pytest.mark.parametrize("seconds", [0.0075, 0.013])
def test_a_refusal_that_takes_another_time_for_what_exists_is_told_of(seconds: float) -> None:
    with pytest.raises(AssertionError, match=r"tells what exists: get_conversation \d\.\d\d$"):
        noticed(refused(seconds), refused(0.01)).said()


def test_a_refusal_that_takes_the_same_time_is_counted() -> None:
    assert "in 1 operations: 1.10 (get_conversation)" in noticed(refused(0.011), refused(0.01)).said()


def test_too_few_refusals_and_what_is_none_say_nothing() -> None:
    few = noticed(refused(0.05), refused(0.01), ENOUGH - 1)
    few.note("get_conversation", refused(0.05, 200), refused(0.01, 200))
    assert few.said() == ""


def test_refusals_of_several_processes_are_counted_together() -> None:
    halves = [noticed(refused(0.01), refused(0.01), ENOUGH // 2) for _ in range(2)]
    halves[0].add(halves[1])
    assert "1.00" in halves[0].said()
