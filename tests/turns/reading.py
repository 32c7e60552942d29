"""Reading a stream as a client does."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from support import User

Event = dict[str, Any]
Headers = Mapping[str, str]
STREAM = {"Accept": "text/event-stream"}
NONE: Headers = {}


@contextmanager
def streaming(
    user: User, path: str, body: Any = None, method: str = "POST", headers: Headers = NONE
) -> Iterator[Iterator[Event]]:
    """The events of a stream, one by one, until its `[DONE]`."""
    with user.client.stream(method, path, json=body, headers={**headers, **STREAM}) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    for line in lines:
        if line == "data: [DONE]":
            assert not any(lines)
            return
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream was cut")


def streamed(
    user: User, path: str, body: Any = None, method: str = "POST", headers: Headers = NONE
) -> list[Event]:
    """All events of a stream."""
    with streaming(user, path, body, method, headers) as events:
        return list(events)


def known(message: dict[str, Any]) -> dict[str, Any]:
    """A message as a stream shows it: without nulls."""
    return {name: value for name, value in message.items() if value is not None}


def text(events: list[Event]) -> str:
    """What a reader was shown."""
    return "".join(event["delta"] for event in events if event["type"] == "text-delta")


def kinds(events: list[Event]) -> list[str]:
    """The types of the events, with neighbours of the same type made one."""
    found: list[str] = []
    for event in events:
        if found[-1:] != [event["type"]]:
            found.append(event["type"])
    return found
