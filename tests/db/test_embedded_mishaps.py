"""The embedded server on a machine that plays up: ports that are taken, a full disk, processes that stay."""

import fcntl
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db.embedded import running
from app.db.installation import Installation
from app.errors import SetupError
from embedded_for_tests import FOUND, ask

PlaysUp = Callable[[str, str], Installation]


@pytest.fixture
def plays_up(empty: Path) -> PlaysUp:
    """The PostgreSQL of this machine, with one program that a few lines of shell are run before."""

    def make(program: str, lines: str) -> Installation:
        folder = empty.parent / "bin"
        folder.mkdir()
        folder.chmod(0o777)
        for path in FOUND[0].programs.iterdir():
            (folder / path.name).symlink_to(path)
        (folder / program).unlink()
        (folder / program).write_text(f'#!/bin/sh\n{lines}\nexec {FOUND[0].programs / program} "$@"\n')
        (folder / program).chmod(0o755)
        return Installation(folder, FOUND[0].major)

    return make


@pytest.mark.parametrize("again", [False, True])
def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(
    empty: Path, plays_up: PlaysUp, again: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        once = "true" if again else f"mkdir {empty.parent}/bin/once 2>/dev/null"
        taking = f'if [ "$1" = start ] && {once}; then set -- "$@" -o --port={port}; fi'
        installation = plays_up("pg_ctl", taking)
        if again:
            refused = pytest.raises(SetupError, match="Address already in use")
            with refused, running(empty, installation, durable=False):
                raise AssertionError
        else:
            with running(empty, installation, durable=False) as url:
                assert ask(url, "SELECT 1") == [(1,)]


def test_a_disk_that_is_full_at_the_first_start_leaves_nothing_half(empty: Path, plays_up: PlaysUp) -> None:
    installation = plays_up("initdb", "ulimit -f 200")
    with (
        pytest.raises(SetupError, match=r"initdb failed in .*(?s:.)*too large"),
        running(empty, installation),
    ):
        raise AssertionError
    assert not (empty / "postgres").exists()
    with running(empty, durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]


def test_a_process_of_a_server_that_does_not_end_is_not_waited_for_for_ever(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.db.embedded.PATIENCE", 1)
    with (directory / "locks/server").open("a") as process:
        fcntl.flock(process, fcntl.LOCK_EX)
        refused = pytest.raises(SetupError, match="neither answers nor ends")
        with caplog.at_level(logging.WARNING), refused, running(directory, durable=False):
            raise AssertionError
        assert "embedded_server_stays" in caplog.messages
    monkeypatch.undo()
    with running(directory, durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]
