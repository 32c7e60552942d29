"""Frontends in Node: the client of the AI SDK as npm installs it, and the scenarios that drive it."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import Service, User

HERE = Path(__file__).parent
Json = dict[str, Any]


@dataclass(frozen=True)
class Frontend:
    """Plays scenarios. `folder` holds them, beside the packages."""

    folder: Path

    def play(
        self, scenario: str, user: User, *services: Service, go: Callable[[], None] | None = None
    ) -> Json:
        """What a scenario of `scenarios.mjs` found. It may tell the assistant to `go` on."""
        command = ["node", "scenarios.mjs", scenario, *(service.url for service in services)]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "TOKEN": user.token},
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stdout is not None
        found = ""
        try:
            with process.stdout as lines:
                for line in lines:
                    if line == "go\n":
                        assert go is not None, f"{scenario} waits for nobody"
                        go()
                    else:
                        found = line
            assert process.wait() == 0, scenario
        finally:
            process.kill()
            process.wait()
        return dict(json.loads(found))


def shown(messages: list[Json]) -> list[Json]:
    """Messages without what only a running stream knows: where a step began, and that a text is done."""
    return [
        {
            "id": message["id"],
            "role": message["role"],
            "parts": [
                {name: value for name, value in part.items() if (part["type"], name) != ("text", "state")}
                for part in message["parts"]
                if part["type"] != "step-start"
            ],
        }
        for message in messages
    ]


def texts(messages: list[Json]) -> list[str]:
    """The text of each message."""
    return ["".join(part.get("text", "") for part in message["parts"]) for message in messages]


def agree(client: list[Json], stored: list[Json]) -> None:
    """Asserts that client and server have the same messages, and that the server knows no less of each."""
    assert shown(client) == shown(stored)
    for ours, theirs in zip(stored, client, strict=True):
        assert ours["metadata"].items() >= theirs.get("metadata", {}).items()
