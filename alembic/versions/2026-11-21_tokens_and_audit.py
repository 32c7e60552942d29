"""Tokens that can be revoked, and an audit log of accounts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "2026_11_21_tokens_and_audit"
down_revision: str | Sequence[str] | None = "2026_11_21_pins_and_undo"

ROLE = "chat_history_app"

# Runs with its caller's privileges: it sees the account in whose name the transaction runs.
REQUIRE_ACCOUNT = """
CREATE FUNCTION require_account(account bigint, its_generation bigint) RETURNS void
LANGUAGE plpgsql STABLE AS $$ BEGIN
    PERFORM FROM "user" WHERE id = account AND generation = its_generation;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the account is deleted, or its tokens have ended' USING ERRCODE = 'CH401';
    END IF;
END $$
"""

# Switches from one account to the next, and sees one at a time.
ENDED_ACCOUNTS = """
CREATE FUNCTION ended_accounts(accounts bigint[], generations bigint[]) RETURNS SETOF integer
LANGUAGE plpgsql AS $$ BEGIN
    FOR place IN 1 .. cardinality(accounts) LOOP
        PERFORM set_config('app.user_id', accounts[place]::text, true);
        PERFORM FROM "user" WHERE id = accounts[place] AND generation = generations[place];
        IF NOT FOUND THEN
            RETURN NEXT place;
        END IF;
    END LOOP;
    PERFORM set_config('app.user_id', '', true);
END $$
"""

# Whatever statement deletes an account, the tokens of its issuer must not recreate it.
REMEMBER_DEPARTURE = """
CREATE FUNCTION remember_departure() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO departure (subject_hash)
    VALUES (sha256(convert_to(json_build_array(OLD.issuer, OLD.subject)::text, 'UTF8')));
    RETURN NULL;
END $$
"""
ON_DEPARTURE = """
CREATE TRIGGER departure AFTER DELETE ON "user" FOR EACH ROW WHEN (OLD.issuer IS NOT NULL)
EXECUTE FUNCTION remember_departure()
"""

USER_ID = "(SELECT nullif(current_setting('app.user_id', true), '')::bigint)"
SUBJECT_HASH = """
    (SELECT sha256(convert_to(json_build_array(
        current_setting('app.issuer', true), current_setting('app.subject', true))::text, 'UTF8')))
"""


def upgrade() -> None:
    op.add_column(
        "user", sa.Column("generation", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute(f'GRANT UPDATE (generation) ON "user" TO {ROLE}')
    for function in (REQUIRE_ACCOUNT, ENDED_ACCOUNTS, REMEMBER_DEPARTURE):
        op.execute(function)
    op.execute(f"GRANT EXECUTE ON FUNCTION require_account(bigint, bigint) TO {ROLE}")
    op.execute(f"GRANT EXECUTE ON FUNCTION ended_accounts(bigint[], bigint[]) TO {ROLE}")

    op.create_table(
        "departure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departure")),
    )
    op.create_index(op.f("ix_departure_subject_hash"), "departure", ["subject_hash"])
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("network", postgresql.CIDR(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("event ~ '^[a-z_]{1,40}$'", name=op.f("ck_audit_event")),
        sa.CheckConstraint("actor IN ('user', 'visitor', 'operator')", name=op.f("ck_audit_actor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.execute(ON_DEPARTURE)
    for table in ("departure", "audit"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # The login that migrates also reads these tables, and removes what is old enough.
        op.execute(f"CREATE POLICY administer ON {table} TO CURRENT_USER USING (true)")

    op.execute(f"GRANT SELECT, INSERT (subject_hash) ON departure TO {ROLE}")
    op.execute(f"CREATE POLICY own ON departure FOR SELECT TO {ROLE} USING (subject_hash = {SUBJECT_HASH})")
    op.execute(
        f"CREATE POLICY by_trigger ON departure FOR INSERT TO {ROLE} WITH CHECK (pg_trigger_depth() > 0)"
    )
    # The database sets the time. In the name of one user, nothing can be recorded about another.
    op.execute(f"GRANT INSERT (event, actor, user_id, network) ON audit TO {ROLE}")
    op.execute(
        f"CREATE POLICY append ON audit FOR INSERT TO {ROLE} WITH CHECK (coalesce(user_id = {USER_ID}, true))"
    )


def downgrade() -> None:
    op.execute('DROP TRIGGER departure ON "user"')
    op.drop_table("audit")
    op.drop_index(op.f("ix_departure_subject_hash"), table_name="departure")
    op.drop_table("departure")
    op.execute("DROP FUNCTION remember_departure()")
    op.execute("DROP FUNCTION ended_accounts(bigint[], bigint[])")
    op.execute("DROP FUNCTION require_account(bigint, bigint)")
    op.execute(f'REVOKE UPDATE (generation) ON "user" FROM {ROLE}')
    op.drop_column("user", "generation")
