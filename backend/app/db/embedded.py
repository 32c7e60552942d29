"""The embedded PostgreSQL: one server for every process that uses the same data directory.

    locks/          serve, users, starting, server: see below
    postgres/       cluster and password; under this name, it is always complete
    postgres.log    log since the latest start; never has statements or the values in them
    secret_key      signs the tokens of a service without a SECRET_KEY
    programs-*/     a copy of the programs, only if root's server could not reach them otherwise

The locks:

* `users` is held, shared, by every process that uses the database. A process that leaves and gets it
  exclusively was the last one, and stops the server.
* `starting` is held while the server is started or stopped.
* `server` is inherited by every process of PostgreSQL itself. While it is held, one of them lives,
  whatever `postmaster.pid` says; while it is free, none does.
* `serve` is held by the one service of this directory.

If its last user is killed, the server keeps running, and the next user takes it over.
"""

import logging
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import psycopg2
from sqlalchemy.engine import make_url

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
    tidy,
)
from .locks import claimed, exclusive, explained, free, lock

logger = logging.getLogger(__name__)

PATIENCE = 300
"""How many seconds a server may take to start (recovery included), to answer or to end."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    # Statements and their errors contain messages of users: neither may reach the log.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
LOOK_SECONDS = 0.5
"""How often, in seconds, `revived` checks the server. It asks the kernel, and wakes no database."""
TRIES = 5
"""How many times in a row `revived` tries to start it: it may be killed again while it starts."""

THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
}
"""Changed settings of a server that is not `durable`. It also allows many more connections."""


def exists(data_directory: Path) -> bool:
    """Whether the directory holds a complete database, whether or not its server runs."""
    return (data_directory / "postgres").exists()


@contextmanager
def running(
    data_directory: Path,
    installation: Installation | None = None,
    durable: bool = True,
    progress: Callable[[str], object] = logger.debug,
) -> Iterator[str]:
    """Yields the URL of the directory's server: `postgresql://chat_history:...@127.0.0.1:.../chat_history`.

    The server is created, started or taken over as needed, and stopped when its last user, in any process,
    leaves. `progress` is called with a sentence before a step that takes seconds. Without `durable`, a crash
    of the machine may destroy the data; this applies when the server is started, not when it is taken over.

    Raises SetupError if that is impossible: no PostgreSQL, or none of the data's major version; a directory
    that is not ours, or cannot be written or reached; a server that does not start.
    """
    data_directory = data_directory.absolute()
    server = None
    with explained(data_directory):
        locks = claimed(data_directory)
        users = lock(locks / "users", shared=True)
    try:
        with explained(data_directory), lock(locks / "starting"):
            server = _Server(data_directory, installation, progress)
            url = server.start(durable)
        yield url
    finally:
        with explained(data_directory), lock(locks / "starting"), users:
            if server is not None and exclusive(users) and server.stop():
                tidy(data_directory, server.installation)


@contextmanager
def revived(data_directory: Path, url: str, failed: Callable[[SetupError], object]) -> Iterator[None]:
    """Restarts the directory's server on its port whenever it dies: its users see a short interruption.

    Calls `failed` once, from another thread, if that is impossible.
    """
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(data_directory.absolute(), url, failed, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(folder: Path, url: str, failed: Callable[[SetupError], object], over: threading.Event) -> None:
    failures: list[SetupError] = []
    while len(failures) < TRIES and not over.wait(LOOK_SECONDS):
        try:
            with explained(folder), lock(folder / "locks" / "starting"):
                if not _lives(folder):
                    logger.error("embedded_server_died", extra={"data_directory": str(folder)})
                    _start_again(folder, url)
            failures.clear()
        except SetupError as error:
            failures.append(error)
    if failures:
        failed(failures[-1])


def _start_again(folder: Path, url: str) -> None:
    server = _Server(folder, None, logger.debug)
    if server.start(durable=True, port=make_url(url).port) != url:
        server.stop()
        raise SetupError(f"The PostgreSQL of {folder} died, and another program has taken its port.")


class _Server:
    """The server of one data directory. Use it only while holding the lock `starting`."""

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

    def start(self, durable: bool, port: int | None = None) -> str:
        """Starts the server, on `port` if that is free, and returns its URL once it accepts connections.

        Takes over a server that is already running.
        """
        deadline = time.monotonic() + PATIENCE
        while (url := self._answer()) is None:
            if guard := free(self.folder / "locks" / "server"):
                with guard:
                    return self._launch(guard, durable, port)
            # A process of the server is alive: it recovers, shuts down, or has outlived a killed postmaster.
            if time.monotonic() > deadline:
                raise SetupError(f"The server of {self.folder} neither answers nor ends.{self._tail()}")
            time.sleep(0.1)
        logger.info("embedded_server_taken_over", extra={"data_directory": str(self.folder)})
        return url

    def stop(self) -> bool:
        """Stops the server and waits until all its processes have ended. Returns False if one remains."""
        if not _lives(self.folder):
            return True
        deadline = time.monotonic() + PATIENCE
        self._run("pg_ctl", "stop", "-s", "-m", "fast", "-t", str(PATIENCE), "-D", self.cluster)
        while _lives(self.folder):
            if time.monotonic() > deadline:
                logger.warning("embedded_server_stays", extra={"data_directory": str(self.folder)})
                return False
            time.sleep(0.02)
        logger.info("embedded_server_stopped", extra={"data_directory": str(self.folder)})
        return True

    def _launch(self, guard: TextIO, durable: bool, port: int | None) -> str:
        if not self.home.exists():
            self.progress("Preparing the database (first start) ...")
            create(self.installation, self.account, self.home, durable, inherited=guard.fileno())
        elif (stale := self.cluster / "postmaster.pid").exists():
            # Another process may have its pid by now, which would keep PostgreSQL from starting.
            self.progress("Recovering the database after a crash ...")
            port = port or self._port()  # its users know no other address
            stale.unlink()
        settings = SETTINGS if durable else SETTINGS | THROW_AWAY
        for _ in range(3):
            port = port or _free_port()
            words = [f"--{name}={value}" for name, value in {**settings, "port": port}.items()]
            start = ("start", "-s", "-w", "-t", str(PATIENCE), "-o", shlex.join(words))
            with self.log.open("wb") as log:
                outcome = self._run("pg_ctl", *start, "-D", self.cluster, guard=guard, output=log.fileno())
            if outcome.returncode == 0:
                logger.info("embedded_server_started", extra={"port": port})
                return self._url(port)
            if "TCP/IP sockets" not in self._tail():
                break
            port = None  # another program has taken it
        raise SetupError(f"PostgreSQL does not start in {self.folder}.{self._tail()}")

    def _answer(self) -> str | None:
        """Returns the URL if a server of this very cluster accepts our password."""
        if (port := self._port()) is None:
            return None
        url = self._url(port)
        try:
            # Explicit, because the environment may ask libpq for encryption, meant for another server.
            with closing(
                psycopg2.connect(url, sslmode="disable", channel_binding="disable", connect_timeout=5)
            ) as connection:
                cursor = connection.cursor()
                cursor.execute("SHOW data_directory")
                [(served,)] = cursor.fetchall()
            return url if self.cluster.samefile(served) else None
        except (OSError, ValueError, psycopg2.Error):
            return None

    def _port(self) -> int | None:
        """The port that the server listens on, or listened on when it died."""
        try:
            return int((self.cluster / "postmaster.pid").read_text().splitlines()[3])
        except (OSError, ValueError, IndexError):
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

    def _tail(self) -> str:
        return last_lines(self.log.read_text(errors="replace") if self.log.exists() else "")


def _lives(folder: Path) -> bool:
    """Whether any process of the server is alive."""
    guard = free(folder / "locks" / "server")
    if guard:
        guard.close()
    return guard is None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
