"""Statements: composed from the tables, once, at import, and sent as text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2.extensions import QuotedString
from sqlalchemy import ClauseElement
from sqlalchemy.engine import make_url

_DIALECT = make_url("postgresql+psycopg2://").get_dialect()()

_TABLE = re.compile(r'(?:FROM|INTO|UPDATE)\s+"?([a-z_]+)')


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%(name)s` where parameters go. Postgres runs it whole, in one transaction, or not at all."""

    sql: str
    reads: bool
    """It runs read-only, so it may be sent again when nobody knows whether it arrived."""

    @property
    def name(self) -> str:
        """For people who watch: whether it reads or writes, and the first table that it touches."""
        touched = _TABLE.search(self.sql)
        return f"{'read' if self.reads else 'write'} {touched[1] if touched else 'nothing'}"


def read(*clauses: ClauseElement) -> Statement:
    """The same as `write`, of what changes nothing: Postgres refuses it otherwise."""
    return Statement(_text(clauses), reads=True)


def write(*clauses: ClauseElement) -> Statement:
    """Statements that are sent together, run in order, and answer with the rows of the last."""
    return Statement(_text(clauses), reads=False)


def _text(clauses: Iterable[ClauseElement]) -> str:
    return "; ".join(_compiled(clause) for clause in clauses)


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
