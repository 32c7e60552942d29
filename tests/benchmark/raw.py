"""Postgres alone: pgbench with the very texts that the service sends, heard on the line between the two."""

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from app.db import url as urls
from app.db.identity import ROLE
from app.db.installation import installations
from benchmark.contestants import OPERATIONS, service
from benchmark.load import Ask
from benchmark.processes import family_seconds
from proxy import Proxy, proxied
from support import Postgres

SCRIPTS = 100
"""Texts of each operation, which pgbench picks from: it takes 128 at most."""

CONNECTIONS = 8
"""As many as a process of the service opens, if nobody says otherwise."""

ROUNDS = 9
"""What is compared differs by less than one round from the next."""

Texts = dict[str, list[str]]

_BY_POLICIES = re.compile(r"set_config\('(?:role|app\.\w+)', ([^(),]+), true\)")
"""What Postgres is told for the sake of row-level security: a setting, and what it is set to."""

LATER_SECONDS = 1_000_000
"""What writes says until when it is waited for. Here it is said again and again."""

_DEADLINE = re.compile(r"\b\d{10}\.\d+")
_PREPARED = re.compile(r"PREPARE .+?(?=; (?:EXECUTE|PREPARE)|$)", re.DOTALL)


@contextmanager
def overheard(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of the database, and the address of a service behind it."""
    with proxied(Postgres(urls.parse(url))) as proxy, service(proxy.text) as running:
        yield proxy, running.address


def send(client: httpx.Client, ask: Ask) -> None:
    """Sends a request, which must succeed."""
    headers = {"Authorization": f"Bearer {ask.token}", "Content-Type": "application/json"}
    client.request(
        "GET" if ask.body is None else "POST", ask.path, headers=headers, content=ask.body
    ).raise_for_status()


def texts(url: str, ask: dict[str, list[Ask]]) -> tuple[list[str], Texts]:
    """What the service says to Postgres: once, to prepare what it keeps, and for each request."""
    prepared: list[str] = []
    with overheard(url) as (proxy, address), httpx.Client(base_url=address, verify=False) as client:
        send(client, ask["list"][0])  # opens the connection
        prepared += _PREPARED.findall(bytes(proxy.said).decode(errors="replace").replace("\0", ""))
        heard: Texts = {operation: [] for operation in ask}
        for operation, asks in ask.items():
            proxy.forget()
            send(client, asks[0])
            prepared += _PREPARED.findall(_query(bytes(proxy.said)))
            for each in asks:
                proxy.forget()
                send(client, each)
                heard[operation].append(_query(bytes(proxy.said)))
    return prepared, heard


def _query(said: bytes) -> str:
    """The text of a simple query: a Q, its length, and a zero at its end."""
    (length,) = struct.unpack(">i", said[1:5])
    assert said[:1] == b"Q", "the service sends a simple query and nothing else"
    assert len(said) == 1 + length, "and one only"
    return _DEADLINE.sub(lambda said: str(float(said[0]) + LATER_SECONDS), said[5:-1].decode())


def program() -> str | None:
    """pgbench, if it is somewhere: not every PostgreSQL brings it."""
    folders = ":".join(str(each.programs) for each in installations())
    return shutil.which("pgbench") or shutil.which("pgbench", path=folders)


def measured_raw(
    url: str, heard: tuple[list[str], Texts], server: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Transactions a second and CPU of Postgres for each operation: as sent, and without row-level security.

    The latter is said by a superuser, whom no policy concerns, who neither becomes the application's role nor
    names a user. All else is the same, also the question whether the account is still there.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    pgbench = program()
    assert pgbench is not None
    prepared, said = heard
    as_application = ["BEGIN", f"SET LOCAL ROLE {ROLE}", *prepared, "COMMIT"]
    as_superuser = [_BY_POLICIES.sub(r"\1", text) for text in prepared]
    for _ in range(ROUNDS):
        for operation in OPERATIONS:
            for kind, first in (("", as_application), (", no policies", as_superuser)):
                rate = _run(pgbench, url, first, said[operation], server, seconds)
                found.setdefault(f"{operation}{kind}", []).append(rate)
    return {
        name: {"rate": median(rate for rate, _ in each), "postgres_cpu_us": median(cpu for _, cpu in each)}
        for name, each in found.items()
    }


def _run(
    pgbench: str, url: str, first: list[str], spoken: list[str], server: int, seconds: float
) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        command = [pgbench, "-n", "-c", str(CONNECTIONS), "-j", "1", "-T", str(round(seconds))]
        command += ["-D", "prepared=0"]
        once = "".join(f"{_line(text)}\n" for text in first)
        for number, text in enumerate(spoken):
            script = Path(name, str(number))
            script.write_text(f"\\if :prepared = 0\n{once}\\set prepared 1\n\\endif\n{_line(text)}\n")
            command += ["-f", str(script)]
        spent = family_seconds(server)
        ran = subprocess.run([*command, url], capture_output=True, text=True, check=True)
        cpu = family_seconds(server) - spent
    assert " 0 (0.000%)" in ran.stdout, ran.stdout + ran.stderr
    done = int(re.findall(r"actually processed: (\d+)", ran.stdout)[0])
    return float(re.findall(r"tps = ([\d.]+)", ran.stdout)[0]), cpu / done * 1e6


def _line(text: str) -> str:
    """One line of a script. Joined so, its statements stay one message and one transaction."""
    return text.replace("; ", " \\; ").replace("\n", " ") + ";"
