"""Statements, which are composed from the tables once, at import, and sent as text.

Parsing and planning is half of what a short statement costs Postgres. A frequent statement is therefore
prepared when a connection first sends it, and later executed by name.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg2.extensions import QuotedString
from sqlalchemy import ClauseElement
from sqlalchemy.engine import make_url

_DIALECT = make_url("postgresql+psycopg2://").get_dialect()()

_TABLE = re.compile(r'(?:FROM|INTO|UPDATE)\s+"?([a-z_]+)')
_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Plan:
    """The SQL that prepares a statement, and the SQL that executes it. `name` identifies its text."""

    name: str
    prepare: str
    execute: str


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%(name)s` for parameters. Postgres runs all of it in one transaction, or none of it."""

    sql: str
    reads: bool
    """It runs read-only, so it may be sent again if it is unknown whether it arrived."""
    plan: Plan | None = None
    """How connections prepare it, if they do."""

    def on(self, kept: Collection[str]) -> str:
        """Returns the SQL for a connection that has prepared the plans in `kept`."""
        if self.plan is None:
            return self.sql
        return self.plan.execute if self.plan.name in kept else f"{self.plan.prepare}; {self.plan.execute}"

    @property
    def name(self) -> str:
        """A name for traces: whether it reads or writes, and the first table that it uses."""
        touched = _TABLE.search(self.sql)
        return f"{'read' if self.reads else 'write'} {touched[1] if touched else 'nothing'}"


def read(*clauses: ClauseElement, often: bool = False) -> Statement:
    """Makes a statement like `write`, of clauses that change nothing: Postgres rejects it otherwise."""
    return statement([_compiled(clause) for clause in clauses], reads=True, often=often)


def write(*clauses: ClauseElement, often: bool = False) -> Statement:
    """Makes one statement of clauses that run in order; it returns the rows of the last.

    With `often`, connections prepare it.
    """
    return statement([_compiled(clause) for clause in clauses], reads=False, often=often)


def statement(texts: Sequence[str], *, reads: bool, often: bool) -> Statement:
    """Makes one statement of SQL texts."""
    return Statement("; ".join(texts), reads, _plan(texts) if often else None)


def _plan(texts: Sequence[str]) -> Plan:
    digest = hashlib.sha256("; ".join(texts).encode()).hexdigest()[:16]
    both = [_prepared(f"chat_history_{digest}_{number}", text) for number, text in enumerate(texts)]
    return Plan(digest, "; ".join(prepare for prepare, _ in both), "; ".join(execute for _, execute in both))


def _prepared(name: str, text: str) -> tuple[str, str]:
    """Returns the SQL that prepares the text, with numbered parameters, and the SQL that executes it."""
    parameters = list(dict.fromkeys(_PARAMETER.findall(text)))
    for place, parameter in enumerate(parameters, 1):
        text = text.replace(f"%({parameter})s", f"${place}")
    given = ", ".join(f"%({parameter})s" for parameter in parameters)
    return f"PREPARE {name} AS {text}", f"EXECUTE {name}({given})" if given else f"EXECUTE {name}"


def _compiled(clause: ClauseElement) -> str:
    """The clause as SQL. Values that are known now become literals, so that only parameters are left."""
    compiled = clause.compile(dialect=_DIALECT)
    sql = str(compiled)
    for name, value in compiled.params.items():
        if value is not None:
            sql = sql.replace(f"%({name})s", _literal(value))
    return sql


def _literal(value: object) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, str) and value.isascii():
        return QuotedString(value).getquoted().decode().replace("%", "%%")
    raise TypeError(f"a {type(value).__name__} in a statement must be a parameter")
