"""Stores that one would call in place of a service: each in an environment of its own, made by pip once."""

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

from app.db import url as urls
from benchmark.processes import environment
from benchmark.targets import rows

OURS = "chat-history"
STORES = {
    "langchain-postgres": ("langchain_postgres_history", ["langchain-postgres", "psycopg[binary]"]),
    "openai-agents": ("openai_agents_session", ["openai-agents[sqlalchemy]", "asyncpg"]),
    "agno": ("agno_database", ["agno", "sqlalchemy[asyncio]", "psycopg[binary]"]),
    "langgraph": ("langgraph_saver", ["langgraph", "langgraph-checkpoint-postgres", "psycopg[binary]"]),
    "chainlit": ("chainlit_layer", ["chainlit", "sqlalchemy[asyncio]", "asyncpg"]),
}
"""The program of each, and what it needs."""

PATIENCE = 600
"""Seconds for the installation of a store, and for its measurement."""

Calls = dict[str, list[dict[str, float | str]]]


def measured_libraries(url: str, progress: Callable[[str], object]) -> tuple[Calls, dict[str, str]]:
    """The calls of each store at each size, and why some could not be had.

    They get a database of their own beside the seeded one, in the same Postgres, anew in each run.
    """
    rows(url, "DROP DATABASE IF EXISTS stores WITH (FORCE)")
    rows(url, "CREATE DATABASE stores")
    theirs = urls.parse(url).set(drivername="postgresql", database="stores")
    found: Calls = {OURS: _calls(Path(sys.executable), "ours", url)}
    skipped = {}
    for name, (program, packages) in STORES.items():
        progress(f"calls of {name}")
        try:
            python = _environment(name, packages)
            found[name] = _calls(python, program, theirs.render_as_string(hide_password=False))
        except (OSError, subprocess.SubprocessError) as reason:
            told = getattr(reason, "stderr", None) or str(reason)
            skipped[name] = told.strip().rpartition("\n")[2]
    return found, skipped


def _environment(name: str, packages: list[str]) -> Path:
    folder = Path(tempfile.gettempdir(), "chat-history-benchmark-stores", name)
    python, complete = folder / "bin" / "python", folder / "complete"
    needs = " ".join(packages)
    if not complete.exists() or complete.read_text() != needs:
        venv.create(folder, with_pip=False, symlinks=True, clear=True)
        base = str(Path(sys.base_prefix, "bin", "python3"))
        pip = [base, "-m", "pip", "--python", str(folder), "install", "--quiet"]
        subprocess.run([*pip, *packages], capture_output=True, text=True, check=True, timeout=PATIENCE)
        complete.write_text(needs)
    return python


def _calls(python: Path, program: str, url: str) -> list[dict[str, float | str]]:
    with tempfile.TemporaryDirectory() as folder:  # some write settings where they are started
        ran = subprocess.run(
            [python, "-W", "ignore", "-m", f"benchmark.stores.{program}"],
            env=environment(DATABASE_URL=url),
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
