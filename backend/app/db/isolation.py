"""Checks that what keeps users apart in the database is still as the migrations made it.

A fault is a sentence, usually with the SQL that repairs it, to be run by the owner of the tables.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from .identity import ROLE

NOBODIES = ("", "-1")
"""No user, and a user that cannot exist: ids begin with 1."""

GRANTS = {
    "alembic_version": {"SELECT"},
    "audit": {"INSERT (event)", "INSERT (actor)", "INSERT (user_id)", "INSERT (network)"},
    "conversation": {
        *("SELECT", "INSERT", "DELETE"),
        *("UPDATE (title)", "UPDATE (title_source)", "UPDATE (next_seq)", "UPDATE (updated_at)"),
        *("UPDATE (pinned)", "UPDATE (archived)", "UPDATE (deleted_at)", "UPDATE (indexed_seq)"),
    },
    "departure": {"SELECT", "INSERT (subject_hash)"},
    "message": {
        *("SELECT", "INSERT"),
        *("UPDATE (content)", "UPDATE (status)", "UPDATE (model)", "UPDATE (finish_reason)"),
        *("UPDATE (usage)", "UPDATE (timings)", "UPDATE (parts)", "UPDATE (lease_until)"),
        *("UPDATE (replaced)", "UPDATE (stop_requested)", "UPDATE (feedback)"),
    },
    "message_words": {"SELECT", "INSERT"},
    "todo": {
        *("SELECT", "INSERT", "DELETE"),
        *("UPDATE (title)", "UPDATE (description)", "UPDATE (completed)", "UPDATE (updated_at)"),
    },
    "user": {"SELECT", "INSERT", "DELETE", "UPDATE (password_hash)", "UPDATE (generation)"},
}
"""The privileges of the application's role after all migrations."""

_USER_ID = "( SELECT (NULLIF(current_setting('app.user_id'::text, true), ''::text))::bigint AS \"nullif\")"
_OWN, _OWN_ACCOUNT = f"(user_id = {_USER_ID})", f"(id = {_USER_ID})"
_EMAIL, _ISSUER, _SUBJECT = (
    f"({name} = ( SELECT NULLIF(current_setting('app.{name}'::text, true), ''::text) AS \"nullif\"))"
    for name in ("email", "issuer", "subject")
)
_SIGNS_IN = f"({_EMAIL} OR ({_ISSUER} AND {_SUBJECT}))"
_QUERY = "( SELECT (NULLIF(current_setting('app.query'::text, true), ''::text))::tsquery AS \"nullif\")"
_SUBJECT_HASH = (
    "( SELECT sha256(convert_to((json_build_array(current_setting('app.issuer'::text, true),"
    " current_setting('app.subject'::text, true)))::text, 'UTF8'::name)) AS sha256)"
)

_OWN_ROWS = {"own": f"FOR ALL TO {ROLE} USING ({_OWN}) WITH CHECK ({_OWN})"}
POLICIES = {
    "audit": {"append": f"FOR INSERT TO {ROLE} WITH CHECK (COALESCE((user_id = {_USER_ID}), true))"},
    "conversation": _OWN_ROWS,
    "departure": {
        "by_trigger": f"FOR INSERT TO {ROLE} WITH CHECK ((pg_trigger_depth() > 0))",
        "own": f"FOR SELECT TO {ROLE} USING ((subject_hash = {_SUBJECT_HASH}))",
    },
    "message": _OWN_ROWS,
    "message_words": {
        "append": f"FOR INSERT TO {ROLE} WITH CHECK ({_OWN})",
        "found": f"FOR SELECT TO {ROLE} USING (({_OWN} AND (document @@ {_QUERY})))",
    },
    "todo": _OWN_ROWS,
    "user": {
        "own_delete": f"FOR DELETE TO {ROLE} USING ({_OWN_ACCOUNT})",
        "own_select": f"FOR SELECT TO {ROLE} USING ({_OWN_ACCOUNT})",
        "own_update": f"FOR UPDATE TO {ROLE} USING ({_OWN_ACCOUNT})",
        "register": f"FOR INSERT TO {ROLE} WITH CHECK ({_SIGNS_IN})",
        "sign_in": f"FOR SELECT TO {ROLE} USING ({_SIGNS_IN})",
    },
}
"""The policies that apply to the application's role, with expressions as Postgres prints them."""

ADMINISTERED = {"audit": "ALL", "departure": "ALL", "user": "SELECT"}
"""The commands that a login for administration must be able to run on all rows of these tables."""

_ATTRIBUTES = text(
    """
    SELECT concat_ws(' ',
        CASE WHEN rolsuper THEN 'NOSUPERUSER' END, CASE WHEN rolbypassrls THEN 'NOBYPASSRLS' END,
        CASE WHEN rolcreaterole THEN 'NOCREATEROLE' END, CASE WHEN rolcreatedb THEN 'NOCREATEDB' END,
        CASE WHEN rolreplication THEN 'NOREPLICATION' END, CASE WHEN rolcanlogin THEN 'NOLOGIN' END)
    FROM pg_roles WHERE rolname = :role
    """
)
_MEMBERSHIPS = text(
    "SELECT quote_ident(pg_get_userbyid(roleid)) FROM pg_auth_members"
    " WHERE member = to_regrole(:role) ORDER BY 1"
)
_OWNED = text(
    """
    SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass AND refobjid = to_regrole(:role) AND deptype = 'o'
        AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1
    """
)
_GRANTED = text(
    """
    SELECT privilege_type || coalesce(' (' || quote_ident(attname) || ')', ''),
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE :role END
    FROM (
        SELECT (aclexplode(relacl)).*, NULL AS attname FROM pg_class WHERE oid = to_regclass(:table)
        UNION ALL
        SELECT (aclexplode(attacl)).*, attname FROM pg_attribute WHERE attrelid = to_regclass(:table)
    ) AS entry
    WHERE grantee IN (0, to_regrole(:role))
    """
)
_MET = text(
    """
    SELECT quote_ident(policyname), concat_ws(' ',
        CASE permissive WHEN 'RESTRICTIVE' THEN 'AS RESTRICTIVE' END, 'FOR', cmd,
        'TO', array_to_string(roles, ', '), 'USING (' || qual || ')', 'WITH CHECK (' || with_check || ')')
    FROM pg_policies
    JOIN pg_namespace ON nspname = schemaname
    JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = tablename
        AND pg_class.oid = to_regclass(:table)
    WHERE roles && ARRAY['public', :role]::name[]
    """
)
_FORCED = text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:table)")
_OTHER_OWNER = text(
    """
    SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class
    WHERE oid = to_regclass('"user"') AND NOT pg_has_role(relowner, 'USAGE')
    """
)
_HIDDEN = text(
    """
    SELECT quote_ident(current_user) FROM pg_class
    WHERE oid = to_regclass(:table) AND pg_has_role(relowner, 'USAGE') AND row_security_active(oid)
    AND NOT EXISTS (
        SELECT FROM pg_policy, unnest(polroles) AS role
        WHERE polrelid = pg_class.oid AND polpermissive AND pg_get_expr(polqual, polrelid) = 'true'
            AND polcmd IN ('*', CASE :command WHEN 'SELECT' THEN 'r' END)
            AND CASE role WHEN 0 THEN true ELSE pg_has_role(current_user, role, 'USAGE') END
    )
    """
)


def other_owner(connection: Connection) -> str | None:
    """Returns the owner of the tables if this login is neither the owner nor a member: it can only serve."""
    owner: str | None = connection.scalar(_OTHER_OWNER)
    return owner


def administration_faults(connection: Connection) -> Iterator[str]:
    """Yields tables whose rows the owner's login cannot see: its commands would silently find nothing."""
    for table, command in ADMINISTERED.items():
        if login := connection.scalar(_HIDDEN, {"table": f'"{table}"', "command": command}):
            drop = f'DROP POLICY IF EXISTS administer ON "{table}"'
            create = f'CREATE POLICY administer ON "{table}" FOR {command} TO {login} USING (true)'
            yield f'{login} sees nothing in "{table}": {drop}; {create};'


def role_faults(connection: Connection, *, exactly: bool) -> Iterator[str]:
    """Yields what the application's role has, owns or belongs to but should not. The role must exist.

    `exactly` compares its table privileges with those that this version's migrations grant.
    """
    role = {"role": ROLE}
    if attributes := connection.scalar(_ATTRIBUTES, role):
        yield f"has rights of its own: ALTER ROLE {ROLE} {attributes};"
    for name in connection.scalars(_MEMBERSHIPS, role):
        yield f"belongs to {name}: REVOKE {name} FROM {ROLE};"
    if owned := ", ".join(connection.scalars(_OWNED, role)):
        yield f"owns {owned}: REASSIGN OWNED BY {ROLE} TO CURRENT_USER;"
    for table, grants in GRANTS.items() if exactly else ():
        expected = {(privilege, ROLE) for privilege in grants}
        granted = {(row[0], row[1]) for row in connection.execute(_GRANTED, {**role, "table": f'"{table}"'})}
        for privilege, grantee in sorted(granted - expected):
            yield f'may do more than it should: REVOKE {privilege} ON "{table}" FROM {grantee};'
        for privilege, grantee in sorted(expected - granted):
            yield f'may do less than it should: GRANT {privilege} ON "{table}" TO {grantee};'


def table_faults(connection: Connection, table: str, *, exactly: bool) -> Iterator[str]:
    """Yields what is wrong with the row-level security of a table.

    Checks the catalogue, with `exactly` also its policies, and that no rows are visible without a user.
    """
    forced = connection.execute(_FORCED, {"table": f'"{table}"'}).one_or_none()
    if forced is None:
        yield "there is no such table: run `chat-history migrate`"
        return
    for on, verb in zip(forced, ("ENABLE", "FORCE"), strict=True):
        if not on:
            yield f'does not hold: ALTER TABLE "{table}" {verb} ROW LEVEL SECURITY;'
    if exactly:
        yield from _policy_faults(connection, table)
    for nobody in NOBODIES if "SELECT" in GRANTS[table] else ():
        yield from _seen_by(connection, table, nobody)


def _policy_faults(connection: Connection, table: str) -> Iterator[str]:
    met = {row[0]: row[1] for row in connection.execute(_MET, {"table": f'"{table}"', "role": ROLE})}
    expected = POLICIES[table]
    for name in sorted(met.keys() - expected.keys()):
        yield f'has a policy that is not ours: DROP POLICY {name} ON "{table}";'
    for name, definition in expected.items():
        if met.get(name) != definition:
            drop = f'DROP POLICY IF EXISTS {name} ON "{table}"'
            yield f'has another policy {name}: {drop}; CREATE POLICY {name} ON "{table}" {definition};'


def _seen_by(connection: Connection, table: str, user_id: str) -> Iterator[str]:
    try:
        connection.execute(text(f"SET LOCAL ROLE {ROLE}"))
        connection.execute(text("SELECT set_config('app.user_id', :id, true)"), {"id": user_id})
        found = connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1'))  # noqa: S608  # our own name
        if found.first() is not None:
            yield f"shows rows to {f'user {user_id}' if user_id else 'nobody'}: look at its policies"
    except DBAPIError as error:
        yield f"cannot be tried: {str(error.orig).partition(chr(10))[0]}"
    finally:
        connection.rollback()
