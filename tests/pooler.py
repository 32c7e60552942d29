"""PgBouncer in front of a Postgres, as hosted ones have it: a transaction is all that a client can hold."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from sqlalchemy.engine import URL

from app.db import url as urls
from app.db.installation import server_account
from reserved import port_of, reserved

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")

_SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = {user}
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 1000
"""


@contextmanager
def pooled(server: URL, size: int) -> Iterator[URL]:
    """The address of a pooler with so many connections a database to the server of a URL."""
    assert PROGRAM is not None, "PgBouncer is not installed"
    with reserved() as holder, tempfile.TemporaryDirectory(prefix="chat-history-pooler-") as name:
        folder, own = Path(name), port_of(holder)
        folder.chmod(0o711)
        values = {
            "host": server.host,
            "port": server.port or 5432,
            "own": own,
            "folder": folder,
            "size": size,
            "user": server.username,
        }
        (folder / "settings").write_text(_SETTINGS.format(**values))
        (folder / "users").write_text(f'"{server.username}" "{server.password or ""}"\n')
        account = server_account(Path("/nowhere"))  # it too refuses to run as root
        process = subprocess.Popen(
            [PROGRAM, "--quiet", folder / "settings"],
            user=account.uid if account else None,
            group=account.gid if account else None,
            stderr=subprocess.DEVNULL,
        )
        try:
            pooler = server.set(host="127.0.0.1", port=own)
            while not _answers(pooler):
                assert process.poll() is None, "PgBouncer did not start"
                time.sleep(0.02)
            yield pooler
        finally:
            process.terminate()
            process.wait()


def transactions_of(pooler: URL) -> int:
    """How many went through it."""
    with closing(psycopg2.connect(**urls.arguments(pooler.set(database="pgbouncer")))) as console:
        console.autocommit = True
        with console.cursor() as cursor:
            cursor.execute("SHOW TOTALS")
            return int(dict(cursor.fetchall())["total_xact_count"])


def _answers(pooler: URL) -> bool:
    try:
        with closing(psycopg2.connect(**urls.arguments(pooler), connect_timeout=5)):
            return True
    except psycopg2.Error:
        return False
