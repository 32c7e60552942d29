"""Who is measured: servers in processes of their own, one worker each, over the same Postgres."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmark.load import Ask
from benchmark.processes import started
from benchmark.targets import CONTENT, PAGE, SECRET, Target
from npm_for_tests import installed

GENEROUS = dict.fromkeys(("REQUESTS_PER_MINUTE", "WRITES_PER_MINUTE", "TURNS_PER_MINUTE"), "1000000000")
"""One user sends more than any person would: requests are counted as always, and none is refused."""

HERE = Path(__file__).parent
OPERATIONS = ("history", "list", "append")
MESSAGE = {"role": "user", "content": CONTENT}


@dataclass(frozen=True)
class Contestant:
    """A running server, and how each operation is asked of it."""

    name: str
    pid: int
    address: str
    ask: Callable[[str, Target], Ask]


def service_ask(operation: str, target: Target) -> Ask:
    path = f"/api/conversations/{target.conversation}/messages"
    return {
        "history": Ask(f"/api/chat/{target.conversation}/history?limit={PAGE}", target.token),
        "list": Ask("/api/conversations?limit=20", target.token),
        "append": Ask(path, target.token, json.dumps(MESSAGE)),
        "turn": Ask(
            f"/api/chat/{target.conversation}/message", target.token, json.dumps({"message": CONTENT})
        ),
    }[operation]


def _peer_ask(operation: str, target: Target) -> Ask:
    path = f"/conversations/{target.conversation}/messages/"
    return {
        "history": Ask(f"{path}?limit={PAGE}", target.token),
        "list": Ask("/conversations/?limit=20", target.token),
        "append": Ask(path, target.token, json.dumps(MESSAGE)),
    }[operation]


def _floor_ask(operation: str, target: Target) -> Ask:
    conversations = f"/{target.user}/conversations"
    messages = f"{conversations}/{target.conversation}/messages"
    return {
        "history": Ask(f"{messages}?limit={PAGE}", target.token),
        "list": Ask(f"{conversations}?limit=20", target.token),
        "append": Ask(messages, target.token, json.dumps(MESSAGE)),
    }[operation]


def _bare_ask(_: str, target: Target) -> Ask:
    return Ask("/", target.token)


@contextmanager
def service(url: str, name: str = "chat-history", **settings: str) -> Iterator[Contestant]:
    """This service. It logs what goes wrong, as the others do, and no line for each request."""
    given = {"DATABASE_URL": url, "SECRET_KEY": SECRET, "LOG_LEVEL": "WARNING", **GENEROUS, **settings}
    with started(["-m", "app.cli", "serve", "--port", "0"], "Serving ", **given) as (pid, address):
        yield Contestant(name, pid, address, service_ask)


@contextmanager
def _uvicorn(url: str, name: str, app: str, ask: Callable[[str, Target], Ask]) -> Iterator[Contestant]:
    command = ["-m", "uvicorn", app, "--port", "0", "--no-access-log"]
    given = {"DATABASE_URL": url, "SECRET_KEY": SECRET}
    with started(command, "Uvicorn running on ", **given) as (pid, address):
        yield Contestant(name, pid, address, ask)


@contextmanager
def _fastify(url: str) -> Iterator[Contestant]:
    """Node's, with its packages from npm. Raises OSError or CalledProcessError where they cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise FileNotFoundError("node and npm are not installed")
    folder = installed(HERE / "fastify")
    shutil.copy(HERE / "fastify" / "server.mjs", folder)
    command = ["node", str(folder / "server.mjs")]
    with started(command, "Listening on ", DATABASE_URL=url, SECRET_KEY=SECRET) as (pid, address):
        yield Contestant("Fastify + postgres.js", pid, address, _peer_ask)


@contextmanager
def contestants(url: str) -> Iterator[tuple[list[Contestant], dict[str, str]]]:
    """All that can run on this machine, and why the others cannot."""
    skipped = {}
    with ExitStack() as running:
        found = [
            running.enter_context(service(url)),
            running.enter_context(_uvicorn(url, "its statements", "benchmark.floor:app", _floor_ask)),
            running.enter_context(_uvicorn(url, "tutorial", "benchmark.tutorial:app", _peer_ask)),
            running.enter_context(_uvicorn(url, "bare route", "benchmark.bare:app", _bare_ask)),
        ]
        try:
            found.append(running.enter_context(_fastify(url)))
        except (OSError, RuntimeError) as reason:
            skipped["Fastify + postgres.js"] = str(reason)
        yield found, skipped
