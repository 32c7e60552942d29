"""The third wall without an identity: every verb on every table, and policies that take '' for a number."""

import re
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from psycopg2 import extensions

from app.db.identity import ROLE
from app.db.isolation import GRANTS, POLICIES
from support import Postgres, empty

from .application import connected

NOBODY = {"never set": None, "set and forgotten": ""}
"""What `app.user_id` is: on a new connection, and on one that another transaction has used."""

PLANTED = {
    "audit": "(event, actor, user_id) VALUES ('signed_in', 'user', {user})",
    "conversation": "(user_id) VALUES ({user})",
    "departure": "(subject_hash) VALUES ('made up')",
    "message": "(user_id, conversation_id, seq, role, content) VALUES ({user}, {talk}, 2, 'user', 'planted')",
    "message_words": "(user_id, conversation_id, seq, part, created_at, document)"
    " VALUES ({user}, {talk}, 1, 1, now(), '')",
    "todo": "(user_id, title) VALUES ({user}, 'planted')",
    "user": "(email, password_hash) VALUES ('planted@example.com', 'none')",
}
WHOLE = "NULLIF(current_setting('app.user_id'::text, true), ''::text)"
CAST_AS_IT_IS = "current_setting('app.user_id'::text, true)"
PUT_TO_THE_TEST = [
    (table, name)
    for table, policies in POLICIES.items()
    for name, definition in policies.items()
    if WHOLE in definition
]
REFUSED = "InsufficientPrivilege"

_SETTLED = """
    WITH alice AS (
        INSERT INTO "user" (email, password_hash) VALUES ('alice@example.com', 'none') RETURNING id
    ),
    talk AS (INSERT INTO conversation (user_id, next_seq) SELECT id, 2 FROM alice RETURNING id, user_id),
    said AS (
        INSERT INTO message (user_id, conversation_id, seq, role, content)
        SELECT user_id, id, 1, 'user', 'said' FROM talk
    ),
    words AS (
        INSERT INTO message_words (user_id, conversation_id, seq, part, created_at, document)
        SELECT user_id, id, 1, 0, now(), 'said' FROM talk
    ),
    gone AS (INSERT INTO departure (subject_hash) VALUES ('somebody')),
    todo AS (INSERT INTO todo (user_id, title) SELECT id, 'do' FROM alice)
    SELECT user_id, id FROM talk
"""

Count = Callable[[str, object], None]
Answers = dict[str, int | str]
"""For each verb, how many rows it reached, or the name of its error."""


@pytest.fixture
def alice(walled: Postgres) -> dict[str, int]:
    """A user with a row in every table that nobody may read, by her id and that of her conversation."""
    empty(walled)
    [(user, talk)] = walled.rows(_SETTLED)
    return {"user": user, "talk": talk}


def answers(
    postgres: Postgres, table: str, alice: dict[str, int], user_id: str | None, policy: str = ""
) -> Answers:
    """What the role is answered on a table, after the SQL of `policy`. Nothing of either stays."""
    with connected(postgres) as connection, connection.cursor() as cursor:
        if policy:
            cursor.execute(policy)
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        cursor.execute("SELECT set_config('app.query', 'said', true)")  # else nobody sees any words
        if user_id is not None:
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [user_id])
        return {verb: _answer(cursor, sql) for verb, sql in _statements(table, alice)}


def _statements(table: str, alice: dict[str, int]) -> Iterator[tuple[str, str]]:
    """A statement without any predicate for each verb that the role may use on the table."""
    granted = GRANTS[table]
    columns = [found[1] for one in sorted(granted) if (found := re.fullmatch(r"UPDATE \((\w+)\)", one))]
    yield "INSERT", f'INSERT INTO "{table}" {PLANTED[table].format(**alice)}'
    if "SELECT" in granted:
        yield "SELECT", f'SELECT FROM "{table}"'
    if columns:
        yield "UPDATE", f'UPDATE "{table}" SET {columns[0]} = DEFAULT'
    if "DELETE" in granted:
        yield "DELETE", f'DELETE FROM "{table}"'


def _answer(cursor: extensions.cursor, sql: str) -> int | str:
    cursor.execute("SAVEPOINT before")
    try:
        cursor.execute(sql)
    except psycopg2.Error as error:
        cursor.execute("ROLLBACK TO before")
        return type(error).__name__
    return cursor.rowcount


def _due(table: str) -> Answers:
    """What nobody is answered: there are no rows, and none can be made but in the record."""
    verbs = (verb for verb, _ in _statements(table, {"user": 0, "talk": 0}))
    return dict.fromkeys(verbs, 0) | {"INSERT": 1 if table == "audit" else REFUSED}


@pytest.mark.parametrize("user_id", NOBODY.values(), ids=NOBODY)
@pytest.mark.parametrize("table", sorted(PLANTED))
def test_nobody_reaches_a_row_by_any_verb(
    walled: Postgres, alice: dict[str, int], table: str, user_id: str | None, record_property: Count
) -> None:
    reached = answers(walled, table, alice, user_id)
    assert reached == _due(table)
    record_property("verbs by which nobody reaches a row or an error", (0, len(reached)))


@pytest.mark.parametrize(("table", "name"), PUT_TO_THE_TEST)
def test_a_policy_that_takes_no_text_for_a_number_is_found(
    walled: Postgres, alice: dict[str, int], table: str, name: str
) -> None:
    """Whoever forgets NULLIF has a service whose connections fail from their second transaction on."""
    definition = POLICIES[table][name].replace(WHOLE, CAST_AS_IT_IS)
    spoilt = f'DROP POLICY {name} ON "{table}"; CREATE POLICY {name} ON "{table}" {definition}'
    reached = answers(walled, table, alice, "", spoilt)
    assert reached != _due(table)
    assert "InvalidTextRepresentation" in reached.values()
    assert answers(walled, table, alice, None, spoilt) == _due(table), "only a used connection shows it"
