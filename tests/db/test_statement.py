"""Statements: what SQLAlchemy composes becomes a text in which only parameters are left open."""

import importlib
import pkgutil
import re

import pytest
from sqlalchemy import bindparam, delete, literal, null, select, true
from sqlmodel import col

import app.repositories
from app.db import schema
from app.db.database import Database
from app.db.identity import NOBODY
from app.db.statement import Statement, read, write
from app.models.database import Todo
from database_for_tests import run
from proxy import Proxy

REPOSITORIES = [f"app.repositories.{found.name}" for found in pkgutil.iter_modules(app.repositories.__path__)]

ALL = {
    f"{module.__name__}.{name}": statement
    for module in (schema, *map(importlib.import_module, REPOSITORIES))
    for name, statement in vars(module).items()
    if isinstance(statement, Statement)
}
"""Every statement of the product."""


def test_parameters_stay_open_and_everything_else_is_text() -> None:
    statement = read(
        select(col(Todo.id))
        .where(col(Todo.user_id) == bindparam("user_id"), col(Todo.title) == "it's 100%", col(Todo.id) < 7)
        .limit(bindparam("limit"))
    )
    assert statement.reads
    assert re.findall(r"%\((\w+)\)s", statement.sql) == ["user_id", "limit"]
    assert "todo.title = 'it''s 100%%'" in statement.sql
    assert "todo.id < 7" in statement.sql


def test_statements_of_one_transaction_are_one_text() -> None:
    statement = write(delete(Todo).where(col(Todo.id) == 1), select(true(), null()))
    assert not statement.reads
    first, second = statement.sql.split("; ")
    assert first.startswith("DELETE FROM todo")
    assert re.sub(r" AS \w+", "", second) == "SELECT true, NULL"


@pytest.mark.parametrize("value", ["ü", 1.5, b"bytes", ["list"]])
def test_a_value_that_cannot_be_written_safely_must_be_a_parameter(value: object) -> None:
    with pytest.raises(TypeError, match="must be a parameter") as refused:
        read(select(literal(value)))
    assert repr(value) not in str(refused.value)


HARMLESS = [
    "plain",
    "it's",
    "100%",
    "%(name)s",
    "%%s",
    "back\\slash",
    'double"quote',
    ":name",
    "--",
    "$1",
    "",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_literal_means_itself_to_postgres(text: str, proxy: Proxy) -> None:
    statement = read(select(literal(text), literal(7), literal(True), bindparam("given")))

    async def work(database: Database) -> None:
        assert await database.run(NOBODY, statement, {"given": text}) == [(text, 7, True, text)]

    run(proxy, work)


@pytest.mark.parametrize("name", ALL)
def test_every_statement_of_the_product_says_rightly_whether_it_reads(name: str) -> None:
    words = set(re.findall(r"\b(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|LOCK|nextval|setval)\b", ALL[name].sql))
    assert ALL[name].reads == (not words), words


@pytest.mark.parametrize("name", ALL)
def test_every_statement_of_the_product_is_plain_text_with_named_parameters(name: str) -> None:
    sql = ALL[name].sql
    without = re.sub(r"%\([a-z_]+\)s|%%", "", sql)
    assert "%" not in without
    assert sql.isascii()
    assert "%(param" not in sql
    assert not re.findall(r"%\(\w+_\d+\)s", sql), "a value that nobody named"
