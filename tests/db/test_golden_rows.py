"""What earlier versions have stored is there after all migrations, character by character, and still in use.

The rows of `golden/` are of the last version that knew no later revision than the one a file is called after:
its own API stored them for a user, and `row_to_json` shows them. By hand are only the users of an issuer, and
that replies were stopped or have failed.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.db.migrations import migrate
from app.main import create_app
from db.test_migrations import revisions
from privacy.test_coverage import LEFT_OUT
from privacy.test_export import exported
from support import Postgres, Service, User, pages, served, settings

Rows = list[dict[str, Any]]

FOLDER = Path(__file__).parent / "golden"
VERSIONS = sorted(file.stem for file in FOLDER.glob("*.json"))

PASSWORD = "correct 🐎 battery"
CHANGED = {"2026_11_21_tokens_and_audit": f"{PASSWORD}!"}
"""Where its user has another one by now."""

LATER: dict[str, dict[str, Any]] = {
    "conversation": {"pinned": False, "archived": False, "deleted_at": None},
    "message": {"feedback": None},
}
"""What rows have that the first version did not know."""

_INSERT = """
    INSERT INTO "{table}" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::"{table}", %s);
    SELECT setval(pg_get_serial_sequence('"{table}"', 'id'), max(id)) FROM "{table}"
"""


def stored(version: str) -> dict[str, Rows]:
    """The rows of each table."""
    return dict(json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8")))


def told(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """What a user may know of a row."""
    return {
        name: value for name, value in {**LATER.get(table, {}), **row}.items() if name not in LEFT_OUT[table]
    }


@pytest.fixture(scope="module")
def upgraded(make_database: Callable[[], Postgres]) -> Iterator[Service]:
    """A service of now on a database that each version has used before the next one migrated it."""
    postgres = make_database()
    for script in revisions():
        migrate(postgres.url, script.revision)
        for table, rows in stored(script.revision).items() if script.revision in VERSIONS else ():
            postgres.rows(_INSERT.format(table=table), json.dumps(rows))
    with served(create_app(settings(postgres)), postgres) as service:
        yield service


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def alice(version: str, upgraded: Service) -> User:
    """Its user, signed in with the password of then."""
    [local, _] = stored(version)["user"]
    form = {"username": local["email"], "password": CHANGED.get(version, PASSWORD)}
    signed_in = upgraded.client().post("/api/auth/token", data=form)
    assert signed_in.status_code == 200, signed_in.text
    token = signed_in.json()["access_token"]
    return User(local["id"], token, upgraded.client(token))


def test_every_revision_has_rows_that_were_there_before_the_next() -> None:
    assert [script.revision for script in revisions()][:-1] == VERSIONS, (
        "keep rows of the version before, made through its API, as golden/REVISION.json: see above"
    )


def test_an_export_has_every_row_as_it_was(alice: User, version: str) -> None:
    tables, lines = stored(version), exported(alice)
    for table in ("todo", "conversation", "message"):
        assert [line for line in lines if line["type"] == table] == [
            {"type": table, **told(table, row)} for row in tables[table]
        ]
    assert lines[1] == {"type": "user", **told("user", tables["user"][0])}


def test_lists_and_histories_show_every_row_as_it_was(alice: User, version: str) -> None:
    tables = stored(version)
    talks = [told("conversation", row) for row in tables["conversation"]]
    listed = [
        talk
        for archived in ("true", "false")
        for talk in pages(alice, "/api/conversations", archived=archived)
    ]
    listed.sort(key=lambda talk: int(talk["id"]))
    kept = [talk for talk in talks if talk["deleted_at"] is None]
    assert [talk.items() <= row.items() for talk, row in zip(listed, kept, strict=True)] == [True] * len(kept)
    for talk in kept:
        said = [row for row in tables["message"] if row["conversation_id"] == talk["id"]]
        shown = [told("message", row) for row in said if not row["replaced"]]
        for found in (alice.messages(talk["id"]), _history(alice, talk["id"])):
            assert [{**row, **message} for row, message in zip(shown, found, strict=True)] == shown
    todos = alice.get("/api/todos").json()["items"]
    assert list(map(_timed, todos)) == [_timed(told("todo", row)) for row in tables["todo"]]


def test_what_was_deleted_can_still_be_restored(alice: User, version: str) -> None:
    gone = [row for row in stored(version)["conversation"] if row.get("deleted_at")]
    assert bool(gone) == (version != VERSIONS[0])
    for row in gone:
        assert alice.get(f"/api/conversations/{row['id']}").status_code == 404
        assert alice.post(f"/api/conversations/{row['id']}/restore").status_code == 200
        assert alice.delete(f"/api/conversations/{row['id']}").status_code == 204


def test_words_of_old_messages_are_found(alice: User) -> None:
    for words, title in (("שלום", "family tea"), ("family tea", "family tea"), ("عنوان", "عنوان")):
        titles = [hit["conversation"]["title"] for hit in pages(alice, "/api/search", q=words, limit=1)]
        assert any(title in found for found in titles), (words, titles)


def test_a_request_of_then_is_known_again(alice: User, version: str) -> None:
    """A client that lost an answer in the night of the upgrade repeats its request in the morning."""
    tables = stored(version)
    known = {row["client_id"]: row for table in ("conversation", "message") for row in tables[table]}
    talk, question, long = known["bOAN2PpKlQFAXHEU"]["id"], known["q-5"], known["long"]
    asked = {"message": question["content"], "client_id": "q-5"}
    append = f"/api/conversations/{long['conversation_id']}/messages"
    started = alice.post("/api/chat/start", {"client_id": "bOAN2PpKlQFAXHEU"})
    assert started.json()["session_id"] == str(talk)
    assert alice.post("/api/conversations", {"client_id": "notes"}).json()["id"] == long["conversation_id"]
    turn = alice.post(f"/api/chat/{talk}/message", asked).json()
    assert turn["message"]["id"] == question["id"]
    assert turn["reply"]["id"] == next(
        row["id"]
        for row in tables["message"]
        if row["reply_to"] == question["seq"] and not row["replaced"] and row["conversation_id"] == talk
    )
    assert alice.post(append, {"content": long["content"], "client_id": "long"}).json()["id"] == long["id"]
    other = alice.post(append, {"content": "other words", "client_id": "long"})
    assert (other.status_code, other.json()["code"]) == (422, "client_id_reused")


def test_the_user_of_an_issuer_is_who_they_were(version: str, upgraded: Service) -> None:
    row = stored(version)["user"][1]
    assert upgraded.user_of(row["id"]).get("/api/auth/me").json() == told("user", row)


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    """With its times as what they are: todos are written by another library than everything else."""
    times = {name: datetime.fromisoformat(row[name]) for name in ("created_at", "updated_at")}
    return {**row, **times}


def _history(user: User, conversation: int) -> Rows:
    found: Rows = []
    before: dict[str, Any] = {}
    while True:
        page = user.get(f"/api/chat/{conversation}/history", params={"limit": 3, **before}).json()
        found = page["items"] + found
        if page["next_cursor"] is None:
            return found
        before = {"before": page["next_cursor"]}
