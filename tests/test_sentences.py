"""Whatever is wrong with the database, the set-up or the words: one sentence that helps, and an exit code."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from app.db.migrations import migrate
from app.db.schema import NEEDED
from command_line import run
from support import Postgres, empty

BEFORE = "2026_11_21_tokens_and_audit"
NOWHERE = "postgresql://u:hunter2@localhost:1/x"
ONE_SHOT = (
    ("user", "list"),
    ("user", "create", "a@example.com", "--password", "correct horse"),
    ("user", "delete", "a@example.com", "--yes"),
    ("user", "delete", "7", "--yes"),
    ("token", "a@example.com"),
)
EXTERNAL = {"JWT_JWKS_URL": "https://issuer.example/keys", "JWT_ISSUER": "https://issuer.example"}


def sentence(ended: "subprocess.CompletedProcess[str]") -> str:
    """What was said, which is one line and nothing else."""
    assert ended.stdout == ""
    assert ended.stderr.startswith("chat-history: "), ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("words", ONE_SHOT, ids=lambda words: " ".join(words[:3]))
def test_a_database_that_is_away_or_empty(
    configured: dict[str, str], words: tuple[str, ...], make_database: Callable[[], Postgres]
) -> None:
    away = run({**configured, "DATABASE_URL": NOWHERE}, *words)
    assert (away.returncode, "Connection refused" in sentence(away)) == (2, True)
    assert "hunter2" not in away.stderr
    pooler = run(
        {**configured, "DATABASE_URL": NOWHERE, "DATABASE_URL_UNPOOLED": configured["DATABASE_URL"]}, *words
    )
    if words != ("user", "list"):  # which asks the direct address alone
        assert (pooler.returncode, "cannot be reached" in sentence(pooler)) == (1, True)
    unmigrated = run({**configured, "DATABASE_URL": make_database().text}, *words)
    assert (unmigrated.returncode, "run `chat-history migrate`" in sentence(unmigrated)) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", ""),
        ("migrate", " "),
        ("migrate", "--nonsense"),
        ("migrate", "head:base"),
        ("migrate", "head-1"),
        ("migrate", "-99"),
        ("migrate", "+1"),
        ("token", "\udcff@x.y"),
        ("user", "delete", "\udcff@x.y", "--yes"),
        ("user", "create", "\udcff@x.y", "--password", "correct horse"),
        ("user", "delete", "99999999999999999999", "--yes"),
        ("user", "delete", "9" * 5_000, "--yes"),
        ("user", "delete", "0", "--yes"),
    ],
)
def test_words_that_mean_nothing(configured: dict[str, str], words: tuple[str, ...]) -> None:
    ended = run(configured, *words)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("chat-history: "), ended.stderr


@pytest.mark.parametrize("nobody", ["<&-", "</dev/null"])
@pytest.mark.parametrize(
    ("words", "said"),
    [("user delete a@example.com", "add --yes"), ("user create b@example.com", "add --password")],
)
def test_where_nobody_can_be_asked_it_says_what_to_add(
    configured: dict[str, str], postgres: Postgres, words: str, said: str, nobody: str
) -> None:
    run(configured, "user", "create", "a@example.com", "--password", "correct horse")
    ended = in_shell(configured, f"{words} {nobody}")
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("chat-history: ")
    assert "Traceback" not in ended.stderr
    assert "Warning" not in ended.stderr
    assert postgres.rows('SELECT email FROM "user"') == [("a@example.com",)]


@pytest.mark.parametrize("words", ["audit", "user list", "doctor", "token a@example.com"])
def test_an_answer_that_nothing_takes_is_told(configured: dict[str, str], words: str) -> None:
    run(configured, "user", "create", "a@example.com", "--password", "correct horse")
    ended = in_shell(configured, f"{words} >/dev/full")
    assert ended.returncode == 2
    assert sentence(ended) == "chat-history: The answer cannot be written: No space left on device.\n"


def in_shell(environment: dict[str, str], line: str) -> subprocess.CompletedProcess[str]:
    """A command with what a shell gives it."""
    command = f'exec "{sys.executable}" -m app.cli {line}'
    return subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False, cwd="/"
    )


def test_an_address_is_looked_at_before_a_password_is_asked_for(configured: dict[str, str]) -> None:
    ended = run(configured, "user", "create", "bob", text="")
    assert (ended.returncode, sentence(ended)) == (2, "chat-history: email: Not an e-mail address.\n")


@pytest.mark.parametrize("kind", ["address", "id"])
def test_an_account_is_named_by_its_address_or_its_id(
    configured: dict[str, str], postgres: Postgres, kind: str
) -> None:
    run(configured, "user", "create", "a@example.com", "--password", "correct horse")
    who = {"address": "A@example.com", "id": str(postgres.value('SELECT id FROM "user"'))}[kind]
    assert run(configured, "token", who).stdout.count(".") == 2
    assert "or its id in `user list`" in run({**configured, "COLUMNS": "200"}, "token", "--help").stdout
    assert run(configured, "user", "delete", who, "--yes").returncode == 0


def test_one_step_back_is_a_revision(
    configured: dict[str, str], make_database: Callable[[], Postgres]
) -> None:
    fresh = make_database()
    migrate(fresh.url)
    here = {**configured, "DATABASE_URL": fresh.text}
    back = run(here, "migrate", "-1", "--yes")
    assert (back.returncode, f"The schema is at {BEFORE}." in back.stderr) == (0, True), back.stderr
    run(here, "migrate", NEEDED)
    named = run(here, "migrate", BEFORE, "--yes")
    assert (named.returncode, f"The schema is at {BEFORE}." in named.stderr) == (0, True), named.stderr
    forth = run(here, "migrate", "+1")
    assert (forth.returncode, f"The schema is at {NEEDED}." in forth.stderr) == (0, True), forth.stderr


def test_with_an_issuer_there_are_no_local_accounts(configured: dict[str, str], postgres: Postgres) -> None:
    for words in (
        ("user", "create", "a@example.com", "--password", "correct horse"),
        ("token", "a@example.com"),
    ):
        refused = run({**configured, **EXTERNAL}, *words)
        assert refused.returncode == 2
        assert "Local accounts are off: tokens come from https://issuer.example." in sentence(refused)
        assert run(configured, *words).returncode == 0
    assert postgres.value('SELECT count(*) FROM "user"') == 1


def test_a_user_of_an_issuer_is_deleted_by_the_id_that_is_listed(
    configured: dict[str, str], postgres: Postgres
) -> None:
    here = {**configured, **EXTERNAL}
    for name in ("alice", "bob"):
        postgres.rows("INSERT INTO \"user\" (issuer, subject) VALUES ('https://issuer.example', %s)", name)
    lines = run(here, "user", "list").stdout.splitlines()
    assert [line.split("\t")[2] for line in lines] == [
        f"https://issuer.example {name}" for name in ("alice", "bob")
    ]
    listed = lines[0].split("\t")[0]
    assert run(here, "user", "delete", listed, "--yes").returncode == 0
    assert postgres.rows('SELECT subject FROM "user"') == [("bob",)]
    again = run(here, "user", "delete", listed, "--yes")
    assert (again.returncode, "There is no such account" in sentence(again)) == (2, True)


def test_where_registration_is_closed_the_command_line_makes_accounts(
    configured: dict[str, str], postgres: Postgres
) -> None:
    words = ("user", "create", "a@example.com", "--password", "correct horse")
    assert run({**configured, "REGISTRATION": "false"}, *words).returncode == 0
    assert postgres.rows('SELECT email FROM "user"') == [("a@example.com",)]
    empty(postgres)
