"""Users leave, or end their tokens: how soon every process knows, and whether anything of them stays."""

import time
import uuid
from contextlib import closing
from statistics import median

from api.test_ended_tokens import NEW, OLD
from app.main import create_app
from faults.board import Outcome, Timed
from faults.ground import Ground, Unavailable
from input.processes import Process, running
from input.test_logs import SERVERS
from privacy.test_coverage import LEFT_OUT, columns, erased, not_exported, owned, settled as settled_user
from privacy.test_nowhere import MARKERS, dump, found, leave, log_of, settle, tables
from support import Postgres, User, served, settings

LIST = "/api/conversations"
WAYS = ("deleted", "another password", "signed out")


def ended_tokens(ground: Ground, times: int) -> Outcome:
    """A token is used in two processes, and ended through one: the other one refuses it from then on."""
    seconds = []
    with (
        ground.database() as database,
        ground.room() as folder,
        running(SERVERS["serve"], database, folder / "here") as here,
        running(SERVERS["serve"], database, folder / "there") as there,
    ):
        for number in range(times):
            user = _registered(here, number)
            with closing(user.client), closing(there.client(user.token)) as elsewhere:
                for client in (user.client, elsewhere):
                    assert client.get(LIST).status_code == 200
                way = WAYS[number % len(WAYS)]
                _end(user, way)
                began = time.monotonic()
                told = elsewhere.get(LIST).status_code
                seconds.append(time.monotonic() - began)
                assert told == 401, f"{way}: the other process answers {told}"
                assert user.get(LIST).status_code == 401
    return Outcome(
        times,
        len(seconds),
        f"all refused at the first request, answered in {median(seconds) * 1000:.0f} ms (median), "
        f"{max(seconds) * 1000:.0f} ms at most, in the other process",
        (Timed("a refusal", max(seconds), 1),),
    )


def _registered(process: Process, number: int) -> User:
    account = {"email": f"user-{number}@example.com", "password": OLD}
    with process.client() as visitor:
        made = visitor.post("/api/auth/register", json=account).raise_for_status()
    token = made.json()["access_token"]
    client = process.client(token)
    return User(client.get("/api/auth/me").json()["id"], token, client)


def _end(user: User, way: str) -> None:
    if way == "deleted":
        erased(user)
    elif way == "signed out":
        user.post("/api/auth/sign-out").raise_for_status()
    else:
        body = {"current_password": OLD, "new_password": NEW}
        user.post("/api/auth/password", body).raise_for_status()


def coverage(ground: Ground, times: int) -> Outcome:
    """Every column of the catalogue is in an export or named as left out; every row is erased and counted."""
    rows = 0
    with ground.database() as database, served(create_app(settings(database)), database) as service:
        settled_user(service, "stays@example.com")
        stays = owned(database)
        assert min(stays.values()) > 0
        for number in range(times):
            user = settled_user(service, f"user-{number}@example.com")
            assert not_exported(database, user) == []
            both = owned(database)
            counted = erased(user)
            assert counted == {table: both[table] - stays[table] for table in both}
            assert owned(database) == stays
            rows += sum(counted.values())
        found = columns(database)
    every, left_out = sum(map(len, found.values())), sum(map(len, LEFT_OUT.values()))
    return Outcome(
        every * times,
        rows,
        f"{len(found)} tables of {every} columns, of which {left_out} are no user's to know: all others "
        f"exported; {rows} rows of {times} users erased, 0 left, 0 of another user's",
    )


def traces(ground: Ground, times: int) -> Outcome:
    """So many users write and are erased: their words are in no table, no dump, no log."""
    marked = [{name: uuid.uuid4().hex for name in MARKERS} for _ in range(times)]
    with ground.own_server() as server, ground.room() as folder:
        with running(SERVERS["serve"], server.postgres, folder / "output", LOG_LEVEL="DEBUG") as process:
            tokens = [settle(process, marks) for marks in marked]
            before = _stored(server.postgres)
            for token, marks in zip(tokens, marked, strict=True):
                leave(process, token, marks)
            after = _stored(server.postgres)
        written = [(folder / "output").read_text(), log_of(server.postgres)]
    there = 0
    for text in before:
        for marks in marked:
            names = found(text, marks)
            assert set(names) == MARKERS.keys() - {"password"}, f"only {names} were ever there"
            there += len(names)
    left = [name for text in (*after, *written) for marks in marked for name in found(text, marks)]
    assert left == []
    assert not any(token in text for text in (*after, *written) for token in tokens)
    size = sum(map(len, written))
    return Outcome(
        times * len(MARKERS),
        there,
        f"{there} times in tables and dump before, 0 afterwards; 0 in {size // 1024} KB of logs, with "
        f"those of Postgres",
    )


def _stored(postgres: Postgres) -> tuple[str, str]:
    """All that is in the tables, and in a dump. Raises Unavailable where nothing can make one."""
    dumped = dump(postgres)
    if dumped is None:
        raise Unavailable("no pg_dump of the server's version is installed")
    return tables(postgres), dumped
