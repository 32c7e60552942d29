"""The model of the whole API leaves no operation of the document out but those that say why."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from app.db import url as urls
from faults import machine
from faults.covered import Covered
from faults.ground import Ground
from openapi.document import Document
from support import Postgres

NOWHERE = Ground(Postgres(urls.parse("postgresql://nobody@localhost/nothing")), Path())
DOCUMENT = Document(
    {
        "paths": {
            "/talks/{talk}": {"get": {"operationId": "get_talk"}, "delete": {"operationId": "delete_talk"}},
            "/talks/{talk}/end": {"get": {"operationId": "get_end"}},
        }
    }
)


def test_answers_count_for_their_operation_unless_they_are_refusals() -> None:
    covered = Covered(DOCUMENT)
    for method, path, status in (
        ("GET", "/talks/1", 200),
        ("GET", "/talks/2?limit=1", 200),
        ("DELETE", "/talks/1", 404),
        ("GET", "/talks/1/end", 204),
    ):
        covered.note(httpx.Response(status, request=httpx.Request(method, f"http://here{path}")))
    assert +covered.counted == {"get_talk": 2, "get_end": 1}
    with pytest.raises(AssertionError, match="PUT /talks/1 is not in the document"):
        covered.note(httpx.Response(200, request=httpx.Request("PUT", "http://here/talks/1")))


@pytest.mark.parametrize(
    ("unused", "used", "complaint"),
    [
        ([], [], None),
        (["get_todo"], [], "no step uses get_todo"),
        ([], ["metrics"], "metrics is left out for no reason"),
    ],
)
def test_an_operation_that_no_step_uses_fails_the_line(
    unused: list[str], used: list[str], complaint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    covered = {one.name for one in machine.document().operations} - {*machine.LEFT_OUT, *unused} | {*used}
    done = Counter({**dict.fromkeys(machine.ALIKE, 1), "list": machine.ENOUGH, "connections cut": 1})
    monkeypatch.setattr(machine, "shared", lambda *_: [(done, Counter(covered))] * 2)
    if complaint is None:
        assert "32 of 35 operations" in machine.api(NOWHERE, machine.ENOUGH).said
    else:
        machine.api(NOWHERE, machine.ENOUGH - 1)
        with pytest.raises(AssertionError, match=complaint):
            machine.api(NOWHERE, machine.ENOUGH)


def test_a_kind_of_step_that_is_never_taken_fails_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    covered = {one.name for one in machine.document().operations} - {*machine.LEFT_OUT}
    done = Counter(dict.fromkeys(machine.ALIKE - {"restart"}, machine.ENOUGH))
    monkeypatch.setattr(machine, "shared", lambda *_: [(done, Counter(covered))] * 2)
    with pytest.raises(AssertionError, match="no step is: restart"):
        machine.api(NOWHERE, machine.ENOUGH)


def test_no_rule_takes_the_place_of_another() -> None:
    nouns = [noun for noun in machine.Model.mro() if noun.__module__.startswith("faults.model")]
    names = Counter(name for noun in nouns for name in vars(noun) if not name.startswith("__"))
    assert {name for name, count in names.items() if count > 1} == set()
