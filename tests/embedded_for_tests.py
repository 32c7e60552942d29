"""Folders for embedded servers, and users who may run them."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from app.db.installation import installations, server_account

FOUND = installations()
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")


@contextmanager
def open_folder() -> Iterator[Path]:
    """An empty folder that every user of the machine can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="chat-history-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def another_user() -> Iterator[None]:
    """For root: acts as whom its server would run as. Children cannot become root again."""
    account = server_account(Path("/nowhere"))
    if account is None:
        yield
        return
    os.setresgid(account.gid, account.gid, 0)
    os.setresuid(account.uid, account.uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def no_process_of_the_server_lives(directory: Path) -> bool:
    with (directory / "locks/server").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
