"""The first wall: in each statement of a repository, the predicates that say whose rows it means."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from app import repositories
from app.db.identity import Identity
from app.db.statement import Statement

_OWNERS = [name for name in Identity._fields if name != "generation"]  # which says of whom, not whose
_PREDICATE = re.compile(rf"""[\w."]+ = %\(({"|".join(_OWNERS)})\)s""")


@dataclass(frozen=True)
class Place:
    """Where a repository keeps a statement."""

    module: ModuleType
    attribute: str

    def __str__(self) -> str:
        return f"{self.module.__name__.rpartition('.')[2]}.{self.attribute}"

    @property
    def statement(self) -> Statement:
        statement: Statement = vars(self.module)[self.attribute]
        return statement


def places() -> Iterator[Place]:
    """All statements of all repositories."""
    for found in pkgutil.iter_modules(repositories.__path__, f"{repositories.__name__}."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, Statement):
                yield Place(module, name)


def predicates(statement: Statement) -> list[str]:
    """Its predicates, each with how the part of the statement begins that it limits."""
    return [_limited(statement.sql, match.start()) for match in _PREDICATE.finditer(statement.sql)]


def without(statement: Statement, dropped: set[int] | None = None) -> Statement:
    """The statement without some of its predicates, by their number, or without all of them."""
    numbers = iter(range(len(_PREDICATE.findall(statement.sql))))

    def replaced(match: re.Match[str]) -> str:
        return "true" if dropped is None or next(numbers) in dropped else match[0]

    return Statement(_PREDICATE.sub(replaced, statement.sql), statement.reads)


def _limited(sql: str, place: int) -> str:
    """What of a statement the predicate at a place limits: what is read from, or changed, and its name."""
    depth, part, start = 0, "", place
    while start > 0 and depth >= 0 and sql[start - 1] != ";":
        start -= 1
        depth += {")": 1, "(": -1}.get(sql[start], 0)
        part = sql[start] + part if depth == 0 else part
    limited = str(re.findall(r"UPDATE \S+ SET \w+|DELETE FROM \S+|FROM \S+", part)[-1])
    named = re.search(r"(\w+) AS\s*$", sql[:start])
    if depth == 0 and sql[place:].partition(";")[0].endswith("FOR UPDATE"):
        return f"lock: {limited}"
    return f"{named[1]}: {limited}" if named else limited
