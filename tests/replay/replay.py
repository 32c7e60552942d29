"""Replays real conversations as two users, kills the server, starts it again, and reads everything back.

    python3 backend/run.py python tests/replay/replay.py [FOLDER]

FOLDER holds conversations in the formats of OpenAssistant, CrossWOZ, ShareGPT and OpenAI messages;
without it, the few that lie beside this file are replayed. Everything happens in a temporary directory.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
UNLIMITED = dict.fromkeys(("REQUESTS_PER_MINUTE", "WRITES_PER_MINUTE", "TURNS_PER_MINUTE"), "0")
"""The server's: two users say in seconds what many said in months."""
ROLES = {
    "assistant": "assistant",
    "gpt": "assistant",
    "human": "user",
    "prompter": "user",
    "sys": "assistant",
    "user": "user",
    "usr": "user",
}

Said = list[dict[str, str]]


def shipped() -> list[Said]:
    """The conversations beside this file."""
    return list(json.loads((HERE / "conversations.json").read_text()))


def samples(folder: Path) -> list[Said]:
    """All conversations of the folder that are in a format we know, as roles and texts."""
    found: list[Said] = []
    for path in sorted(folder.glob("oasst/*.jsonl")):
        found += [_longest_thread(json.loads(line)["prompt"]) for line in _lines(path)]
    for path in sorted(folder.glob("crosswoz-zh/*.jsonl")):
        found += [_listed(json.loads(line)["messages"]) for line in _lines(path)]
    for path in sorted(folder.glob("sharegpt/*.json")):
        found += [_listed(entry["conversations"]) for entry in json.loads(path.read_text())]
    for path in sorted(folder.glob("openai-messages/*.jsonl")):
        found += [_listed(json.loads(line).get("messages", [])) for line in _lines(path)]
    for path in sorted(folder.glob("udhr-multilingual/*.html")):
        found.append([{"role": "user", "content": path.read_text(encoding="utf-8")}])
    return [said for said in found if said]


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


def _longest_thread(message: dict[str, Any]) -> Said:
    replies = [_longest_thread(reply) for reply in message["replies"]]
    this = {"role": ROLES[message["role"]], "content": message["text"]}
    return [this, *max(replies, key=len, default=[])]


def _listed(messages: list[dict[str, Any]]) -> Said:
    said = []
    for message in messages:
        role = ROLES.get(message.get("role") or message.get("from", ""))
        content = message.get("content") or message.get("value")
        content = content.get("answer") if isinstance(content, dict) else content
        if role is not None and isinstance(content, str) and content.strip() and "\0" not in content:
            said.append({"role": role, "content": content})
    return said


@contextmanager
def serving(data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of its own on a free port, as `chat-history serve` starts it: its address, and its process."""
    configured = ("DATABASE_URL", "JWT_JWKS_URL", "JWT_PUBLIC_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in configured}
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--port", "0"],
        env={
            **environment,
            **UNLIMITED,
            "DATA_DIR": str(data / "database"),
            "LOG_LEVEL": "ERROR",
        },
        stderr=subprocess.PIPE,
        text=True,
        cwd=data,
    )
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if line.startswith("Serving "):
                yield line.split()[1], server
                return
        raise RuntimeError(f"the server ended with {server.wait()}")
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


def kill(server: subprocess.Popen[str], data: Path, *, database: bool) -> None:
    """No time for a last word: the server, and on demand its Postgres too."""
    server.kill()
    server.wait()
    if database:  # behind the server, which would start another one
        postmaster = (data / "database/postgres/cluster/postmaster.pid").read_text().split()[0]
        os.kill(int(postmaster), signal.SIGKILL)


def replay(conversations: list[Said], data: Path) -> dict[str, int]:
    """Writes all conversations as two users, kills, restarts and compares, twice. Returns the counts."""
    counted = dict.fromkeys(("conversations", "messages", "bytes", "lost", "changed", "foreign"), 0)
    owners = {"alice": conversations[0::2], "bob": conversations[1::2]}
    with serving(data) as (url, server):
        stored = {name: _write(url, name, said) for name, said in owners.items()}
        kill(server, data, database=True)
    for database in (False, True):  # the last one leaves no Postgres behind
        with serving(data) as (url, server):
            for name, expected in stored.items():
                _compare(_read(url, name), expected, counted)
            kill(server, data, database=database)
    return counted


def _account(name: str) -> dict[str, str]:
    return {"email": f"{name}@example.com", "password": "correct horse battery"}


def _signed_in(url: str, name: str) -> httpx.Client:
    account = _account(name)
    form = {"username": account["email"], "password": account["password"]}
    token = httpx.post(f"{url}/api/auth/token", data=form, timeout=60).json()["access_token"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _write(url: str, name: str, conversations: list[Said]) -> dict[int, Said]:
    httpx.post(f"{url}/api/auth/register", json=_account(name), timeout=60).raise_for_status()
    with _signed_in(url, name) as client, ThreadPoolExecutor(4) as executor:

        def write(said: Said) -> int:
            conversation = int(client.post("/api/conversations").raise_for_status().json()["id"])
            for message in said:
                client.post(f"/api/conversations/{conversation}/messages", json=message).raise_for_status()
            return conversation

        return dict(zip(executor.map(write, conversations), conversations, strict=True))


def _read(url: str, name: str) -> dict[int, Said]:
    with _signed_in(url, name) as client:
        return {
            int(conversation["id"]): [
                {"role": message["role"], "content": message["content"]}
                for message in _pages(client, f"/api/conversations/{conversation['id']}/messages")
            ]
            for conversation in _pages(client, "/api/conversations")
        }


def _pages(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = client.get(path, params={"limit": "200", **cursor}).raise_for_status().json()
        yield from page["items"]
        cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}


def _compare(found: dict[int, Said], expected: dict[int, Said], counted: dict[str, int]) -> None:
    counted["conversations"] += len(expected)
    counted["messages"] += sum(map(len, expected.values()))
    counted["bytes"] += sum(len(said["content"].encode()) for one in expected.values() for said in one)
    counted["lost"] += len(expected.keys() - found.keys())
    counted["foreign"] += len(found.keys() - expected.keys())
    counted["changed"] += sum(found[one] != expected[one] for one in expected.keys() & found.keys())


def main() -> None:
    conversations = samples(Path(sys.argv[1])) if len(sys.argv) > 1 else shipped()
    with tempfile.TemporaryDirectory(prefix="chat-history-replay-") as name:
        Path(name).chmod(0o711)  # root's Postgres runs as another user
        counted = replay(conversations, Path(name))
    print("Read back after kill -9, twice:", ", ".join(f"{value} {what}" for what, value in counted.items()))
    if counted["lost"] or counted["changed"] or counted["foreign"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
