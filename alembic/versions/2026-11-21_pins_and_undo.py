"""Pins, an archive, deletion that can be undone, and what users think of replies."""

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
    # Each step is a transaction: one that had locked both tables could wait for who waits for it. If a step
    # fails, those before it are done and the revision is not: they may be taken again.
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

        # What reads all rows comes behind what locks the tables: nobody has to wait for it.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_conversation_list")  # what a failed try left
        op.execute(LIST)
    op.execute("ALTER TABLE message VALIDATE CONSTRAINT ck_message_feedback")


def downgrade() -> None:
    # What was deleted must not come back. Under FORCE the owner would see nothing of it.
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
