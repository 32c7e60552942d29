"""Which PostgreSQL is found, and as whom it runs."""

import os
import pwd
from pathlib import Path

import pytest

from app.db.embedded import running
from app.db.installation import WHEEL, Installation, installations, reachable, server_account
from app.errors import SetupError
from embedded_for_tests import FOUND, another_user, as_root, ask

GOOD = '#!/bin/sh\necho "postgres (PostgreSQL) 99.1 (Debian 99.1-1)"\n'


def programs(folder: Path, postgres: str = GOOD, *missing: str) -> Path:
    """A folder of programs that only say their version."""
    folder.mkdir(parents=True)
    for name in {"initdb", "pg_ctl", "postgres"} - {*missing}:
        (folder / name).write_text(postgres)
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("postgres", "missing", "found"),
    [
        (GOOD, (), True),
        (GOOD, ("initdb",), False),
        (GOOD.replace("99", "13"), (), False),
        ("#!/bin/sh\necho postgres\n", (), False),
        (GOOD + "exit 1\n", (), False),
        (GOOD.replace("/bin/sh", "/no/such/shell"), (), False),
    ],
    ids=["good", "without initdb", "too old", "without a version", "failing", "for another machine"],
)
def test_what_is_found_on_the_path_can_be_used(
    postgres: str, missing: tuple[str, ...], found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = programs(tmp_path / "bin", postgres, *missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    elsewhere = installations()
    assert folder not in [one.programs for one in elsewhere]
    monkeypatch.setenv("PATH", str(folder))
    here = [Installation(folder, 99)] if found else []
    assert [one for one in installations() if one not in elsewhere] == here


@as_root
@pytest.mark.parametrize(("known", "chosen"), [(("nobody", "postgres"), "postgres"), (("nobody",), "nobody")])
def test_roots_server_runs_as_a_user_of_the_machine(
    known: tuple[str, ...], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwnam", {name: accounts()[name] for name in known}.__getitem__)
    account = server_account(tmp_path / "nothing yet")
    assert account is not None
    assert (account.name, account.uid) == (chosen, accounts()[chosen].pw_uid)


def accounts() -> dict[str, pwd.struct_passwd]:
    """Two users, as a machine may have them."""
    return {
        name: pwd.struct_passwd((name, "x", number, number, "", "/", "/bin/false"))
        for name, number in (("postgres", 70), ("nobody", 65534))
    }


@as_root
def test_root_needs_somebody_else_for_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = tmp_path / "cluster"
    monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)
    with pytest.raises(SetupError, match="neither a user postgres nor nobody"):
        server_account(cluster)
    cluster.mkdir()
    with pytest.raises(SetupError, match="belongs to root"):
        server_account(cluster)
    os.chown(cluster, 1234, 1234)
    account = server_account(cluster)
    assert account is not None
    assert (account.uid, account.gid) == (1234, 1234)


def test_who_is_not_root_runs_it_as_themselves(empty: Path) -> None:
    account = server_account(empty)
    installation = reachable(FOUND[0], account, empty.parent, str)
    if account is not None:
        os.chown(empty.parent, account.uid, account.gid)
    with another_user(), running(empty, installation, durable=False) as url:
        assert server_account(empty) is None
        assert ask(url, "SELECT 1") == [(1,)]
        assert (empty / "postgres").stat().st_uid == os.geteuid()


@as_root
def test_a_copy_that_cannot_run_either_is_refused(empty: Path) -> None:
    closed = empty.parent / "closed"
    closed.mkdir(mode=0o700)
    folder = programs(closed / WHEEL / "pginstall" / "bin", GOOD.replace("/bin/sh", "/no/such/shell"))
    with pytest.raises(SetupError, match="cannot run PostgreSQL"), running(empty, Installation(folder, 99)):
        raise AssertionError
