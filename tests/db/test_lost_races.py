"""What a repository makes of the refusals of Postgres: a lost race is run again, and not for ever."""

import pytest

from database_for_tests import refusing
from support import Service, User

RACE = ("23505", "uq_message_client_id")
RULE = ("23514", "ck_message_role")


@pytest.mark.parametrize(
    ("refusal", "times", "status", "code", "tries"),
    [
        (RACE, 3, 201, None, 4),
        (RACE, 99, 503, "database_busy", 4),
        (RULE, 99, 500, "internal_error", 1),
    ],
    ids=["lost three times", "always lost", "no race"],
)
def test_a_lost_race_is_run_again(
    alice: User,
    service: Service,
    refusal: tuple[str, str],
    times: int,
    status: int,
    code: str | None,
    tries: int,
) -> None:
    conversation = alice.conversation()
    path = f"/api/conversations/{conversation}/messages"
    with refusing(service.postgres, "INSERT ON message", *refusal, times=times) as tried:
        answer = alice.post(path, {"content": "Hello", "client_id": "q-1"})
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        assert tried() == tries
    again = alice.post(path, {"content": "Hello", "client_id": "q-1"})
    assert again.status_code == 201
    assert [message["content"] for message in alice.messages(conversation)] == ["Hello"]
