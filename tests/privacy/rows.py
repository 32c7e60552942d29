"""Rows of users, made at once and by the thousand."""

from support import Postgres, User

_FILL = """
    WITH made AS (
        INSERT INTO conversation (user_id, title, next_seq)
        SELECT {user}, 'Talk ' || n, {messages} + 1 FROM generate_series(1, {conversations}) n RETURNING id
    )
    INSERT INTO message (user_id, conversation_id, seq, role, content)
    SELECT {user}, id, seq, 'user', repeat(md5(id::text || seq), {size} / 32)
    FROM made, generate_series(1, {messages}) seq
"""


def fill(postgres: Postgres, user: User, *, conversations: int, messages: int, size: int) -> None:
    """Gives a user conversations with so many messages in each, of so many bytes."""
    postgres.rows(_FILL.format(user=user.id, conversations=conversations, messages=messages, size=size))
    postgres.rows("ANALYZE")
