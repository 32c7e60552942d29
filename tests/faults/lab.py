"""Processes on one database, of this build or of a broken one."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2

import app
from app import tokens
from app.db import url as urls
from discretion import told
from faults.forks import Fork, Forks
from faults.wire import Wire
from reserved import port_of, reserved
from support import GENEROUS, SECRET, Postgres, as_environment

THIS_BUILD = Path(app.__file__).parents[1]
TESTS = Path(__file__).parents[1]

PATIENCE = 45
"""Seconds in which what must happen has happened, also on a busy machine: more than four leases."""

_WAITING = """
    SELECT count(*) FROM pg_locks WHERE NOT granted AND (
        transactionid = pg_current_xact_id()::xid
        OR relation = 'conversation'::regclass AND format('(%%s,%%s)', page, tuple) = %s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""
"""Who waits for a row that this transaction has locked: the first for its end, the others for the first."""

_COMPLAINT = re.compile(
    r"Traceback|Warning|Exception ignored|Exception in callback|never retrieved|internal_error"
)


class Process:
    """A server process, with a wire of its own to the database."""

    def __init__(self, lab: "Lab", settings: dict[str, object]) -> None:
        self._lab = lab
        self._settings = settings
        self._forks: Forks | None = None
        self._fork: Fork | None = None
        self.wire = Wire(lab.postgres.url)
        self._reserved = reserved()
        self.port = port_of(self._reserved)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self._fork is not None and self._fork.alive

    async def start(self) -> None:
        """Starts it on its port, and returns when it listens."""
        if self.wire.port == 0:
            await self.wire.open()
        if self._forks is None:
            self._forks = Forks(self._lab.folder, self._lab.log, self._lab.environment)
        url = self._lab.postgres.url.set(host="127.0.0.1", port=self.wire.port)
        url = url.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
        settings = {
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "SECRET_KEY": SECRET,
            **as_environment(GENEROUS),
            "LOG_LEVEL": "ERROR",
            "DATABASE_TIMEOUT": PATIENCE,
            "DATABASE_POOL_TIMEOUT": PATIENCE,
            "DATABASE_POOL_SIZE": 16,  # crowds wait in Postgres for each other, some at a time
            "PORT": self.port,
            **self._settings,
        }
        given = {name: str(value) for name, value in settings.items()}
        async with asyncio.timeout(PATIENCE):
            self._fork = await self._forks.fork({**self._lab.environment, **given})
        await self._ready()

    def strike(self) -> None:
        """SIGKILL: no time for a last word."""
        if self.alive:
            self._signal(signal.SIGKILL)

    async def kill(self) -> None:
        """SIGKILL, and waits until it is gone."""
        self.strike()
        await self.ended()

    def terminate(self) -> None:
        """SIGTERM: an orderly end."""
        self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: it seems dead, and is not."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on where it was."""
        self._signal(signal.SIGCONT)

    async def ended(self) -> int:
        """Its exit code, once it has one."""
        assert self._fork is not None
        return await self._fork.ended()

    def megabytes(self) -> float:
        """How much memory it has now."""
        assert self._fork is not None
        status = Path(f"/proc/{self._fork.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    async def close(self) -> None:
        with self._reserved:
            if self._fork is not None:
                await self.kill()
            if self._forks is not None:
                await self._forks.close()
            await self.wire.close()

    def _signal(self, which: signal.Signals) -> None:
        assert self._fork is not None
        self._fork.send(which)

    async def _ready(self) -> None:
        """The port listens before the application is ready, so a request that is accepted waits."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        answer = await reader.read(64)
        writer.close()
        if b" 200 " not in answer:
            raise RuntimeError(f"it did not get ready:\n{self._lab.log.read_text()[-3000:]}")


@dataclass
class Lab:
    """A place for experiments: a database, a folder for what the assistant counts, and a build."""

    postgres: Postgres
    folder: Path
    build: Path = THIS_BUILD
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "calls").write_bytes(b"")
        self.log.write_bytes(b"")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes: whatever is set where the tests run stays there."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "PYTHONPATH": f"{self.build}:{TESTS}", "PYTHONWARNINGS": "error"}

    @property
    def log(self) -> Path:
        """What the processes log: errors only."""
        return self.folder / "log"

    async def process(self, **settings: object) -> Process:
        """Another server process, stopped with the lab. `settings` are names of the environment."""
        process = Process(self, settings)
        self._stack.push_async_callback(process.close)
        await process.start()
        return process

    def user(self) -> tuple[int, str]:
        """A new account and its token."""
        sql = "INSERT INTO \"user\" (issuer, subject) VALUES ('lab', gen_random_uuid()::text) RETURNING id"
        user_id = int(self.postgres.value(sql))
        return user_id, tokens.issue(user_id, SECRET, 36_000, time.time())

    def calls(self) -> list[str]:
        """The key of each time that an assistant was asked, in whatever process."""
        return (self.folder / "calls").read_text().split()

    def complaints(self) -> list[str]:
        """What no process should ever say: an unexpected exception, a warning, or who somebody is."""
        said = self.log.read_text()
        return [*filter(_COMPLAINT.search, said.splitlines()), *told(said)]

    async def asked(self, *keys: str) -> None:
        """Waits until the assistant was asked for all of these."""
        async with asyncio.timeout(PATIENCE + len(keys) / 5):
            while set(keys) - set(self.calls()):  # noqa: ASYNC110  # other processes write them
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def crowd(self, conversation: int, requests: int) -> AsyncIterator[None]:
        """Lets no write into the conversation until so many wait for each other, and then all at once."""
        # In a thread, because it may have to wait for somebody whose wire is in this one.
        holder = await asyncio.to_thread(psycopg2.connect, **urls.arguments(self.postgres.url))
        with closing(holder), holder.cursor() as cursor:
            held = "SELECT ctid FROM conversation WHERE id = %s FOR UPDATE"
            await asyncio.to_thread(cursor.execute, held, [conversation])
            [[place]] = cursor.fetchall()
            yield
            async with asyncio.timeout(PATIENCE):
                waiting = 0
                while waiting < requests:
                    await asyncio.sleep(0.02)
                    cursor.execute(_WAITING, [place])
                    [[waiting]] = cursor.fetchall()

    def open_gate(self, key: str) -> None:
        """Lets the assistant go on that waits in the script of this key."""
        (self.folder / f"go-{key}").touch()


@asynccontextmanager
async def two(lab: Lab, **settings: object) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes of a lab."""
    async with lab:
        first, second = await asyncio.gather(lab.process(**settings), lab.process(**settings))
        yield first, second
