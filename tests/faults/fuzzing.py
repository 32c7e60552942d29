"""Schemathesis asks what the OpenAPI document allows and what it forbids, and holds the service to it."""

import base64
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from isolation.intruder import ENDS_TOKENS
from support import GENEROUS, Service, User, served, settings

Json = dict[str, Any]

CASES_OF_ONE_EXAMPLE = 200
"""How many cases there are at the least when each operation is tried once in each phase."""

PHASES = "examples,coverage,fuzzing"
"""What is asked of each operation by itself."""

PATIENCE = 20
"""Seconds after which an answer has not come, also on a busy machine: whoever asks gives up then."""

UNLIMITED = dict.fromkeys([*GENEROUS, "wrong_passwords"], 0)
"""A request that is refused because there were so many says nothing about what is in it."""

BEYOND_SCHEMAS = {
    "client_id_reused": "the same key with other content",
    "invalid_cursor": "a text that no list ever gave out",
    "message_unreadable": "a question in neither of two places, or with parts that are no text",
    "nothing_given": "a change whose fields are all null",
    "text_nul": "a pattern would say it, on every text, and nobody could read the document any more",
    "text_surrogate": "half of a pair",
    "text_too_long": "bytes in UTF-8, where schemas count characters",
    "one_place": "more than one of before, after and around",
    "text_blank of all parts": "each part may be blank, or no text at all",
}
"""Codes of refusals that depend on what was there before, or on two fields at once: no schema says those."""


EXPLAINED = {
    "use_after_free": ("", "/restore"),
    "ensure_resource_availability": ("/feedback", "/messages"),
}
"""Checks that take a deletion for final, and a message that was appended for a reply: how the request ends
that they complain of, and one before it, to the same conversation, that explains it."""


def fuzz(ground: Ground, times: int) -> Outcome:
    """Every check of Schemathesis, over examples, limits of schemas, random input and links."""
    cases: list[Json] = []
    errors: list[str] = []
    with (
        ground.database() as database,
        served(create_app(settings(database, **UNLIMITED)), database) as service,
    ):
        seeds = itertools.count(1)
        while len(cases) < times:
            with ground.room() as folder:
                run = Run(service, folder, examples=max(1, times // CASES_OF_ONE_EXAMPLE), seed=next(seeds))
                cases += run.cases()
                errors += run.errors
    faults = errors + [f"{name}: {_curl(case)}" for case in cases for name in _faults(case)]
    assert faults == [], "\n".join(faults[:20])
    statuses = Counter(case["response"]["status_code"] for case in cases)
    refused = sum(count for status, count in statuses.items() if status >= 400)
    said = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return Outcome(len(cases), refused, f"0 failures, 0 without an answer in {said}")


class Run:
    """Schemathesis, once, with so many random examples of each operation at the most."""

    def __init__(self, service: Service, folder: Path, *, examples: int, seed: int) -> None:
        self._service = service
        self._report = folder / "report"
        self._name = f"of seed {seed} nobody signs in as me"  # its password is none
        self._options = ("--max-examples", str(examples), "--seed", str(seed))
        self.errors: list[str] = []
        """Why something was not asked, or not answered."""

    def cases(self) -> list[Json]:
        """Of all operations. What ends tokens comes by itself: all that is asked afterwards is 401."""
        user = self._service.user(self._name)
        others = (f"--exclude-operation-id={name}" for name in sorted(ENDS_TOKENS))
        found = self._asked(user, f"{PHASES},stateful", *others)
        assert user.get("/api/auth/me").status_code == 200, "most were answered with 401, and prove nothing"
        for name in sorted(ENDS_TOKENS):
            user = self._service.user(f"{self._name} but for {name}")
            found += self._asked(user, PHASES, f"--include-operation-id={name}")
        return found

    def _asked(self, user: User, phases: str, *which: str) -> list[Json]:
        command = [
            *(str(Path(sys.executable).with_name("st")), "run", f"{self._service.url}/openapi.json"),
            *("--phases", phases, "--continue-on-failure", *self._options),
            *("--request-timeout", str(PATIENCE)),
            *("--header", f"Authorization: Bearer {user.token}", *which),
            *("--report", "ndjson", "--report-ndjson-path", str(self._report), "--no-color"),
        ]
        run = subprocess.run(command, cwd=self._report.parent, capture_output=True, text=True, check=False)
        assert run.returncode in (0, 1), run.stdout[-3_000:] + run.stderr[-3_000:]
        self.errors += _errors(self._report)
        return list(_cases(self._report))


def _cases(report: Path) -> Iterator[Json]:
    """Each request with its answer, if there was one, and the checks of it."""
    with report.open() as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            before: list[str] = []
            for case, interaction in recorder.get("interactions", {}).items():
                checks = recorder.get("checks", {}).get(case, [])
                yield interaction | {"checks": checks, "before": list(before)}
                before.append(_asked(interaction))


def _errors(report: Path) -> Iterator[str]:
    """Each error that is no answer's fault: the service hung up, say, or it is not to be reached."""
    with report.open() as lines:
        for line in lines:
            if error := json.loads(line).get("NonFatalError"):
                yield f"{error['label']}: {error['value']}"


def _faults(case: Json) -> Iterator[str]:
    if "response" not in case:
        yield "no answer"
    failed = [check["name"] for check in case["checks"] if check["status"] == "failure"]
    for name in failed:
        if name == "positive_data_acceptance" and _codes(case) <= BEYOND_SCHEMAS.keys():
            continue
        if name == "response_schema_conformance" and _is_stream(case):
            continue  # it takes the schema of the whole answer, a text, for that of each event
        if name in EXPLAINED and _explains(case, *EXPLAINED[name]):
            continue
        yield name


def _codes(case: Json) -> set[str]:
    """Of the refusal, or of each fault that it names."""
    said = _content(case)
    return {_code(problem) for problem in said.get("errors", [said])}


def _code(problem: Json) -> str:
    of_all = problem.get("location") == ["body"] and problem["code"] == "text_blank"
    return f"{problem['code']} of all parts" if of_all else str(problem["code"])


def _explains(case: Json, ending: str, earlier: str) -> bool:
    """Whether a request before, to the same conversation, ended so and succeeded."""
    [conversation] = re.findall(r"/(?:conversations|chat)/(\d+)", case["request"]["uri"]) or ["none"]
    ends = case["request"]["uri"].endswith(ending)
    return ends and any(
        re.search(f"POST .*/conversations/{conversation}{earlier} -> 20", asked) for asked in case["before"]
    )


def _is_stream(case: Json) -> bool:
    [kind, *_] = case["response"]["headers"].get("content-type", [""])
    return str(kind).startswith("text/event-stream")


def _content(case: Json) -> Json:
    said = base64.b64decode(case["response"]["content"]["$base64"]) if "response" in case else b""
    content: Json = json.loads(said) if said.startswith(b"{") else {}
    return content


def _asked(case: Json) -> str:
    status = case["response"]["status_code"] if "response" in case else "nothing"
    return f"{case['request']['method']} {case['request']['uri']} -> {status}"


def _curl(case: Json) -> str:
    body = base64.b64decode((case["request"].get("body") or {}).get("$base64", ""))
    return f"{_asked(case)} {_content(case)}, asked with {body[:300]!r} after {case['before'][-9:]}"
