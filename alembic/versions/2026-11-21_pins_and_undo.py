"""Pins, an archive, deletion that can be undone, and feedback on replies."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "2026_11_21_pins_and_undo"
down_revision: str | Sequence[str] | None = "2026_11_21_first"

ROLE = "chat_history_app"

LIST = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_conversation_list
ON conversation (user_id, archived, pinned DESC, updated_at DESC, id DESC) WHERE deleted_at IS NULL
"""

KNOWN_FEEDBACK = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'ck_message_feedback') THEN
        ALTER TABLE message
            ADD CONSTRAINT ck_message_feedback CHECK (feedback IN ('up', 'down')) NOT VALID;
    END IF;
END $$
"""


def upgrade() -> None:
    # Each step is a transaction: one that locks both tables could deadlock with a request. If a step fails,
    # those before it stay done but the revision is not recorded: they can be repeated.
    with op.get_context().autocommit_block():
        for name in ("pinned", "archived"):
            op.add_column(
                "conversation",
                sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False),
                if_not_exists=True,
            )
        op.add_column(
            "conversation",
            sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
            if_not_exists=True,
        )
        op.add_column("message", sa.Column("feedback", sa.Text(), nullable=True), if_not_exists=True)
        op.execute(KNOWN_FEEDBACK)
        op.execute(f"GRANT UPDATE (pinned, archived, deleted_at) ON conversation TO {ROLE}")
        op.execute(f"GRANT UPDATE (feedback) ON message TO {ROLE}")

        # Steps that read all rows come after those that lock the tables, so that no request waits for them.
        # This one blocks nothing, but waits for all transactions that began before, also for an export.
        op.execute("SET lock_timeout = '15min'")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_conversation_list")  # left by a failed try
        op.execute(LIST)
        op.execute("SET lock_timeout = '800ms'")
    op.execute("ALTER TABLE message VALIDATE CONSTRAINT ck_message_feedback")


def downgrade() -> None:
    # Deleted conversations must not come back. Under FORCE, the owner would not see them.
    op.execute("ALTER TABLE conversation NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM conversation WHERE deleted_at IS NOT NULL")
    op.execute("ALTER TABLE conversation FORCE ROW LEVEL SECURITY")
    op.drop_index("ix_conversation_list", table_name="conversation")
    op.execute(f"REVOKE UPDATE (pinned, archived, deleted_at) ON conversation FROM {ROLE}")
    op.execute(f"REVOKE UPDATE (feedback) ON message FROM {ROLE}")
    op.drop_constraint(op.f("ck_message_feedback"), "message")
    op.drop_column("message", "feedback")
    for name in ("deleted_at", "archived", "pinned"):
        op.drop_column("conversation", name)
