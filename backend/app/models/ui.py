"""Converts messages to the AI SDK's `UIMessage`."""

from typing import Any

Json = dict[str, Any]

_TOLD_IF_KNOWN = ("model", "finish_reason", "usage", "feedback")


def ui_message(message: Json) -> Json:
    """Converts a message of our API to a `UIMessage`. Its id is the client's own, if the client sent one."""
    shown = {
        "id": message["client_id"] or str(message["id"]),
        "role": message["role"],
        "parts": ui_parts(message["content"], message["parts"]),
        "metadata": {
            "session_id": str(message["conversation_id"]),
            "seq": message["seq"],
            "status": message["status"],
            "created_at": message["created_at"],
        },
    }
    shown["metadata"].update((name, message[name]) for name in _TOLD_IF_KNOWN if message[name] is not None)
    return shown


def ui_parts(content: str, parts: list[Json] | None) -> list[Json]:
    """Returns the parts, followed by the text that a running reply has stored, but not yet as a part.

    Tools are marked as in the stream, so that no client runs them itself.
    """
    shown = [part if part["type"] == "text" else {**part, "providerExecuted": True} for part in parts or []]
    told = sum(len(part["text"]) for part in shown if part["type"] == "text")
    if len(content) > told or not shown:
        shown.append({"type": "text", "text": content[told:]})
    return shown
