"""What figures are tried on: a Postgres that they share, Postgres servers of their own, folders."""

import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from app.db import embedded, url as urls
from app.db.installation import Installation, installations
from app.db.migrations import migrate
from app.errors import SetupError
from discretion import told
from faults.lab import Lab
from support import Postgres


class Unavailable(Exception):
    """This machine lacks what a figure needs; the text says what."""


class OwnServer:
    """A durable Postgres of one figure. Whenever it dies, it is started again on its port."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.cluster = folder / "postgres" / "cluster"
        self.postgres = postgres

    def crash(self, how: signal.Signals) -> None:
        """SIGQUIT: it stops without a checkpoint, as `pg_ctl stop -m immediate`. SIGKILL: not even that."""
        os.kill(int((self.cluster / "postmaster.pid").read_text().split()[0]), how)

    def answers(self) -> bool:
        """Whether it can be used at this moment."""
        try:
            with closing(psycopg2.connect(**urls.arguments(self.postgres.url), connect_timeout=5)):
                return True
        except psycopg2.Error:
            return False


class Ground:
    """Makes databases and labs on one cluster, and servers of their own."""

    def __init__(self, cluster: Postgres, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self._mark = f"faults_{uuid.uuid4().hex[:8]}_"

    @contextmanager
    def database(self, revision: str = "head") -> Iterator[Postgres]:
        """A new database, migrated, dropped at the end."""
        name = f"{self._mark}{uuid.uuid4().hex[:12]}"
        self.cluster.rows(f"CREATE DATABASE {name}")
        try:
            database = Postgres(self.cluster.url.set(database=name))
            if revision != "base":
                migrate(database.url, revision)
            yield database
        finally:
            self.cluster.rows(f"DROP DATABASE {name} WITH (FORCE)")

    def clear(self) -> None:
        """Drops the databases of processes that were ended before they could do so."""
        ours = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (name,) in self.cluster.rows(ours, self._mark):
            self.cluster.rows(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def lab(self) -> Iterator[Lab]:
        """A lab on a new database. Its processes must not have complained of anything."""
        with self.database() as database, self.room() as folder:
            lab = Lab(database, folder)
            yield lab
            assert lab.complaints() == []

    @contextmanager
    def own_server(self, *, encrypts: bool = False) -> Iterator[OwnServer]:
        """A server that keeps its promises: its settings are asked for, not trusted.

        Raises Unavailable if it is to encrypt, and no Postgres here can.
        """
        failures: list[SetupError] = []
        installation = _that_encrypts() if encrypts else None
        with self.room() as folder, discreet(folder, installation) as url:
            postgres = Postgres(urls.parse(url))
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert postgres.value(f"SHOW {setting}") == "on"
            migrate(postgres.url)
            with embedded.revived(folder, url, failures.append):
                yield OwnServer(folder, postgres)
        assert failures == []

    @contextmanager
    def room(self) -> Iterator[Path]:
        """An empty folder that also the user can reach as whom root's Postgres runs."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as name:
            Path(name).chmod(0o711)
            yield Path(name)


@contextmanager
def discreet(
    folder: Path, installation: Installation | None = None, *, durable: bool = True
) -> Iterator[str]:
    """The URL of a Postgres in this folder. Its log since its latest start must tell of nobody in the end."""
    with embedded.running(folder, installation, durable) as url:
        yield url
    found = told((folder / "postgres.log").read_text(errors="replace"))
    assert found == [], f"{len(found)} lines of Postgres's log tell of somebody, such as {found[0]}"


def _that_encrypts() -> Installation:
    for installation in installations():
        libraries = subprocess.run(
            ["ldd", installation.programs / "postgres"], capture_output=True, text=True, check=False
        )
        if "libssl" in libraries.stdout:
            return installation
    raise Unavailable("no PostgreSQL with TLS is installed; the one of the wheel has none")
