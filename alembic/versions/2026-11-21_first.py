"""Users, todos, conversations and messages; the application's role and row-level security."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "2026_11_21_first"
down_revision: str | Sequence[str] | None = None

ROLE = "chat_history_app"

# Roles belong to the whole cluster: a migration of another database may have created it, or do so now.
MAKE_ROLE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        IF NOT pg_has_role(current_user, '{ROLE}', 'SET') THEN
            EXECUTE format('GRANT {ROLE} TO %I', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
        EXECUTE format('GRANT {ROLE} TO %I', current_user);
    END IF;
END $$
"""

# In a sub-select, it is computed once per statement, not once per row. On a pooled connection, the setting is
# empty after another transaction: like unset, that means no user and no rows.
USER_ID = "(SELECT nullif(current_setting('app.user_id', true), '')::bigint)"
SIGNS_IN = """
    email = (SELECT nullif(current_setting('app.email', true), ''))
    OR (issuer = (SELECT nullif(current_setting('app.issuer', true), ''))
        AND subject = (SELECT nullif(current_setting('app.subject', true), '')))
"""

# The owner of a row, and its place in the order, can never be changed.
GRANTS = {
    "user": "SELECT, INSERT, DELETE, UPDATE (password_hash)",
    "todo": "SELECT, INSERT, DELETE, UPDATE (title, description, completed, updated_at)",
    "conversation": "SELECT, INSERT, DELETE, UPDATE (title, title_source, next_seq, updated_at)",
    "message": "SELECT, INSERT,"
    " UPDATE (content, status, model, finish_reason, usage, timings, parts, lease_until, replaced,"
    " stop_requested)",
}


def upgrade() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(email IS NULL) = (password_hash IS NULL) AND (issuer IS NULL) = (subject IS NULL)"
            " AND (email IS NULL) <> (issuer IS NULL)",
            name=op.f("ck_user_local_or_external"),
        ),
        sa.CheckConstraint("octet_length(email) <= 1024", name=op.f("ck_user_email_size")),
        sa.CheckConstraint("octet_length(issuer) <= 1024", name=op.f("ck_user_issuer_size")),
        sa.CheckConstraint("octet_length(subject) <= 1024", name=op.f("ck_user_subject_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_user_issuer_subject")),
    )
    op.create_table(
        "conversation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("title_source", sa.Text(), server_default="auto", nullable=False),
        sa.Column("next_seq", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("title_source IN ('auto', 'user')", name=op.f("ck_conversation_title_source")),
        sa.CheckConstraint("next_seq >= 1", name=op.f("ck_conversation_next_seq")),
        sa.CheckConstraint("octet_length(client_id) <= 256", name=op.f("ck_conversation_client_id_size")),
        sa.CheckConstraint("octet_length(title) <= 1024", name=op.f("ck_conversation_title_size")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_conversation_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("id", "user_id", name=op.f("uq_conversation_id_user_id")),
        sa.UniqueConstraint("user_id", "client_id", name=op.f("uq_conversation_user_id_client_id")),
    )
    op.create_index(
        "ix_conversation_activity",
        "conversation",
        ["user_id", sa.literal_column("updated_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "todo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("completed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("octet_length(description) <= 16384", name=op.f("ck_todo_description_size")),
        sa.CheckConstraint("octet_length(title) <= 1024", name=op.f("ck_todo_title_size")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_todo_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_todo")),
    )
    op.create_index(op.f("ix_todo_user_id_id"), "todo", ["user_id", "id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reply_to", sa.BigInteger(), nullable=True),
        sa.Column("replaced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="complete", nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("finish_reason", sa.Text(), nullable=True),
        sa.Column("usage", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("timings", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("role IN ('user', 'assistant')", name=op.f("ck_message_role")),
        sa.CheckConstraint("status <> 'streaming' OR lease_until IS NOT NULL", name=op.f("ck_message_lease")),
        sa.CheckConstraint(
            "status IN ('streaming', 'complete', 'stopped', 'interrupted', 'failed')",
            name=op.f("ck_message_status"),
        ),
        sa.CheckConstraint("octet_length(client_id) <= 256", name=op.f("ck_message_client_id_size")),
        sa.CheckConstraint("octet_length(content) <= 1048576", name=op.f("ck_message_content_size")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_message_seq")),
        sa.ForeignKeyConstraint(
            ["conversation_id", "user_id"],
            ["conversation.id", "conversation.user_id"],
            name=op.f("fk_message_conversation_id_user_id_conversation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("conversation_id", "seq", name=op.f("uq_message_conversation_id_seq")),
    )
    op.create_index(
        "uq_message_client_id",
        "message",
        ["conversation_id", "client_id"],
        unique=True,
        postgresql_where=sa.text("NOT replaced"),
    )
    op.create_index(
        "uq_message_open_reply",
        "message",
        ["conversation_id"],
        unique=True,
        postgresql_where=sa.text("status = 'streaming'"),
    )

    op.execute(MAKE_ROLE)
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT SELECT ON alembic_version TO {ROLE}")
    for table, grants in GRANTS.items():
        op.execute(f'GRANT {grants} ON "{table}" TO {ROLE}')
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    for table in ("conversation", "message", "todo"):
        own = f"user_id = {USER_ID}"
        op.execute(f"CREATE POLICY own ON {table} TO {ROLE} USING ({own}) WITH CHECK ({own})")
    for action in ("SELECT", "UPDATE", "DELETE"):
        op.execute(
            f'CREATE POLICY own_{action.lower()} ON "user" FOR {action} TO {ROLE} USING (id = {USER_ID})'
        )
    op.execute(f'CREATE POLICY sign_in ON "user" FOR SELECT TO {ROLE} USING ({SIGNS_IN})')
    op.execute(f'CREATE POLICY register ON "user" FOR INSERT TO {ROLE} WITH CHECK ({SIGNS_IN})')
    # The login that migrates also runs `chat-history user list`. Under FORCE, the owner would see no rows.
    op.execute('CREATE POLICY administer ON "user" FOR SELECT TO CURRENT_USER USING (true)')


def downgrade() -> None:
    op.drop_index("uq_message_client_id", table_name="message", postgresql_where=sa.text("NOT replaced"))
    op.drop_index(
        "uq_message_open_reply",
        table_name="message",
        postgresql_where=sa.text("status = 'streaming'"),
    )
    op.drop_table("message")
    op.drop_index(op.f("ix_todo_user_id_id"), table_name="todo")
    op.drop_table("todo")
    op.drop_index("ix_conversation_activity", table_name="conversation")
    op.drop_table("conversation")
    op.drop_table("user")
    # The role stays: another database of the cluster may use it.
    op.execute(f"REVOKE SELECT ON alembic_version FROM {ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")
