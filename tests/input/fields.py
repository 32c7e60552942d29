"""Every text that a client can put into a JSON body, with its limits."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from support import User

MEBIBYTE = 1_048_576
UNIQUE = "<unique>"
_VALUE = "<value>"


@dataclass(frozen=True)
class TextField:
    """A field of one operation. `{conversation}` and `{todo}` in its address are ids of the sender."""

    method: str
    path: str
    name: str
    characters: int
    size: int
    """How many bytes it may have in UTF-8."""
    may_be_blank: bool = False
    may_be_null: bool = False
    start: str = ""
    """What a value must begin with, and `end` with, to be refused for nothing else."""
    end: str = ""
    others: Mapping[str, object] = field(default_factory=dict)
    """The other fields that the operation needs."""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.name}".replace("/api/", "")

    def text(self, middle: str) -> str:
        return f"{self.start}{middle}{self.end}"

    def send(self, user: User, literal: str | bytes) -> httpx.Response:
        """Sends a request in which the field has the value that `literal` is in JSON."""
        others = {
            name: f"{uuid.uuid4().hex}@example.com" if value == UNIQUE else value
            for name, value in self.others.items()
        }
        body = json.dumps({**others, self.name: _VALUE}).encode()
        raw = literal.encode() if isinstance(literal, str) else literal
        return user.client.request(
            self.method,
            self.path.format(conversation=_conversation(user), todo=_todo(user)),
            content=body.replace(json.dumps(_VALUE).encode(), raw),
            headers={"Content-Type": "application/json"},
        )

    def send_text(self, user: User, text: str) -> httpx.Response:
        return self.send(user, json.dumps(text, ensure_ascii=False))

    @property
    def longest(self) -> str:
        """As many characters as may be."""
        return self.text("x" * (self.characters - len(self.start + self.end)))

    @property
    def largest(self) -> str:
        """As many bytes as may be, in fewer characters than may be."""
        room = self.size - len(self.start + self.end)
        return self.text("😀" * (room // 4) + "x" * (room % 4))

    @property
    def has_bytes_to_run_out_of(self) -> bool:
        """Whether there is a text of too many bytes that has not too many characters."""
        return len(self.largest) < self.characters


def _conversation(user: User) -> int:
    found = user.get("/api/conversations", params={"limit": 1}).json()["items"]
    return int(found[0]["id"]) if found else user.conversation()


def _todo(user: User) -> int:
    found = user.get("/api/todos").json()["items"]
    return int((found or [user.post("/api/todos", {"title": "Milk"}).json()])[0]["id"])


def _client_id(path: str, **others: str) -> TextField:
    return TextField("POST", path, "client_id", 256, 256, may_be_null=True, others=others)


def _title(method: str, path: str, **others: object) -> TextField:
    return TextField(method, path, "title", 200, 1_024, may_be_null=True, others=others)


def _todo_field(method: str, path: str, name: str, *, may_be_null: bool, **others: str) -> TextField:
    characters, size = (1_024, 1_024) if name == "title" else (4_000, 16_384)
    blank = name == "description"
    return TextField(method, path, name, characters, size, blank, may_be_null, others=others)


_MESSAGES = "/api/conversations/{conversation}/messages"
_TURN = "/api/chat/{conversation}/message"

FIELDS = [
    TextField("POST", _MESSAGES, "content", MEBIBYTE, MEBIBYTE),
    TextField("POST", _TURN, "message", MEBIBYTE, MEBIBYTE),
    _client_id(_MESSAGES, content="x"),
    _client_id(_TURN, message="x"),
    _client_id("/api/conversations"),
    _client_id("/api/chat/start"),
    _title("POST", "/api/conversations"),
    _title("POST", "/api/chat/start"),
    _title("PATCH", "/api/conversations/{conversation}", pinned=True),
    _todo_field("POST", "/api/todos", "title", may_be_null=False),
    _todo_field("POST", "/api/todos", "description", may_be_null=False, title="x"),
    _todo_field("PATCH", "/api/todos/{todo}", "title", may_be_null=True),
    _todo_field("PATCH", "/api/todos/{todo}", "description", may_be_null=True),
    TextField(
        "POST",
        "/api/auth/register",
        "email",
        254,
        1_000,
        end="@example.com",
        others={"password": "correct horse battery"},
    ),
    TextField(
        "POST", "/api/auth/register", "password", 256, 1_024, start="battery", others={"email": UNIQUE}
    ),
]
