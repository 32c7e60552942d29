"""The second wall: no writer at all can put a message of one user into another's conversation."""

import pytest
from psycopg2 import errors

from support import Postgres, User

_INSERT = """
    INSERT INTO message (user_id, conversation_id, seq, role, content)
    VALUES (%s, %s, %s, 'user', 'planted')
"""


def test_a_superuser_can_add_messages_of_the_conversations_owner_only(
    postgres: Postgres, alice: User, bob: User
) -> None:
    conversation = alice.conversation()
    with pytest.raises(errors.ForeignKeyViolation):
        postgres.rows(_INSERT, bob.id, conversation, 1)
    assert alice.messages(conversation) == []
    postgres.rows(_INSERT, alice.id, conversation, 1)
    assert [message["content"] for message in alice.messages(conversation)] == ["planted"]


def test_a_superuser_cannot_move_rows_to_another_user(postgres: Postgres, alice: User, bob: User) -> None:
    conversation, empty, bobs = alice.conversation(), alice.conversation(), bob.conversation()
    message = alice.say(conversation, "mine")
    for statement, parameters in (
        ("UPDATE message SET user_id = %s WHERE id = %s", (bob.id, message["id"])),
        ("UPDATE message SET conversation_id = %s WHERE id = %s", (bobs, message["id"])),
        ("UPDATE conversation SET user_id = %s WHERE id = %s", (bob.id, conversation)),
    ):
        with pytest.raises(errors.ForeignKeyViolation):
            postgres.rows(statement, *parameters)
    assert alice.messages(conversation) == [message]
    postgres.rows("UPDATE message SET conversation_id = %s WHERE id = %s", empty, message["id"])
    assert alice.messages(empty) == [{**message, "conversation_id": empty}]


def test_a_message_cannot_be_without_an_owner(postgres: Postgres, alice: User) -> None:
    # With a null in it, a foreign key of two columns would be satisfied by anything.
    with pytest.raises(errors.NotNullViolation):
        postgres.rows(_INSERT, None, alice.conversation(), 1)
