"""`doctor` finds what would let users see each other's rows, and what it says to do about it helps."""

from collections.abc import Iterator

import pytest

from app.db.identity import ROLE
from app.db.migrations import migrate
from app.doctor import Finding, examine
from app.repositories.users import every_account
from support import Postgres, settings

ANYBODY = "nullif(current_setting('app.user_id', true), '') IS NOT NULL"

GIVEN_AWAY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE 'ALTER TABLE ' || name || ' OWNER TO another';
    END LOOP;
END $$
"""


@pytest.fixture
def alone(own_cluster: Postgres) -> Iterator[Postgres]:
    """A database in a cluster where the role is nobody else's, with a user who has a todo."""
    own_cluster.rows("CREATE DATABASE examined")
    postgres = Postgres(own_cluster.url.set(database="examined"))
    migrate(postgres.url)
    postgres.rows("INSERT INTO \"user\" (email, password_hash) VALUES ('a@b.c', '')")
    postgres.rows("INSERT INTO todo (user_id, title) SELECT id, 'x' FROM \"user\"")
    postgres.rows("INSERT INTO audit (event, actor) VALUES ('purged', 'operator')")
    postgres.rows("INSERT INTO departure (subject_hash) VALUES ('x')")
    yield postgres
    own_cluster.rows("DROP DATABASE examined WITH (FORCE)")
    own_cluster.rows(f"DROP ROLE {ROLE}")


def faults(postgres: Postgres, **changes: object) -> list[Finding]:
    """What is wrong."""
    return [finding for finding in examine(settings(postgres, **changes)) if not finding.good]


def mend(postgres: Postgres) -> None:
    """Does what the doctor says."""
    for finding in faults(postgres):
        _, _, statement = finding.sentence.partition(": ")
        if statement.endswith(";"):
            postgres.rows(statement)


@pytest.mark.parametrize(
    ("fault", "what", "said"),
    [
        ("ALTER TABLE message DISABLE ROW LEVEL SECURITY", "row-level security of message", "ENABLE"),
        ("ALTER TABLE todo NO FORCE ROW LEVEL SECURITY", "row-level security of todo", "FORCE"),
        (f"CREATE POLICY leak ON message TO {ROLE} USING (true)", "row-level security of message", "leak"),
        ("CREATE POLICY leak ON message USING (true)", "row-level security of message", "leak"),
        ("CREATE POLICY hides ON todo AS RESTRICTIVE USING (false)", "row-level security of todo", "hides"),
        (f"ALTER POLICY own ON message USING ({ANYBODY})", "row-level security of message", "own"),
        (f"ALTER POLICY own ON message WITH CHECK ({ANYBODY})", "row-level security of message", "own"),
        (f"ALTER POLICY own ON todo USING ({ANYBODY})", "row-level security of todo", "user -1"),
        ("ALTER POLICY own_select ON \"user\" TO public", "row-level security of user", "own_select"),
        ("DROP POLICY own ON conversation", "row-level security of conversation", "CREATE POLICY own"),
        (f"ALTER TABLE message OWNER TO {ROLE}", f"role {ROLE}", "table message: REASSIGN"),
        (f"GRANT pg_read_all_data TO {ROLE}", f"role {ROLE}", "pg_read_all_data"),
        (f"GRANT TRUNCATE ON message TO {ROLE}", f"role {ROLE}", "REVOKE TRUNCATE"),
        (f"GRANT UPDATE (user_id) ON todo TO {ROLE}", f"role {ROLE}", "REVOKE UPDATE (user_id)"),
        ('GRANT SELECT ON "user" TO PUBLIC', f"role {ROLE}", "FROM PUBLIC"),
        (f"REVOKE INSERT ON message FROM {ROLE}", f"role {ROLE}", "GRANT INSERT"),
        (f"ALTER ROLE {ROLE} BYPASSRLS LOGIN", f"role {ROLE}", "NOBYPASSRLS NOLOGIN"),
    ],
)  # fmt: skip
def test_what_it_says_mends_it(alone: Postgres, fault: str, what: str, said: str) -> None:
    assert faults(alone) == []
    alone.rows(fault)
    found = faults(alone)
    assert [one for one in found if one.what == what and said in one.sentence], found
    for _ in range(2):  # an owner has all rights: the ones that it should have are missing afterwards
        mend(alone)
    assert faults(alone) == []


def test_a_login_to_which_the_accounts_are_hidden_is_found_and_mended(
    alone: Postgres,
) -> None:
    """As after a restore under another name: `user list` and `purge` would find nothing, and say nothing."""
    alone.rows(f"CREATE ROLE another LOGIN PASSWORD 'plain' IN ROLE {ROLE}; {GIVEN_AWAY}")
    another = Postgres(alone.url.set(username="another", password="plain"))
    url = another.url.render_as_string(hide_password=False)
    assert [one.what for one in faults(alone, database_url_unpooled=url)] == ["administration"] * 3
    assert every_account(another.url) == []
    mend(another)
    assert faults(another) == []
    assert [account.email for account in every_account(another.url)] == ["a@b.c"]
    for table in ("departure", "audit"):
        assert another.rows(f"DELETE FROM {table} RETURNING 1") == [(1,)]
    alone.rows(f"{GIVEN_AWAY.replace('another', 'CURRENT_USER')}; DROP OWNED BY another; DROP ROLE another")


def test_rows_that_a_stranger_sees_are_found_in_any_schema(alone: Postgres) -> None:
    """Policies of a later version are not known; what they let through is seen all the same."""
    alone.rows("UPDATE alembic_version SET version_num = '2099_01_01_later'")
    alone.rows(f"CREATE POLICY later ON todo TO {ROLE} USING (false)")
    assert faults(alone) == []
    alone.rows(f"ALTER POLICY later ON todo USING ({ANYBODY})")
    assert [one.what for one in faults(alone)] == ["row-level security of todo"]


def test_all_connections_that_a_process_may_open_are_counted(postgres: Postgres) -> None:
    """Those for exports and erasures too; and what the server reserves is nobody's."""
    room = int(postgres.value("SHOW max_connections")) - int(
        postgres.value("SHOW superuser_reserved_connections")
    )
    [fault] = faults(postgres, database_pool_size=room - 4)
    sentence = f"{room} of the server's {room} for each process: lower DATABASE_POOL_SIZE"
    assert (fault.what, fault.sentence) == ("connections", sentence)
    assert faults(postgres, database_pool_size=room - 5) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chat_model": "foo:bar"}, "CHAT_MODEL"),
        ({"chat_model": "openai:gpt"}, "OPENAI_API_KEY: needed"),
        ({"chat_model": "json:loads"}, "CHAT_MODEL"),
    ],
)
def test_an_assistant_that_cannot_be_made_is_found(
    postgres: Postgres, change: dict[str, str], said: str
) -> None:
    [fault] = faults(postgres, **change)
    assert fault.what == "assistant"
    assert said in fault.sentence
    assert faults(postgres, chat_model="openai:gpt", openai_api_key="sk-x") == []


@pytest.mark.parametrize(
    ("change", "name"),
    [({}, "todo"), ({"chat_model": "openai:gpt", "openai_api_key": "sk-x"}, "openai:gpt")],
)
def test_of_an_assistant_that_was_not_asked_it_does_not_say_that_it_answers(
    postgres: Postgres, change: dict[str, str], name: str
) -> None:
    [said] = [one.sentence for one in examine(settings(postgres, **change)) if one.what == "assistant"]
    assert said == f"{name} is set up, and was not asked"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1", "leads to this machine"),
        ("db.example", "in the clear"),
        ("db.example?sslmode=prefer&channel_binding=prefer", "in the clear"),
        ("db.example?sslmode=require", "add channel_binding=require"),
        ("db.example?sslmode=require&channel_binding=require", "must prove who it is"),
        ("db.example?sslmode=verify-full", "must prove who it is"),
    ],
)
def test_it_says_what_protects_the_way_to_the_database(postgres: Postgres, host: str, said: str) -> None:
    name, _, options = host.partition("?")
    address = f"postgresql://user:password@{name}/chat?{options}"
    found = examine(settings(postgres, database_url=address))
    assert said in next(one.sentence for one in found if one.what == "address")
