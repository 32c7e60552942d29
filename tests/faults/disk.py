"""The disk that holds the rows is full: writes are refused, reads work, and room is all that it takes."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db.migrations import migrate
from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground, OwnServer, Unavailable
from support import Postgres, User, served, settings

NOTE = random.Random(1).randbytes(2_000).hex()
"""Text that cannot be compressed much."""

ROOM = 128 * 1_024
"""Bytes that are left at first."""


@contextmanager
def _small_disk(server: OwnServer, folder: Path) -> Iterator[tuple[Postgres, Path]]:
    """A database whose tables are on a disk of 64 MB, and a file that takes up room there."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        raise Unavailable("only root can mount a disk of its own")
    try:
        space, owner = disk / "space", server.cluster.stat()
        space.mkdir(mode=0o700)
        os.chown(space, owner.st_uid, owner.st_gid)
        server.postgres.rows(f"CREATE TABLESPACE small LOCATION '{space}'")
        server.postgres.rows("CREATE DATABASE small TABLESPACE small")
        database = Postgres(server.postgres.url.set(database="small"))
        migrate(database.url)
        yield database, disk / "filler"
    finally:
        server.postgres.rows("DROP DATABASE IF EXISTS small WITH (FORCE)")
        server.postgres.rows("DROP TABLESPACE IF EXISTS small")
        subprocess.run(["umount", "--lazy", disk], check=True)


def full_disks(ground: Ground, times: int) -> Outcome:
    """Everything that was acknowledged is there at every moment, and nothing that was refused."""
    if os.geteuid() != 0:
        raise Unavailable("only root can mount a disk of its own")
    acknowledged: list[int] = []
    refused = 0
    with (
        ground.own_server() as server,
        ground.room() as folder,
        _small_disk(server, folder) as (database, filler),
        served(create_app(settings(database)), database) as service,
    ):
        user = service.user("alice@example.com")
        conversation = user.conversation()
        for _ in range(times):
            _fill(filler)
            refused += _until_refused(user, conversation, acknowledged)
            stored = [message["id"] for message in user.messages(conversation)]
            assert stored == acknowledged, "what is read on a full disk is not what was acknowledged"
            turn = user.post(f"/api/chat/{conversation}/message", {"message": NOTE})
            assert turn.status_code == 503, turn.text
            filler.unlink()
            acknowledged.append(user.say(conversation, NOTE)["id"])
        stored = [message["id"] for message in user.messages(conversation)]
        assert stored == acknowledged
    return Outcome(
        len(acknowledged) + refused,
        refused,
        f"{len(acknowledged)} acknowledged, 0 lost; {refused} answers 503; reads work meanwhile; "
        f"{times} times the first write after there was room again was stored, nothing restarted",
    )


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    os.truncate(filler, filler.stat().st_size - ROOM)


def _until_refused(user: User, conversation: int, acknowledged: list[int]) -> int:
    """Appends until the last page is full, and then some; returns how many were refused."""
    refused = 0
    while refused < 5:
        answer = user.post(f"/api/conversations/{conversation}/messages", {"content": NOTE})
        if answer.status_code == 201:
            acknowledged.append(answer.json()["id"])
            continue
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        refused += 1
    return refused
