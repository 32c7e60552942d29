"""The third wall as the catalogue has it: a table, view or function that is new cannot be forgotten."""

from collections.abc import Iterator

import pytest

from app.db.identity import ROLE
from app.models.database import User
from support import Postgres

WITHOUT_USER_DATA = ("alembic_version",)

_UNPROTECTED = """
    SELECT relname FROM pg_class AS one
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL (%s)
    AND NOT (
        relrowsecurity AND relforcerowsecurity
        AND EXISTS (SELECT FROM pg_policy WHERE polrelid = one.oid AND %s::regrole = ANY (polroles))
    )
"""
_OPEN_TO_ALL = "SELECT polname FROM pg_policy WHERE polroles = '{0}'"
_AROUND = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'f')
    UNION ALL
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
"""


def unprotected(postgres: Postgres) -> list[str]:
    """Tables without row-level security for the application's role and for their owner."""
    return [table for (table,) in postgres.rows(_UNPROTECTED, list(WITHOUT_USER_DATA), ROLE)]


def ways_around(postgres: Postgres) -> list[str]:
    """What reads with its owner's rights, and policies for everybody."""
    return [name for (name,) in postgres.rows(_AROUND) + postgres.rows(_OPEN_TO_ALL)]


@pytest.fixture
def planted(walled: Postgres) -> Iterator[Postgres]:
    """A schema with every mistake."""
    walled.rows("CREATE TABLE planted (user_id bigint)")
    walled.rows("CREATE VIEW everybody AS SELECT * FROM planted")
    walled.rows("CREATE FUNCTION everyone() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
    walled.rows("CREATE POLICY open ON planted USING (true)")
    yield walled
    walled.rows("DROP FUNCTION everyone")
    walled.rows("DROP TABLE planted CASCADE")


def test_every_table_has_row_level_security_for_its_owner_too(walled: Postgres) -> None:
    assert unprotected(walled) == []


def test_the_tables_are_those_of_the_models(walled: Postgres) -> None:
    """What the other tests of this folder look at is all that there is."""
    found = walled.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {table for (table,) in found} == {*User.metadata.tables, *WITHOUT_USER_DATA}


def test_a_table_without_it_is_found(planted: Postgres) -> None:
    assert unprotected(planted) == ["planted"]
    planted.rows("ALTER TABLE planted ENABLE ROW LEVEL SECURITY")
    planted.rows(f"CREATE POLICY own ON planted TO {ROLE} USING (false)")
    assert unprotected(planted) == ["planted"]
    planted.rows("ALTER TABLE planted FORCE ROW LEVEL SECURITY")
    assert unprotected(planted) == []


def test_nothing_reads_with_the_rights_of_its_owner(walled: Postgres) -> None:
    assert ways_around(walled) == []


def test_a_view_a_function_and_a_policy_that_do_are_found(planted: Postgres) -> None:
    assert ways_around(planted) == ["everybody", "everyone", "open"]


def test_the_role_has_no_attributes_and_no_roles_and_owns_nothing(walled: Postgres) -> None:
    attributes = walled.rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin"
        " FROM pg_roles WHERE rolname = %s",
        ROLE,
    )
    assert attributes == [(False,) * 6]
    assert walled.rows("SELECT roleid::regrole FROM pg_auth_members WHERE member = %s::regrole", ROLE) == []
    owned = "SELECT classid::regclass, objid FROM pg_shdepend WHERE deptype = 'o' AND refobjid = %s::regrole"
    assert walled.rows(owned, ROLE) == []


def test_the_role_may_do_with_tables_what_the_service_does_and_no_more(walled: Postgres) -> None:
    granted = walled.rows(
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type)"
        " FROM information_schema.role_table_grants WHERE grantee IN (%s, 'PUBLIC')"
        " AND table_schema = 'public' GROUP BY table_name",
        ROLE,
    )
    assert dict(granted) == {
        "alembic_version": "SELECT",
        "conversation": "DELETE INSERT SELECT",
        "departure": "SELECT",
        "message": "INSERT SELECT",
        "message_words": "INSERT SELECT",
        "todo": "DELETE INSERT SELECT",
        "user": "DELETE INSERT SELECT",
    }


def test_the_role_may_change_what_the_service_changes_and_nothing_else(walled: Postgres) -> None:
    granted = walled.rows(
        "SELECT table_name, string_agg(column_name, ' ' ORDER BY column_name)"
        " FROM information_schema.column_privileges WHERE grantee IN (%s, 'PUBLIC')"
        " AND table_schema = 'public' AND privilege_type = 'UPDATE' GROUP BY table_name",
        ROLE,
    )
    assert dict(granted) == {
        "conversation": "archived deleted_at indexed_seq next_seq pinned title title_source updated_at",
        "message": "content feedback finish_reason lease_until model parts replaced status stop_requested"
        " timings usage",
        "todo": "completed description title updated_at",
        "user": "generation password_hash",
    }


def test_the_role_can_only_append_to_the_record_and_not_say_when(walled: Postgres) -> None:
    granted = walled.rows(
        "SELECT privilege_type, string_agg(column_name, ' ' ORDER BY column_name)"
        " FROM information_schema.column_privileges WHERE grantee IN (%s, 'PUBLIC')"
        " AND table_name = %s AND table_schema = 'public' GROUP BY privilege_type",
        ROLE,
        "audit",
    )
    assert granted == [("INSERT", "actor event network user_id")]
