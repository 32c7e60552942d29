"""An index of the words of messages, which searches use and fill."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "2026_11_21_words_of_messages"
down_revision: str | Sequence[str] | None = "2026_11_21_tokens_and_audit"

ROLE = "chat_history_app"

OWN = "user_id = (SELECT nullif(current_setting('app.user_id', true), '')::bigint)"

# Below a policy, Postgres uses the index only for the policy's own conditions: they include the query.
FOUND = f"{OWN} AND document @@ (SELECT nullif(current_setting('app.query', true), '')::tsquery)"

REPLACED = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_message_replaced
ON message (user_id, conversation_id, seq) WHERE replaced
"""


def upgrade() -> None:
    # The step that reads all rows comes first and blocks nothing; the one that locks conversations, for a
    # moment, is a transaction of its own. If a step fails, run the migration again.
    with op.get_context().autocommit_block():
        # This blocks nothing, but waits for all transactions that began before, also for an export.
        op.execute("SET lock_timeout = '15min'")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_message_replaced")
        op.execute(REPLACED)
        op.execute("SET lock_timeout = '800ms'")
        op.add_column(
            "conversation",
            sa.Column("indexed_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
            if_not_exists=True,
        )
    op.execute(f"GRANT UPDATE (indexed_seq) ON conversation TO {ROLE}")
    op.create_table(
        "message_words",
        sa.Column("conversation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id", "user_id"],
            ["conversation.id", "conversation.user_id"],
            name=op.f("fk_message_words_conversation_id_user_id_conversation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", "seq", "part", name=op.f("pk_message_words")),
    )
    op.create_index(
        op.f("ix_message_words_document"),
        "message_words",
        ["document"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 512},
    )
    # Plans do not depend on which words are common, and statistics would be one more copy of the words.
    op.execute("ALTER TABLE message_words ALTER COLUMN document SET STATISTICS 0")
    op.execute("ALTER TABLE message_words ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE message_words FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT ON message_words TO {ROLE}")
    op.execute(f"CREATE POLICY append ON message_words FOR INSERT TO {ROLE} WITH CHECK ({OWN})")
    op.execute(f"CREATE POLICY found ON message_words FOR SELECT TO {ROLE} USING ({FOUND})")


def downgrade() -> None:
    op.drop_index(op.f("ix_message_words_document"), table_name="message_words")
    op.drop_table("message_words")
    op.execute(f"REVOKE UPDATE (indexed_seq) ON conversation FROM {ROLE}")
    op.drop_column("conversation", "indexed_seq")
    op.drop_index("ix_message_replaced", table_name="message")
