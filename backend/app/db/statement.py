"""Statements: composed from the tables, once, at import, and sent as text.

Half of what a short statement costs Postgres is reading and planning it. What is asked often is kept: the
connection prepares it when it first sends it, and later says its name.
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
    """How a connection keeps a statement: prepared under a name that stands for its text, and executed."""

    name: str
    prepare: str
    execute: str


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%(name)s` where parameters go. Postgres runs it whole, in one transaction, or not at all."""

    sql: str
    reads: bool
    """It runs read-only, so it may be sent again when nobody knows whether it arrived."""
    plan: Plan | None = None
    """Where it is kept by the connections that run it."""

    def on(self, kept: Collection[str]) -> str:
        """Its text for a connection that has prepared the plans of these names."""
        if self.plan is None:
            return self.sql
        return self.plan.execute if self.plan.name in kept else f"{self.plan.prepare}; {self.plan.execute}"

    @property
    def name(self) -> str:
        """For people who watch: whether it reads or writes, and the first table that it touches."""
        touched = _TABLE.search(self.sql)
        return f"{'read' if self.reads else 'write'} {touched[1] if touched else 'nothing'}"


def read(*clauses: ClauseElement, often: bool = False) -> Statement:
    """The same as `write`, of what changes nothing: Postgres refuses it otherwise."""
    return statement([_compiled(clause) for clause in clauses], reads=True, often=often)


def write(*clauses: ClauseElement, often: bool = False) -> Statement:
    """Statements that are sent together, run in order, and answer with the rows of the last.

    What is asked `often` is kept.
    """
    return statement([_compiled(clause) for clause in clauses], reads=False, often=often)


def statement(texts: Sequence[str], *, reads: bool, often: bool) -> Statement:
    """The same of texts that are written already."""
    return Statement("; ".join(texts), reads, _plan(texts) if often else None)


def _plan(texts: Sequence[str]) -> Plan:
    digest = hashlib.sha256("; ".join(texts).encode()).hexdigest()[:16]
    both = [_prepared(f"chat_history_{digest}_{number}", text) for number, text in enumerate(texts)]
    return Plan(digest, "; ".join(prepare for prepare, _ in both), "; ".join(execute for _, execute in both))


def _prepared(name: str, text: str) -> tuple[str, str]:
    """How the text is prepared, with places for its parameters, and executed with them."""
    parameters = list(dict.fromkeys(_PARAMETER.findall(text)))
    for place, parameter in enumerate(parameters, 1):
        text = text.replace(f"%({parameter})s", f"${place}")
    given = ", ".join(f"%({parameter})s" for parameter in parameters)
    return f"PREPARE {name} AS {text}", f"EXECUTE {name}({given})" if given else f"EXECUTE {name}"


def _compiled(clause: ClauseElement) -> str:
    """The clause as text; values that are known now become literals, so that only parameters are left."""
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
