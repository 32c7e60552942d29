"""Follows a reply that another process writes, by polling its row."""

import asyncio
import json
from typing import Any

from ..errors import ChatError, ConversationNotFound
from ..models.events import Ended, TextDelta, ToolCall, ToolResult
from ..repositories.replies import ReplyRepository, StoredReply
from .live import LiveReply

POLL_SECONDS = 0.25
PATIENCE = 40
"""How many polls in a row may fail before the readers get an error."""


class Telling:
    """Publishes to a live reply what is new in its row since the last call."""

    def __init__(self, live: LiveReply) -> None:
        self._live = live
        self.characters = 0
        """How many characters of the text have been published."""
        self._tools: dict[str, str] = {}

    def everything(self, stored: StoredReply) -> None:
        """Publishes the new text and tools in the order of the parts, and the end of the reply."""
        text, told, place = stored.text, self.characters, 0
        for part in stored.parts or []:
            if part["type"] == "text":
                place += len(part["text"])
                if place > told:
                    self._say_text(text[: place - told])
                    text, told = text[place - told :], place
            else:
                self._say_tool(part)
        self._say_text(text)
        if stored.status != "streaming":
            self._live.say(_ended(stored))

    def _say_text(self, text: str) -> None:
        if text:
            self.characters += len(text)
            self._live.say(TextDelta(text))

    def _say_tool(self, part: dict[str, Any]) -> None:
        identity, state = part["toolCallId"], part["state"]
        before = self._tools.get(identity)
        if before is None:
            self._live.say(ToolCall(identity, part["type"].removeprefix("tool-"), part["input"]))
        if state not in (before, "input-available"):
            self._live.say(ToolResult(identity, part.get("output"), part.get("errorText")))
        self._tools[identity] = state


class Follower:
    """Publishes what is new in the row of a reply, until the reply has ended."""

    def __init__(self, live: LiveReply, replies: ReplyRepository) -> None:
        self._live = live
        self._replies = replies

    async def run(self) -> None:
        """Polls the row. A ChatError does not escape: a reply that cannot be followed ends with an error."""
        telling = Telling(self._live)
        failures = 0
        while True:
            try:
                stored = await self._replies.follow(
                    self._live.conversation_id, self._live.reply_id, telling.characters
                )
                failures = 0
            except ChatError as error:
                failures += 1
                if failures > PATIENCE:
                    self._live.say(Ended("failed", error.code, error=error.code))
                    return
            else:
                if stored is None:
                    code = ConversationNotFound.code
                    self._live.say(Ended("failed", code, error=code))
                    return
                telling.everything(stored)
                if stored.status != "streaming":
                    return
            await asyncio.sleep(POLL_SECONDS)


def replayed(conversation_id: int, reply_id: int, reply: bytes) -> LiveReply:
    """Returns a live reply with all events of a stored reply that has ended."""
    stored = json.loads(reply)
    live = LiveReply(conversation_id, reply_id)
    tell = Telling(live)
    tell.everything(
        StoredReply(stored["content"], stored["parts"], stored["status"], stored["finish_reason"])
    )
    return live


def _ended(stored: StoredReply) -> Ended:
    reason = stored.finish_reason or stored.status
    match stored.status:
        case "complete" | "stopped" | "interrupted":
            return Ended(stored.status, reason)
        case _:
            return Ended("failed", reason, error=reason)
