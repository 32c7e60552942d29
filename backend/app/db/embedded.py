"""The embedded PostgreSQL: one server for every process that uses the same data directory.

    locks/          serve, users, starting, server: see below
    postgres/       cluster and password; complete from the moment that it has this name
    postgres.log    of the latest start; statements, and the values in them, are never logged
    programs-*/     a copy of the programs, only where root's server could not reach them otherwise

Locks are the kernel's (`flock`), so they end with their holder, however it ends:

* `users` is shared by every process that uses the database. Who leaves and gets it exclusively was
  the last one, and stops the server.
* `starting` is held while the server is started or stopped.
* `server` is inherited by every process of PostgreSQL itself. While it is held, one of them lives,
  whatever `postmaster.pid` says; while it is free, none does.
* `serve` belongs to the one service of this directory.

A server whose last user was killed stays, and the next user takes it over.
"""

import logging
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import psycopg2

from ..errors import SetupError
from .installation import (
    NAME,
    Installation,
    admit,
    create,
    fitting,
    installations,
    last_lines,
    reachable,
    run,
    server_account,
)

if sys.platform != "win32":  # pragma: no branch: tests run on the systems that have `flock`
    import fcntl

logger = logging.getLogger(__name__)

PATIENCE = 300
"""Seconds in which a server must have started (recovery included), answered or ended."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    # Messages of users are in statements and in their errors: neither may reach the log.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def running(
    data_directory: Path,
    installation: Installation | None = None,
    durable: bool = True,
    progress: Callable[[str], object] = logger.debug,
) -> Iterator[str]:
    """The URL of the directory's server: `postgresql://chat_history:...@127.0.0.1:.../chat_history`.

    The server is made, started or taken over as needed, and stopped when the last of its users, in
    whatever process, leaves. `progress` is told, in a sentence, what takes seconds. Without
    `durable` a crash of the machine may destroy the data; what matters is who starts the server.

    Raises SetupError if that is impossible: no PostgreSQL, or none of the data's major version; a
    directory that is not ours, or cannot be written or reached; a server that does not start.
    """
    data_directory = data_directory.absolute()
    server = None
    with _explained(data_directory):
        locks = _claimed(data_directory)
        users = _lock(locks / "users", shared=True)
    try:
        with _explained(data_directory), _lock(locks / "starting"):
            server = _Server(data_directory, installation, progress)
            url = server.start(durable)
        yield url
    finally:
        with _explained(data_directory), _lock(locks / "starting"), users:
            if server is not None and _exclusive(users):
                server.stop()


@contextmanager
def exclusively(data_directory: Path) -> Iterator[None]:
    """Makes this process the one that serves the directory.

    Raises SetupError with the process id of the one that does already.
    """
    with _explained(data_directory):
        lock = (_claimed(data_directory) / "serve").open("a+")
    with lock:
        with _explained(data_directory):
            if not _exclusive(lock):
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise SetupError(
                    f"{data_directory} is served already, by process {holder}: "
                    "stop that one, or set DATA_DIR to another folder."
                )
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


class _Server:
    """The server of one data directory. To be used under the lock `starting` only."""

    def __init__(
        self,
        folder: Path,
        installation: Installation | None,
        progress: Callable[[str], object],
    ) -> None:
        self.folder = folder
        self.home = folder / "postgres"
        self.cluster = self.home / "cluster"
        self.log = folder / "postgres.log"
        self.progress = progress
        self.account = server_account(self.home)
        if self.account is not None:
            admit(self.account, folder)
        suitable = fitting(self.home, [installation] if installation else installations())
        self.installation = reachable(suitable, self.account, folder, progress)

    def start(self, durable: bool) -> str:
        """The URL, once the server accepts connections. Takes over one that runs already."""
        deadline = time.monotonic() + PATIENCE
        while (url := self._answer()) is None:
            if guard := self._guard():
                with guard:
                    return self._launch(guard, durable)
            # A process of the server lives: it recovers, shuts down, or outlives a killed one.
            if time.monotonic() > deadline:
                raise SetupError(f"The server of {self.folder} neither answers nor ends.{self._tail()}")
            time.sleep(0.1)
        logger.info("embedded_server_taken_over", extra={"data_directory": str(self.folder)})
        return url

    def stop(self) -> None:
        """Ends the server and waits until none of its processes is left."""
        if self._is_free():
            return
        deadline = time.monotonic() + PATIENCE
        self._run("pg_ctl", "stop", "-s", "-m", "fast", "-t", str(PATIENCE), "-D", self.cluster)
        while not self._is_free():
            if time.monotonic() > deadline:
                logger.warning("embedded_server_stays", extra={"data_directory": str(self.folder)})
                return
            time.sleep(0.02)
        logger.info("embedded_server_stopped", extra={"data_directory": str(self.folder)})

    def _launch(self, guard: TextIO, durable: bool) -> str:
        if not self.home.exists():
            self.progress("Preparing the database (first start) ...")
            create(self.installation, self.account, self.home, durable, inherited=guard.fileno())
        elif (stale := self.cluster / "postmaster.pid").exists():
            # Its number may be another process's by now, which would keep PostgreSQL from starting.
            self.progress("Recovering the database after a crash ...")
            stale.unlink()
        settings = SETTINGS if durable else SETTINGS | THROW_AWAY
        for _ in range(3):
            port = _free_port()
            words = [f"--{name}={value}" for name, value in {**settings, "port": port}.items()]
            start = ("start", "-s", "-w", "-t", str(PATIENCE), "-o", shlex.join(words))
            with self.log.open("wb") as log:
                outcome = self._run("pg_ctl", *start, "-D", self.cluster, guard=guard, output=log.fileno())
            if outcome.returncode == 0:
                logger.info("embedded_server_started", extra={"port": port})
                return self._url(port)
            if "Address already in use" not in self._tail():  # taken since _free_port let go of it
                break
        raise SetupError(f"PostgreSQL does not start in {self.folder}.{self._tail()}")

    def _answer(self) -> str | None:
        """The URL, if a server of this very cluster accepts our password."""
        try:
            port = int((self.cluster / "postmaster.pid").read_text().splitlines()[3])
            url = self._url(port)
            # The environment may ask libpq for encryption, which is another server's business.
            with closing(
                psycopg2.connect(url, sslmode="disable", channel_binding="disable", connect_timeout=5)
            ) as connection:
                cursor = connection.cursor()
                cursor.execute("SHOW data_directory")
                [(served,)] = cursor.fetchall()
            return url if self.cluster.samefile(served) else None
        except (OSError, ValueError, IndexError, psycopg2.Error):
            return None

    def _url(self, port: int) -> str:
        password = (self.home / "password").read_text()
        return f"postgresql://{NAME}:{password}@127.0.0.1:{port}/{NAME}?sslmode=disable"

    def _run(
        self,
        name: str,
        *arguments: str | Path,
        guard: TextIO | None = None,
        output: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        command = [self.installation.programs / name, *arguments]
        inherited = (guard.fileno(),) if guard else ()
        return run(command, self.account, output=output, inherited=inherited)

    def _guard(self) -> TextIO | None:
        """The lock `server`, if no process of the server holds it."""
        guard = (self.folder / "locks" / "server").open("a+")
        if _exclusive(guard):
            return guard
        guard.close()
        return None

    def _is_free(self) -> bool:
        guard = self._guard()
        if guard:
            guard.close()
        return guard is not None

    def _tail(self) -> str:
        return last_lines(self.log.read_text(errors="replace") if self.log.exists() else "")


def _claimed(folder: Path) -> Path:
    """The folder of the locks, which marks a data directory as ours. Made if there is nothing yet."""
    if sys.platform == "win32":  # pragma: no cover: tests run on the systems that have `flock`
        raise SetupError("The embedded PostgreSQL needs Linux or macOS: set DATABASE_URL.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    locks = folder / "locks"
    # In this order: who sees what another process made here sees the mark too, for that came first.
    if any(folder.iterdir()) and not locks.is_dir():
        raise SetupError(f"{folder} holds something else: set DATA_DIR to an empty folder.")
    locks.mkdir(mode=0o700, exist_ok=True)
    return locks


def _lock(path: Path, shared: bool = False) -> TextIO:
    """Waits for the lock; it ends when the file is closed."""
    file = path.open("a+")
    fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    return file


def _exclusive(file: TextIO) -> bool:
    """Whether the lock could be had for this file alone, without waiting."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise SetupError(
            f"The data directory {folder} cannot be used: {error.strerror}{place}. "
            "Mend that, or set DATA_DIR to another folder."
        ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
