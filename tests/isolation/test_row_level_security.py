"""The third wall: what straight SQL as the application's role can see and change, without any predicate."""

from collections.abc import Callable

import pytest
from psycopg2 import errors

from app.models.database import User
from support import Postgres, empty

from .application import acting, connected, count, transaction
from .estate import NOWHERE, rows_of

OWNED = ("conversation", "message", "todo")
TABLES = ("user", *OWNED)
EACH = 3

Count = Callable[[str, object], None]

_SETTLE = """
    WITH one AS (INSERT INTO "user" (email, password_hash) VALUES (%s, 'none') RETURNING id),
    talk AS (
        INSERT INTO conversation (user_id, title, next_seq)
        SELECT id, 'talk', 2 FROM one, generate_series(1, %s) RETURNING id, user_id
    ),
    said AS (
        INSERT INTO message (user_id, conversation_id, seq, role, content)
        SELECT user_id, id, 1, 'user', 'said' FROM talk
    ),
    todo AS (INSERT INTO todo (user_id, title) SELECT id, 'do' FROM one, generate_series(1, %s))
    SELECT id FROM one
"""
_INSERT = {
    "conversation": "INSERT INTO conversation (user_id) VALUES (%(user)s)",
    "message": "INSERT INTO message (user_id, conversation_id, seq, role, content)"
    " VALUES (%(user)s, %(conversation)s, 2, 'user', 'planted')",
    "todo": "INSERT INTO todo (user_id, title) VALUES (%(user)s, 'planted')",
}
_SETTLE_EXTERNAL = 'INSERT INTO "user" (issuer, subject) VALUES (%s, %s) RETURNING id'


def settled(postgres: Postgres, name: str) -> int:
    """A user with rows in every table."""
    return int(postgres.value(_SETTLE, f"{name}@example.com", EACH, EACH))


@pytest.fixture
def alice(walled: Postgres) -> int:
    empty(walled)
    return settled(walled, "alice")


@pytest.fixture
def bob(walled: Postgres, alice: int) -> int:
    return settled(walled, "bob")


def _conversation(postgres: Postgres, user: int) -> int:
    return int(postgres.value("SELECT min(id) FROM conversation WHERE user_id = %s", user))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("identity", [{}, {"user_id": ""}, {"email": "", "issuer": "", "subject": ""}])
def test_nobody_sees_nothing(
    walled: Postgres, alice: int, bob: int, table: str, identity: dict[str, str]
) -> None:
    assert walled.value(f'SELECT count(*) FROM "{table}"') >= 2
    with acting(walled, **identity) as cursor:
        assert count(cursor, table) == 0


@pytest.mark.parametrize("table", OWNED)
def test_a_query_without_predicates_sees_its_users_rows_and_no_others(
    walled: Postgres, alice: int, bob: int, table: str, record_property: Count
) -> None:
    for user in (alice, bob):
        with acting(walled, user_id=user) as cursor:
            assert count(cursor, table) == count(cursor, table, f"user_id = {user}") == EACH
    record_property("rows seen of another user by straight SQL", (0, 4 * EACH))


def test_a_user_sees_one_account(walled: Postgres, alice: int, bob: int) -> None:
    with acting(walled, user_id=alice) as cursor:
        cursor.execute('SELECT id FROM "user"')
        assert cursor.fetchall() == [(alice,)]


@pytest.mark.parametrize("table", OWNED)
def test_a_row_can_be_made_for_oneself_and_for_nobody_else(
    walled: Postgres, alice: int, bob: int, table: str
) -> None:
    before = rows_of(walled, alice)
    theirs = {"user": alice, "conversation": _conversation(walled, alice)}
    for identity in ({"user_id": bob}, {}):
        refused = pytest.raises(errors.InsufficientPrivilege, match="row-level security")
        with refused, acting(walled, **identity) as cursor:
            cursor.execute(_INSERT[table], theirs)
    assert rows_of(walled, alice) == before
    with acting(walled, user_id=bob) as cursor:
        cursor.execute(_INSERT[table], {"user": bob, "conversation": _conversation(walled, bob)})
        assert cursor.rowcount == 1


def test_a_message_in_anothers_conversation_is_refused_like_one_in_none(
    walled: Postgres, alice: int, bob: int
) -> None:
    for conversation in (_conversation(walled, alice), NOWHERE):
        with pytest.raises(errors.ForeignKeyViolation), acting(walled, user_id=bob) as cursor:
            cursor.execute(_INSERT["message"], {"user": bob, "conversation": conversation})


def test_what_says_whose_a_row_is_and_where_it_stands_cannot_be_changed(
    walled: Postgres, alice: int, bob: int, record_property: Count
) -> None:
    fixed = (
        "id",
        "user_id",
        "conversation_id",
        "seq",
        "reply_to",
        "role",
        "client_id",
        "request_hash",
        "created_at",
        "email",
        "issuer",
        "subject",
    )
    refused = 0
    for name, table in User.metadata.tables.items():
        for column in sorted(set(fixed) & set(table.columns.keys())):
            denied = pytest.raises(errors.InsufficientPrivilege, match="permission denied")
            with denied, acting(walled, user_id=bob) as cursor:
                cursor.execute(f'UPDATE "{name}" SET {column} = DEFAULT')
            refused += 1
    assert refused >= 22
    record_property("columns of ownership and order that an update changed", (0, refused))


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("user", "UPDATE \"user\" SET password_hash = 'stolen'"),
        ("user", 'DELETE FROM "user"'),
        ("conversation", "UPDATE conversation SET title = 'changed', next_seq = 99"),
        ("conversation", "DELETE FROM conversation"),
        ("message", "UPDATE message SET content = 'changed', replaced = true, stop_requested = true"),
        ("todo", "UPDATE todo SET title = 'changed'"),
        ("todo", "DELETE FROM todo"),
    ],
)
def test_a_change_without_predicates_reaches_its_users_rows_and_no_others(
    walled: Postgres, alice: int, bob: int, table: str, change: str
) -> None:
    before = rows_of(walled, alice)
    with acting(walled) as cursor:
        cursor.execute(change)
        assert cursor.rowcount == 0
    with acting(walled, user_id=bob) as cursor:
        key = "id" if table == "user" else "user_id"
        cursor.execute(f"{change} WHERE {key} = {alice}")
        assert cursor.rowcount == 0
        cursor.execute(change)
        assert cursor.rowcount == (1 if table == "user" else EACH)
    assert rows_of(walled, alice) == before


@pytest.mark.parametrize(
    "statement",
    [
        *(f'TRUNCATE "{table}" CASCADE' for table in TABLES),
        *(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY' for table in TABLES),
        *(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY' for table in TABLES),
        *(f'CREATE POLICY mine ON "{table}" USING (true)' for table in TABLES),
        *(f'DROP TABLE "{table}" CASCADE' for table in TABLES),
        "DELETE FROM message",
        "DROP POLICY own ON todo",
        "CREATE TRIGGER mine BEFORE UPDATE ON todo EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE RULE mine AS ON INSERT TO todo DO INSTEAD NOTHING",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "UPDATE alembic_version SET version_num = 'mine'",
        "SET session_replication_role = replica",
        "SET row_security = off; SELECT * FROM todo",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_role_cannot_get_around_the_wall(walled: Postgres, alice: int, bob: int, statement: str) -> None:
    before = rows_of(walled, alice)
    with pytest.raises(errors.InsufficientPrivilege), acting(walled, user_id=bob) as cursor:
        cursor.execute(statement)
    assert rows_of(walled, alice) == before


def test_the_identity_ends_with_its_transaction(walled: Postgres, alice: int) -> None:
    with connected(walled) as connection:
        with transaction(connection, user_id=alice) as cursor:
            assert count(cursor, "todo") == EACH
        with transaction(connection) as cursor:
            assert count(cursor, "todo") == 0
        with pytest.raises(errors.DivisionByZero), transaction(connection, user_id=alice) as cursor:
            cursor.execute("SELECT 1 / (count(*) - %s) FROM todo", [EACH])
        with transaction(connection) as cursor:
            assert count(cursor, "todo") == 0
            cursor.execute("SELECT current_setting('app.user_id', true), current_user = session_user")
            assert cursor.fetchall() == [("", False)]
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user = session_user")
            assert cursor.fetchall() == [(True,)]


@pytest.mark.parametrize("wrong", ["1 OR true", "alice", "99999999999999999999"])
def test_an_identity_that_is_no_number_is_an_error_and_not_everybody(
    walled: Postgres, alice: int, wrong: str
) -> None:
    refused = pytest.raises((errors.InvalidTextRepresentation, errors.NumericValueOutOfRange))
    with refused, acting(walled, user_id=wrong) as cursor:
        count(cursor, "todo")


def test_signing_in_sees_the_account_that_is_named_and_nothing_else(
    walled: Postgres, alice: int, bob: int
) -> None:
    issuer, other = "https://one.example", "https://other.example"
    carol = walled.value(_SETTLE_EXTERNAL, issuer, "carol")
    walled.value(_SETTLE_EXTERNAL, other, "carol")
    walled.value(_SETTLE_EXTERNAL, issuer, "dave")
    for identity, account in (
        ({"email": "alice@example.com"}, alice),
        ({"issuer": issuer, "subject": "carol"}, carol),
        ({"email": "nobody@example.com"}, None),
        ({"issuer": issuer}, None),
        ({"subject": "carol"}, None),
        ({"issuer": "", "subject": ""}, None),
    ):
        with acting(walled, **identity) as cursor:
            cursor.execute('SELECT id FROM "user"')
            assert cursor.fetchall() == ([] if account is None else [(account,)])
            assert [count(cursor, table) for table in OWNED] == [0, 0, 0]
            cursor.execute("UPDATE \"user\" SET password_hash = 'stolen'")
            assert cursor.rowcount == 0
            cursor.execute('DELETE FROM "user"')
            assert cursor.rowcount == 0


def test_an_account_is_made_in_its_own_name_only(walled: Postgres, alice: int) -> None:
    register = "INSERT INTO \"user\" (email, password_hash) VALUES ('new@example.com', 'none')"
    for identity in ({}, {"email": "other@example.com"}, {"user_id": alice}):
        refused = pytest.raises(errors.InsufficientPrivilege, match="row-level security")
        with refused, acting(walled, **identity) as cursor:
            cursor.execute(register)
    with acting(walled, email="new@example.com") as cursor:
        cursor.execute(register)
        assert cursor.rowcount == 1


NOTE = "INSERT INTO audit (event, actor, user_id) VALUES ('signed_in', 'user', %s)"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM audit",
        "SELECT count(*) FROM audit",
        "UPDATE audit SET event = 'changed'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit (event, actor, created_at) VALUES ('signed_in', 'user', now())",
        "INSERT INTO audit (event, actor) VALUES ('signed_in', 'user') RETURNING id",
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_the_role_can_do_nothing_with_the_record_but_append(
    walled: Postgres, alice: int, statement: str, named: bool
) -> None:
    identity = {"user_id": alice} if named else {}
    with acting(walled, **identity) as cursor:
        cursor.execute(NOTE, [alice])
        assert cursor.rowcount == 1
    before = walled.rows("SELECT * FROM audit ORDER BY id")
    assert len(before) == 1
    with pytest.raises(errors.InsufficientPrivilege), acting(walled, **identity) as cursor:
        cursor.execute(statement)
    assert walled.rows("SELECT * FROM audit ORDER BY id") == before


def test_in_a_users_name_nothing_is_noted_about_another(walled: Postgres, alice: int, bob: int) -> None:
    for about in (bob, None):
        with acting(walled, user_id=bob) as cursor:
            cursor.execute(NOTE, [about])
    with pytest.raises(errors.InsufficientPrivilege), acting(walled, user_id=bob) as cursor:
        cursor.execute(NOTE, [alice])
    assert walled.rows("SELECT user_id FROM audit ORDER BY id") == [(bob,), (None,)]


@pytest.mark.parametrize("event", ["alice@example.com", "Signed in", "x" * 41, ""])
def test_no_text_of_a_user_fits_into_the_record(walled: Postgres, alice: int, event: str) -> None:
    note = "INSERT INTO audit (event, actor, network) VALUES (%s, %s, %s)"
    for values in ((event, "user", None), ("signed_in", event, None)):
        with pytest.raises(errors.CheckViolation), acting(walled, user_id=alice) as cursor:
            cursor.execute(note, values)
    with pytest.raises(errors.InvalidTextRepresentation), acting(walled, user_id=alice) as cursor:
        cursor.execute(note, ("signed_in", "user", event))


def test_a_departure_is_written_by_the_end_of_an_account_and_seen_by_its_own_subject(
    walled: Postgres, alice: int
) -> None:
    issuer = "https://one.example"
    carol = walled.value(_SETTLE_EXTERNAL, issuer, "carol")
    made_up = "INSERT INTO departure (subject_hash) VALUES ('made up')"
    for identity in ({}, {"user_id": carol}, {"issuer": issuer, "subject": "carol"}):
        refused = pytest.raises(errors.InsufficientPrivilege, match="row-level security")
        with refused, acting(walled, **identity) as cursor:
            cursor.execute(made_up)
    for user, left in ((alice, 0), (carol, 1)):
        with acting(walled, user_id=user) as cursor:
            cursor.execute('DELETE FROM "user"')
        assert walled.value("SELECT count(*) FROM departure") == left
    for identity, seen in (
        ({}, 0),
        ({"user_id": carol}, 0),
        ({"issuer": issuer, "subject": "dave"}, 0),
        ({"issuer": issuer + "/", "subject": "carol"}, 0),
        ({"issuer": issuer, "subject": "carol"}, 1),
    ):
        with acting(walled, **identity) as cursor:
            assert count(cursor, "departure") == seen


_WORDS = """
    INSERT INTO message_words (user_id, conversation_id, seq, part, created_at, document)
    VALUES (%s, %s, 1, 0, now(), %s)
"""
_ASK = "SELECT set_config('app.query', %s, true)"


@pytest.fixture
def words(walled: Postgres, alice: int, bob: int) -> None:
    """The same word of both, and of each in their own name."""
    for user in (alice, bob):
        walled.rows(_WORDS, user, _conversation(walled, user), f"'{user}/said':1 'said':2")


def test_words_are_seen_by_whom_they_belong_to_and_only_by_a_query(
    walled: Postgres, alice: int, bob: int, words: None
) -> None:
    asked = {None: 0, "": 0, f"'{alice}/said':*": 0, f"'{bob}/said':*": 1, "said": 1, "!nothing": 1, "bob": 0}
    for query, seen in asked.items():
        with acting(walled, user_id=bob) as cursor:
            if query is not None:
                cursor.execute(_ASK, [query])
            cursor.execute("SELECT user_id FROM message_words")
            assert cursor.fetchall() == [(bob,)] * seen, query
        with acting(walled) as cursor:
            cursor.execute(_ASK, [query or ""])
            assert count(cursor, "message_words") == 0
    with acting(walled, user_id=alice) as cursor:
        assert count(cursor, "message_words") == 0, "a query ends with its transaction"


def test_words_are_stored_for_oneself_in_ones_own_conversations_and_stay(
    walled: Postgres, alice: int, bob: int
) -> None:
    own, theirs = _conversation(walled, bob), _conversation(walled, alice)
    for user, conversation, refusal in (
        (alice, theirs, errors.InsufficientPrivilege),
        (alice, own, errors.InsufficientPrivilege),
        (bob, theirs, errors.ForeignKeyViolation),
        (bob, NOWHERE, errors.ForeignKeyViolation),
    ):
        with pytest.raises(refusal), acting(walled, user_id=bob) as cursor:
            cursor.execute(_WORDS, (user, conversation, "said"))
    with pytest.raises(errors.ForeignKeyViolation):
        walled.rows(_WORDS, bob, theirs, "said")  # not even a superuser
    with acting(walled, user_id=bob) as cursor:
        cursor.execute(_WORDS, (bob, own, "said"))
        assert cursor.rowcount == 1
    for change in ("UPDATE message_words SET document = ''", "DELETE FROM message_words"):
        with pytest.raises(errors.InsufficientPrivilege), acting(walled, user_id=bob) as cursor:
            cursor.execute(change)
    assert walled.rows("SELECT user_id, conversation_id FROM message_words") == [(bob, own)]
