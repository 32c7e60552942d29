"""Examples for the OpenAPI document: the turn that the first message to a new service leads to."""

from pydantic.config import JsonDict

ASKED: JsonDict = {
    "id": 1,
    "conversation_id": 1,
    "seq": 1,
    "client_id": None,
    "role": "user",
    "content": "add buy milk",
    "parts": None,
    "status": "complete",
    "model": None,
    "finish_reason": None,
    "usage": None,
    "timings": None,
    "feedback": None,
    "created_at": "2026-11-21T09:12:30.250117+00:00",
}

ANSWERED: JsonDict = ASKED | {
    "id": 2,
    "seq": 2,
    "role": "assistant",
    "content": "Added:\n\n- ☐ 1. buy milk",
    "parts": [
        {
            "type": "tool-add_todo",
            "toolCallId": "call-1",
            "state": "output-available",
            "input": {"title": "buy milk"},
            "output": {"id": 1, "title": "buy milk", "description": "", "completed": False},
        },
        {"type": "text", "text": "Added:\n\n- ☐ 1. buy milk"},
    ],
    "model": "todo",
    "finish_reason": "stop",
    "timings": {"first_token_ms": 3, "total_ms": 5},
}

STREAMED = r"""data: {"type":"start","messageId":"2","messageMetadata":{"session_id":"1"}}

data: {"type":"start-step"}

data: {"type":"tool-input-available","toolCallId":"call-1","toolName":"add_todo","input":{"title":"buy milk"},"providerExecuted":true}

data: {"type":"tool-output-available","toolCallId":"call-1","output":{"id":1,"title":"buy milk","description":"","completed":false}}

data: {"type":"text-start","id":"text-1"}

data: {"type":"text-delta","id":"text-1","delta":"Added:\n\n- ☐ 1. buy milk"}

data: {"type":"text-end","id":"text-1"}

data: {"type":"finish-step"}

data: {"type":"finish","finishReason":"stop","messageMetadata":{"status":"complete"}}

data: [DONE]

"""  # noqa: E501  # as it is sent
"""The same reply as a stream. If the request sent a message, a `data-message` part follows the start."""

EXPORTED = r"""{"type":"export","format":"chat-history","version":1,"exported_at":"2026-11-21T09:12:30.250117+00:00"}
{"type":"user","id":1,"email":"alice@example.com","issuer":null,"subject":null,"created_at":"2026-11-21T09:12:29.107733+00:00"}
{"type":"todo","id":1,"title":"buy milk","description":"","completed":false,"created_at":"2026-11-21T09:12:29.412208+00:00","updated_at":"2026-11-21T09:12:29.412208+00:00"}
{"type":"end","todo":1,"conversation":0,"message":0}
"""  # noqa: E501  # as it is sent
"""The export of a user who has one todo and no conversation."""
