"""A server may be of any time zone: what clients are shown is of UTC, and pages go on where they ended."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from database_for_tests import terminate
from support import Postgres, Service, User, pages

Serve = Callable[..., AbstractContextManager[Service]]


def _shown(user: User, conversation: int) -> list[Any]:
    paged = ("/api/conversations", f"/api/conversations/{conversation}/messages")
    return [*(list(pages(user, path, limit=1)) for path in paged), user.get("/api/todos").json()["items"]]


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"])
def test_the_zone_of_the_server_changes_nothing(zone: str, serve_with: Serve, postgres: Postgres) -> None:
    elsewhere, name = Postgres(postgres.url.set(database="postgres")), postgres.url.database
    with serve_with() as service:
        user = service.user("alice@example.com")
        conversation = user.conversation()
        for number in range(3):
            user.conversation()
            user.say(conversation, f"words {number}")
            user.post("/api/todos", {"title": f"errand {number}"}).raise_for_status()
        before = _shown(user, conversation)
        elsewhere.rows(f"ALTER DATABASE {name} SET timezone = '{zone}'")
        try:
            terminate(postgres)
            assert postgres.value("SHOW timezone") == zone
            after = _shown(user, conversation)
            made = user.post("/api/todos", {"title": "milk"})
        finally:
            elsewhere.rows(f"ALTER DATABASE {name} RESET timezone")
            terminate(postgres)
    assert after == before
    moments = [item["created_at"] for items in [*after, [made.json()]] for item in items]
    assert {datetime.fromisoformat(moment).utcoffset() for moment in moments} == {timedelta()}
