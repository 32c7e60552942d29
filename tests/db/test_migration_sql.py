"""What migrations say to Postgres: linted, understood by version 14, and every rule has its name."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from support import Postgres

INI = str(Path(__file__).parents[2] / "alembic.ini")

EXCLUDED = {
    "prefer-text-field": "the only varchar is in the table of Alembic, which makes it itself",
    "require-lock-timeout": "alembic/env.py sets it for the whole session",
    "require-statement-timeout": "who waits for a lock gives up soon; who has it may take the time it needs",
}
"""Rules of the linter that do not hold here, and why."""

NEWER_THAN_14 = (
    r"NULLS\s+(NOT\s+)?DISTINCT",  # 15
    r"MERGE\s+INTO",  # 15
    r"security_invoker",  # 15
    r"ON\s+DELETE\s+SET\s+(NULL|DEFAULT)\s*\(",  # 15
    r"regexp_(like|count|instr|substr)\s*\(",  # 15
    r"COPY\s+.*\bHEADER\s+MATCH\b",  # 15
    r"GRANT\s+SET\s+ON\s+PARAMETER",  # 15
    r"WITH\s+(INHERIT|SET)\s+(TRUE|FALSE|OPTION)",  # 16
    r"json_(array|object|arrayagg|objectagg)\s*\(",  # 16; json_build_array and json_agg are old
    r"IS\s+(NOT\s+)?JSON\b",  # 16
    r"any_value\s*\(",  # 16
    r"array_(shuffle|sample)\s*\(",  # 16
    r"\b0[xob][0-9a-f]",  # 16: 0xff
    r"json_(table|query|value|exists|scalar|serialize)\s*\(",  # 17
    r"RETURNING\s+(OLD|NEW)\b|merge_action\s*\(",  # 17, 18
    r"transaction_timeout",  # 17
    r"uuidv[47]\s*\(|uuid_extract",  # 18, 17
    r"GENERATED\s+ALWAYS\s+AS\s*\([^()]*\)\s+VIRTUAL",  # 18
    r"WITHOUT\s+OVERLAPS|\bPERIOD\b",  # 18
    r"NOT\s+ENFORCED",  # 18
    r"casefold\s*\(",  # 18
)

LOCKED = re.compile(r"(?:ALTER TABLE|REFERENCES|TRIGGER [^;]*? ON|LOCK TABLE|POLICY \w+ ON) (\w+)")
"""A statement that others may have to wait for, and the table."""


def steps() -> Iterator[tuple[str, str]]:
    """Every revision, as `from:to`."""
    for script in ScriptDirectory.from_config(Config(INI)).walk_revisions():
        yield script.revision, f"{script.down_revision or 'base'}:{script.revision}"


STEPS = dict(steps())


def sql(revision: str, *, down: bool = False) -> str:
    """What `alembic upgrade --sql` prints for one revision."""
    text = StringIO()
    configuration = Config(INI, output_buffer=text)
    if down:
        before, _, after = STEPS[revision].partition(":")
        command.downgrade(configuration, f"{after}:{before}", sql=True)
    else:
        command.upgrade(configuration, STEPS[revision], sql=True)
    return text.getvalue()


def found(text: str, *excluded: str) -> set[str]:
    """The rules of the linter that a text breaks."""
    squawk = Path(sys.executable).with_name("squawk")
    rules = [f"--exclude={rule}" for rule in excluded]
    outcome = subprocess.run(
        [squawk, "--pg-version=14", "--reporter=json", *rules],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return {fault["rule_name"] for fault in json.loads(outcome.stdout)}


@pytest.mark.parametrize("revision", STEPS)
def test_the_linter_finds_nothing(revision: str) -> None:
    assert found(sql(revision), *EXCLUDED) == set()


def test_the_linter_finds_what_is_there() -> None:
    assert "adding-required-field" in found("ALTER TABLE todo ADD size bigint NOT NULL;", *EXCLUDED)
    assert "ban-drop-column" in found("ALTER TABLE todo DROP title;", *EXCLUDED)
    everywhere = set[str]().union(*(found(sql(revision)) for revision in STEPS))
    assert set(EXCLUDED) <= everywhere, "an exclusion that nothing needs any more"


def locked(revision: str) -> list[set[str]]:
    """The tables of before that each transaction of an upgrade keeps from others."""
    text = sql(revision).replace('"', "")
    made = set(re.findall(r"CREATE TABLE (\w+)", text))
    transactions = [part for whole in text.split("BEGIN;") for part in _transactions(*whole.split("COMMIT;"))]
    return [set(LOCKED.findall(one)) - made for one in transactions]


def _transactions(inside: str, outside: str = "") -> list[str]:
    """What is between BEGIN and COMMIT is one; behind it, each statement."""
    return [inside, *re.split(r";$", outside, flags=re.MULTILINE)]


@pytest.mark.parametrize("revision", STEPS)
def test_a_transaction_locks_one_table_that_is_used(revision: str) -> None:
    """With two, it may wait for who waits for it: until Postgres looks, after a second, nobody goes on."""
    assert max(map(len, locked(revision))) <= 1


@pytest.mark.parametrize("revision", STEPS)
def test_postgres_14_understands_it(revision: str) -> None:
    text = sql(revision) + sql(revision, down=True)
    assert [words for words in NEWER_THAN_14 if re.search(words, text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    "text",
    [
        "UNIQUE NULLS NOT DISTINCT (a)",
        "CREATE VIEW v WITH (security_invoker = true)",
        "DEFAULT uuidv7()",
        "SELECT json_array(1)",
        "GRANT a TO b WITH INHERIT FALSE",
        "size int GENERATED ALWAYS AS (a + b) VIRTUAL",
    ],
)
def test_what_postgres_14_does_not_understand_is_noticed(text: str) -> None:
    assert any(re.search(words, text, re.IGNORECASE) for words in NEWER_THAN_14)


def test_every_rule_and_index_is_named_by_the_convention(postgres: Postgres) -> None:
    """Code and messages rely on names; those that Postgres invents differ between versions."""
    rules = postgres.rows(
        "SELECT contype::text, conname::text, relname::text, confrelid::regclass::text,"
        " (SELECT string_agg(attname, '_' ORDER BY place)"
        "  FROM unnest(conkey) WITH ORDINALITY AS k (number, place)"
        "  JOIN pg_attribute ON attrelid = conrelid AND attnum = number)"
        " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE connamespace = 'public'::regnamespace AND relname <> 'alembic_version' AND contype <> 'n'"
    )
    for kind, name, table, referred, columns in rules:
        expected = {
            "p": f"pk_{table}",
            "u": f"uq_{table}_{columns}",
            "f": f"fk_{table}_{columns}_{referred.strip(chr(34))}",
            "c": f"ck_{table}_",
        }[kind]
        assert name == expected or (kind == "c" and name.startswith(expected)), name
    assert {kind for kind, *_ in rules} == set("pufc")
    indexes = postgres.rows(
        "SELECT indexname::text, tablename::text FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    assert [name for name, table in indexes if not re.match(f"(pk|uq|ix)_{table}(_|$)", name)] == []
    print(f"{len(rules)} rules and {len(indexes)} indexes, none without a name of ours")
