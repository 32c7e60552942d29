"""The check of a history sees each kind of fault, and no fault where there is none."""

from typing import Any

import pytest

from faults.chat import Seen
from faults.history import Findings, History
from faults.script import Script

SCRIPT = Script("k1", pieces=3)
STORED = [
    {"seq": 1, "role": "user", "client_id": "k1", "content": SCRIPT.question, "status": "complete"},
    {"seq": 2, "role": "assistant", "client_id": None, "content": SCRIPT.text, "status": "complete"},
    {"seq": 3, "role": "user", "client_id": "k2", "content": "note k2", "status": "complete"},
]


def found(stored: list[dict[str, Any]], calls: list[str], seen: Seen | None = None) -> Findings:
    """What is found if a client asked k1 and appended k2, both acknowledged."""
    history = History()
    for key, script, place in (("k1", SCRIPT, (101, 1)), ("k2", None, (103, 3))):
        history.attempt(7, key, script).promised.add(place)
    if seen is not None:
        history.sent["k1"].saw(seen)
    messages = [{"id": 100 + message["seq"], "conversation_id": 7, **message} for message in stored]
    return history.check({7: messages}, calls)


def changed(place: int, **fields: Any) -> list[dict[str, Any]]:
    """The stored messages with one of them changed."""
    return [{**message, **(fields if number == place else {})} for number, message in enumerate(STORED)]


def test_what_should_be_is_no_fault() -> None:
    findings = found(STORED, ["k1"])
    assert findings.faults == {}
    assert (findings.acknowledged, findings.replies, findings.complete) == (2, 1, 1)


@pytest.mark.parametrize(
    ("fault", "stored", "calls"),
    [
        ("lost", STORED[:2], ["k1"]),
        ("unexpected", changed(2, client_id="k9"), ["k1"]),
        ("duplicated", [*STORED, {**STORED[2], "seq": 4}], ["k1"]),
        ("changed", changed(2, content="another"), ["k1"]),
        ("changed", changed(2, id=999), ["k1"]),
        ("disordered", [STORED[1], STORED[0], STORED[2]], ["k1"]),
        ("gaps", changed(2, seq=4), ["k1"]),
        ("stuck", changed(1, status="streaming"), ["k1"]),
        ("unanswered", [STORED[0], {**STORED[2], "seq": 2, "id": 103}], ["k1"]),
        ("asked_twice", STORED, ["k1", "k1"]),
        ("wrong_text", changed(1, content=SCRIPT.text[:-1]), ["k1"]),
        ("wrong_text", changed(1, content="x", status="interrupted"), ["k1"]),
    ],
)
def test_a_fault_is_found(fault: str, stored: list[dict[str, Any]], calls: list[str]) -> None:
    assert fault in found(stored, calls).faults


def test_what_was_said_to_be_complete_must_be_stored_so() -> None:
    told = Seen(200, text=SCRIPT.text, ending="finish")
    assert found(STORED, ["k1"], told).faults == {}
    assert found(changed(1, status="interrupted"), ["k1"], told).faults == {"unfinished": 1}


def test_text_that_was_shown_for_long_must_be_stored() -> None:
    seen = Seen(200, text=SCRIPT.text, times=[(1.0, 5), (3.0, 10), (6.5, len(SCRIPT.text))])
    kept = changed(1, content=SCRIPT.text[:10], status="interrupted")
    assert found(kept, ["k1"], seen).faults == {"seconds_lost": 3.5}
    assert "unshown_text" in found(changed(1, content="", status="stopped"), ["k1"], seen).faults
