"""Whether a client that was written after one OpenAPI document works with a service of another one.

What it sends must still be taken, and what it is answered must be what it knows: less may be asked for, and
more fields may be answered. What there is no rule for here counts as broken.
"""

from collections.abc import Iterator
from math import inf

from openapi.document import PROBLEM, Document, Json, Operation

FOR_PEOPLE = {"title", "description", "examples", "example", "deprecated"}
LEAST = {"minimum": -inf, "minLength": 0, "minItems": 0, "minProperties": 0}
MOST = {"maximum": inf, "maxLength": inf, "maxItems": inf, "maxProperties": inf}
"""Limits, and what they are where there is none."""

OTHER_TYPE = " is of another type"
KNOWN = {*FOR_PEOPLE, *LEAST, *MOST, "type", "enum", "const", "required", "properties", "items", "default"}


class Comparison:
    """What a document takes back of an old one."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new

    def broken(self) -> Iterator[str]:
        """Each with where it is."""
        now = {(one.method, one.path): one for one in self._new.operations}
        for old in self._old.operations:
            if (new := now.get((old.method, old.path))) is None:
                yield f"{old.name} is gone"
            else:
                yield from (f"{old.name}{what}" for what in self._operation(old, new))

    def _operation(self, old: Operation, new: Operation) -> Iterator[str]:
        if old.name != new.name:
            yield f" is called {new.name}"
        if new.is_signed_in and not old.is_signed_in:
            yield " needs a token"
        yield from self._parameters(old, new)
        yield from self._body(old, new)
        now = new.specification["responses"]
        for status, response in old.specification["responses"].items():
            if status in now:
                yield from (f" {status}{what}" for what in self._answer(response, now[status]))
            elif status.startswith("2"):
                yield f" {status} is gone"

    def _parameters(self, old: Operation, new: Operation) -> Iterator[str]:
        before, now = ({(one["in"], one["name"]): one for one in which.parameters} for which in (old, new))
        for place, one in before.items():
            if place not in now:
                yield f" {place[1]} is gone"
            else:
                yield from (f" {place[1]}{what}" for what in self._asked(one["schema"], now[place]["schema"]))
        for place, one in now.items():
            if one.get("required") and not before.get(place, {}).get("required"):
                yield f" {place[1]} is needed"

    def _body(self, old: Operation, new: Operation) -> Iterator[str]:
        before, now = (which.specification.get("requestBody", {}) for which in (old, new))
        if now.get("required") and not before.get("required"):
            yield " body is needed"
        for media_type, content in before.get("content", {}).items():
            if media_type not in now.get("content", {}):
                yield f" body as {media_type} is gone"
            else:
                new_schema = now["content"][media_type]["schema"]
                yield from (f" body{what}" for what in self._asked(content["schema"], new_schema))

    def _answer(self, old: Json, new: Json) -> Iterator[str]:
        for name in old.get("headers", {}).keys() - new.get("headers", {}).keys():
            yield f" header {name} is gone"
        for media_type, before in old.get("content", {}).items():
            if (now := new.get("content", {}).get(media_type)) is None:
                yield f" {media_type} is gone"
                continue
            if media_type == PROBLEM:
                for code in before["examples"].keys() - now["examples"].keys():
                    yield f" {code} is gone"
            yield from self._told(before["schema"], now["schema"])

    def _asked(self, old: Json, new: Json) -> Iterator[str]:
        """What clients send, and may not any more."""
        yield from self._unfit(old, new, told=False)

    def _told(self, old: Json, new: Json) -> Iterator[str]:
        """What clients are told, and do not know."""
        yield from self._unfit(new, old, told=True)

    def _unfit(self, given: Json, taken: Json, *, told: bool) -> Iterator[str]:
        """Where `given` may be what `taken` is not: each of its choices must fit one of the other's."""
        of, by = (self._new, self._old) if told else (self._old, self._new)
        for choice in _choices(of, given):
            tried = [list(self._misfit(choice, other, told)) for other in _choices(by, taken)]
            yield from min(tried, key=lambda faults: (OTHER_TYPE in faults, len(faults)))

    def _misfit(self, given: Json, taken: Json, told: bool) -> Iterator[str]:
        if "type" in taken and taken["type"] != given.get("type"):
            yield OTHER_TYPE
            return
        yield from _beyond(given, taken)
        yield from _values(given, taken, told)
        if not told and given.get("default") != taken.get("default"):
            yield " is something else by default"
        for name in set(taken.get("required", ())) - set(given.get("required", ())):
            yield f".{name} is left out" if told else f".{name} is needed"
        inside, outside = given.get("properties", {}), taken.get("properties", {})
        for name in (outside.keys() - inside.keys()) if told else (inside.keys() - outside.keys()):
            yield f".{name} is gone"
        for name in inside.keys() & outside.keys():
            for what in self._unfit(inside[name], outside[name], told=told):
                yield f".{name}{what}"
        if "items" in taken:
            for what in self._unfit(given["items"], taken["items"], told=told):
                yield f"[]{what}"


def _choices(document: Document, schema: Json) -> list[Json]:
    """The alternatives of a schema, without references. What stands beside them belongs to each."""
    while "$ref" in schema:
        *_, kind, name = schema["$ref"].split("/")
        schema = document.content["components"][kind][name]
    beside = {keyword: value for keyword, value in schema.items() if keyword != "anyOf"}
    if len(beside) == len(schema):
        return [schema]
    return [
        _both(choice, beside) if choice.get("type") != "null" else choice
        for each in schema["anyOf"]
        for choice in _choices(document, each)
    ]


def _both(one: Json, other: Json) -> Json:
    patterns = " and ".join(each["pattern"] for each in (one, other) if "pattern" in each)
    return one | other | ({"pattern": patterns} if patterns else {})


def _beyond(given: Json, taken: Json) -> Iterator[str]:
    """Which limits of `taken` the other one does not keep."""
    always = {"minProperties": len(given.get("required", ()))}
    for limit, none in LEAST.items():
        if given.get(limit, always.get(limit, none)) < taken.get(limit, none):
            yield f" is below the {limit}"
    for limit, none in MOST.items():
        if given.get(limit, none) > taken.get(limit, none):
            yield f" is beyond the {limit}"
    for keyword in taken.keys() - KNOWN:
        if given.get(keyword) != taken[keyword] and (keyword, taken[keyword]) != (
            "additionalProperties",
            True,
        ):
            yield f" has another {keyword}"


def _values(given: Json, taken: Json, told: bool) -> Iterator[str]:
    """Values that one of the two does not know. What is told no more is missed by whoever waited for it."""
    mine, theirs = ([one["const"]] if "const" in one else one.get("enum") for one in (given, taken))
    if theirs is not None:
        yield from (f" may be {value}" for value in mine or ["anything"] if value not in theirs)
        if told:
            yield from (f" is never {value}" for value in theirs if value not in (mine or theirs))
