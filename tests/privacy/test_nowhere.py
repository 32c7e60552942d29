"""After an erasure, what the user wrote and was called is nowhere: tables, a dump, logs, the process."""

import asyncio
import gc
import os
import subprocess
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.db.installation import installations
from app.db.migrations import migrate
from input.processes import Process, running
from input.test_logs import SERVERS
from support import Postgres, Service, until

from .test_coverage import columns, settled

Count = Callable[[str, object], None]

APART = (types.ModuleType, type, types.FunctionType, types.CodeType, asyncio.AbstractEventLoop)
PASSWORD = "qb6d767d2f8ed5d21a44b0e5886680cb9"
MARKERS = {
    "email": "q1ff1de774005f8da13f42943881c655f",
    "title": "q8e296a067a37563370ded05f5a3bf3ec",
    "message": "q4e732ced3463d06de0ca9a15b6153677",
    "todo": "q02e74f10e0327ad868d138f2b4fdd6f0",
    "client id": "q33e75ff09dd601bbe69f351039152189",
    "deleted": "q6ea9ab1baa0efb9e19094440c317e21b",
    "password": PASSWORD,
}


def found(text: str, marks: dict[str, str] = MARKERS) -> list[str]:
    """The names of the marks that are in a text."""
    return [name for name, mark in marks.items() if mark in text]


def tables(postgres: Postgres) -> str:
    """Every column of every row of every table, whoever may see it."""
    rows = [row for table in columns(postgres) for row in postgres.rows(f'SELECT t::text FROM "{table}" t')]
    return "\n".join(str(row[0]) for row in rows)


def dump(postgres: Postgres) -> str | None:
    """What pg_dump saves of the database, if it is there in the server's version."""
    major = int(postgres.value("SHOW server_version_num")) // 10_000
    for one in installations():
        if one.major == major and (one.programs / "pg_dump").exists():
            address = postgres.url.set(drivername="postgresql").render_as_string(hide_password=False)
            command = [str(one.programs / "pg_dump"), address]
            dumped = subprocess.run(command, capture_output=True, text=True, check=True)
            return str(dumped.stdout)
    return None


def log_of(server: Postgres) -> str:
    """The log of an embedded server."""
    folder = Path(server.value("SHOW data_directory")).parents[1]
    return (folder / "postgres.log").read_text(errors="replace")


def settle(process: Process, marks: dict[str, str]) -> str:
    """A user with these words in every place that takes some. Returns the token."""
    account = {"email": f"{marks['email']}@example.com", "password": marks["password"]}
    with process.client() as visitor:
        token = str(visitor.post("/api/auth/register", json=account).json()["access_token"])
    with process.client(token) as user:
        titled = {"title": marks["title"], "client_id": marks["client id"]}
        session = user.post("/api/chat/start", json=titled).json()["session_id"]
        for said in (marks["message"], f"add {marks['todo']}"):
            user.post(f"/api/chat/{session}/message", json={"message": said}).raise_for_status()
        looked = user.get("/api/search", params={"q": marks["message"]}).json()["items"]
        assert [item["message"]["seq"] for item in looked] == [1]
        gone = user.post("/api/conversations", json={"title": marks["deleted"]}).json()["id"]
        user.delete(f"/api/conversations/{gone}").raise_for_status()
        assert user.get("/api/auth/me/export").text.count(marks["message"]) == 1
    return token


def leave(process: Process, token: str, marks: dict[str, str]) -> None:
    """The end of the account."""
    with process.client(token) as user:
        confirmed = {"confirmation": marks["password"]}
        assert user.request("DELETE", "/api/auth/me", json=confirmed).status_code == 200
        assert user.get("/api/auth/me").status_code == 401


def test_an_erased_users_words_are_in_no_table_no_dump_and_no_log(
    cluster: Postgres, make_database: Callable[[], Postgres], tmp_path: Path, record_property: Count
) -> None:
    database = make_database()
    migrate(database.url)
    with running(SERVERS["serve"], database, tmp_path / "output", LOG_LEVEL="DEBUG") as process:
        token = settle(process, MARKERS)
        assert MARKERS["message"] in database.value(
            "SELECT string_agg(document::text, ' ') FROM message_words"
        )
        before = [tables(database), dump(database)]
        leave(process, token, MARKERS)
        after = [tables(database), dump(database)]
    written = [(tmp_path / "output").read_text()]
    if "TEST_DATABASE_URL" not in os.environ:
        written.append(log_of(cluster))
    for text in before:  # where they were: the search finds them
        assert text is None or set(found(text)) == MARKERS.keys() - {"password"}
    assert "account.erased" in written[0]
    for text in (*after, *written):
        assert text is None or (found(text), token in text) == ([], False)
    record_property("words of an erased user in tables, dump and logs", (0, len(MARKERS) * 4))


def reachable(start: object) -> Iterator[object]:
    """Everything that an object keeps alive, but for code, and the loop with its open connections."""
    seen: set[int] = {id(start)}
    queue = [start]
    while queue:
        one = queue.pop()
        yield one
        keys = list(one) if isinstance(one, dict) else []  # the collector passes over keys that are text
        for inner in [*gc.get_referents(one), *keys]:
            if id(inner) not in seen and not isinstance(inner, APART):
                seen.add(id(inner))
                queue.append(inner)


def kept(service: Service, *words: str) -> set[str]:
    """The words that the service of this process keeps in its memory."""
    texts = [
        bytes(one).decode(errors="replace") if isinstance(one, bytes | bytearray) else one
        for one in reachable(service.app.state.services)
        if isinstance(one, str | bytes | bytearray)
    ]
    assert len(texts) > 50
    return {word for word in words if any(word in text for text in texts)}


@pytest.mark.parametrize("erases", [False, True])
def test_the_process_remembers_nothing_of_who_was_erased(service: Service, *, erases: bool) -> None:
    alice = settled(service, f"{MARKERS['email']}@example.com")
    conversation = alice.conversation()
    alice.post(f"/api/chat/{conversation}/message", {"message": MARKERS["message"]}).raise_for_status()
    until(lambda: service.app.state.services.turns.running == 0)
    words = (alice.token, MARKERS["message"], MARKERS["email"])
    assert kept(service, *words) == {alice.token}
    if erases:
        confirmed: Any = {"confirmation": "correct horse battery"}
        assert alice.client.request("DELETE", "/api/auth/me", json=confirmed).status_code == 200
    assert kept(service, *words) == (set() if erases else {alice.token})
