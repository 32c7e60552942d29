"""Every check of the turn engine rejects a build that breaks what it is about."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.db.migrations import migrate
from faults.canaries import CANARIES, Canary
from faults.lab import Lab
from support import Postgres

REJECTIONS = (AssertionError, TimeoutError, httpx.TransportError)


# A check that is broken off leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.mistake)
def test_a_broken_build_is_rejected(
    canary: Canary,
    postgres: Postgres,
    make_database: Callable[[], Postgres],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    database = postgres
    if canary.schema:
        database = make_database()
        migrate(database.url)
        database.rows(canary.schema)
    lab = Lab(database, tmp_path / "lab", canary.build(tmp_path / "build" / "backend"))
    # A build that does not even start is a RuntimeError: that would prove nothing.
    with pytest.raises((*REJECTIONS, ExceptionGroup)) as rejected:
        asyncio.run(canary.check(lab))
    if isinstance(rejected.value, ExceptionGroup):
        assert rejected.value.split(REJECTIONS)[1] is None
    reason = (str(rejected.value).splitlines() or [""])[0] or rejected.type.__name__
    record_property("canary", f"{canary.check.__name__:>24} rejects: {canary.mistake}  [{reason[:60]}]")
    record_property("broken builds rejected", (1, 1))
