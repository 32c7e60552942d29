"""Every text that a client can send in a body, a form, a query or a header, with its limits."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from support import User

MEBIBYTE = 1_048_576
PASSWORD = "correct horse battery"
UNIQUE = "<unique>"
_VALUE = "<value>"


@dataclass(frozen=True)
class TextField:
    """A field of one operation. `{conversation}` and `{todo}` in its address are ids of the sender."""

    method: str
    path: str
    name: str
    """With the fields that it is in before it, and dots between them."""
    characters: int
    size: int
    """How many bytes it may have in UTF-8."""
    may_be_blank: bool = False
    may_be_null: bool = False
    start: str = ""
    """What a value must begin with, and `end` with, to be refused for nothing else."""
    end: str = ""
    others: Mapping[str, Any] = field(default_factory=dict)
    """The other fields that the operation needs."""
    source: Literal["body", "form", "query", "header"] = "body"
    guessed: int = 200
    """What a text is answered with that may be one, and is not the user's own: a password, say."""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.name}".replace("/api/", "")

    @property
    def location(self) -> tuple[str | int, ...]:
        """Where the answer says that it is. Of a list, there is one item; what is in a part is not told."""
        source = "body" if self.source == "form" else self.source
        names = [] if ".parts." in self.name else self.name.replace("messages.", "messages.0.").split(".")
        return (source, *(int(name) if name.isdecimal() else name for name in names))

    def takes(self, answer: httpx.Response) -> bool:
        """Whether an answer does not refuse the text for what is in it."""
        return answer.is_success or answer.status_code == self.guessed

    def text(self, middle: str) -> str:
        return f"{self.start}{middle}{self.end}"

    def send(self, user: User, literal: str | bytes) -> httpx.Response:
        """Sends a request in which the field of the body has the value that `literal` is in JSON."""
        body = json.dumps(_filled(self.others, self.name)).replace(UNIQUE, f"{uuid.uuid4().hex}@example.com")
        raw = literal.encode() if isinstance(literal, str) else literal
        content = body.encode().replace(json.dumps(_VALUE).encode(), raw)
        return self._request(user, content=content, headers={"Content-Type": "application/json"})

    def send_text(self, user: User, text: str) -> httpx.Response:
        match self.source:
            case "body":
                return self.send(user, json.dumps(text, ensure_ascii=False))
            case "form":
                return self._request(user, data={**self.others, self.name: text})
            case "query":
                return self._request(user, params={self.name: text})
            case "header":
                return self._request(user, json=self.others, headers={self.name.encode(): text.encode()})

    def _request(self, user: User, **options: Any) -> httpx.Response:
        return user.client.request(self.method, self.path.format_map(_Own(user)), **options)

    @property
    def longest(self) -> str:
        """As many characters as may be."""
        return self.text("x" * (self.characters - len(self.start + self.end)))

    @property
    def too_long(self) -> str:
        """One character more."""
        return self.text("x" * (self.characters - len(self.start + self.end) + 1))

    @property
    def largest(self) -> str:
        """As many bytes as may be, in fewer characters than may be."""
        room = self.size - len(self.start + self.end)
        return self.text("😀" * (room // 4) + "x" * (room % 4))

    @property
    def has_bytes_to_run_out_of(self) -> bool:
        """Whether there is a text of too many bytes that has not too many characters."""
        return len(self.largest) < self.characters


def _filled(others: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fields with `_VALUE` in this one, of a list in each item."""
    outer, _, inner = name.partition(".")
    if not inner:
        return {**others, outer: _VALUE}
    whole = others[outer]
    filled = [_filled(one, inner) for one in whole] if isinstance(whole, list) else _filled(whole, inner)
    return {**others, outer: filled}


class _Own(dict[str, int]):
    """Ids of a user's, looked up or made when they are asked for."""

    def __init__(self, user: User) -> None:
        self._user = user

    def __missing__(self, name: str) -> int:
        return _IDS[name](self._user)


def _conversation(user: User) -> int:
    found = user.get("/api/conversations", params={"limit": 1}).json()["items"]
    return int(found[0]["id"]) if found else user.conversation()


def _todo(user: User) -> int:
    found = user.get("/api/todos").json()["items"]
    return int((found or [user.post("/api/todos", {"title": "Milk"}).json()])[0]["id"])


_IDS: dict[str, Callable[[User], int]] = {
    "conversation": _conversation,
    "todo": _todo,
    "message": lambda _: 1,  # none of anybody's: what is in the body is refused before
}


def _client_id(path: str, **others: str) -> TextField:
    return TextField("POST", path, "client_id", 256, 256, may_be_null=True, others=others)


def _key(path: str, **others: str) -> TextField:
    return TextField("POST", path, "Idempotency-Key", 256, 256, others=others, source="header")


def _title(method: str, path: str, **others: object) -> TextField:
    return TextField(method, path, "title", 200, 1_024, may_be_null=True, others=others)


def _todo_field(method: str, path: str, name: str, *, may_be_null: bool, **others: str) -> TextField:
    characters, size = (1_024, 1_024) if name == "title" else (4_000, 16_384)
    blank = name == "description"
    return TextField(method, path, name, characters, size, blank, may_be_null, others=others)


def _chat(name: str, *, size: int = 256, may_be_null: bool = False, **others: object) -> TextField:
    """A field of a chat of the AI SDK, which begins with it."""
    chat = {"id": UNIQUE, **others}
    return TextField("POST", "/api/chat", name, size, size, may_be_null=may_be_null, others=chat)


def _secret(method: str, path: str, name: str, **others: str) -> TextField:
    """A password of somebody who is signed in."""
    return TextField(method, path, name, 256, 1_024, start="battery", others=others, guessed=403)


def _sign_in(name: str, characters: int, size: int, *, end: str = "", blank: bool = False) -> TextField:
    form = {"username": "nobody@example.com", "password": PASSWORD}
    path = "/api/auth/token"
    return TextField(
        "POST", path, name, characters, size, blank, end=end, others=form, source="form", guessed=401
    )


_MESSAGES = "/api/conversations/{conversation}/messages"
_TURN = "/api/chat/{conversation}/message"
_QUESTION = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "x"}]}
_REGISTER = "/api/auth/register"

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
    _chat("id", message=_QUESTION),
    _chat("message.id", message=_QUESTION),
    _chat("messages.id", messages=[_QUESTION]),
    # A reply that is not there is asked for again by its question, whatever the client calls it.
    _chat("messageId", may_be_null=True, message=_QUESTION, trigger="regenerate-message"),
    TextField("POST", _REGISTER, "email", 254, 1_000, end="@example.com", others={"password": PASSWORD}),
    TextField("POST", _REGISTER, "password", 256, 1_024, start="battery", others={"email": UNIQUE}),
    _secret("POST", "/api/auth/password", "current_password", new_password=PASSWORD),
    _secret("POST", "/api/auth/password", "new_password", current_password=PASSWORD),
    _secret("DELETE", "/api/auth/me", "confirmation"),
]
"""The fields of bodies of JSON whose value is any text."""

PARTS = [
    _chat("message.parts.text", size=MEBIBYTE, message=_QUESTION),
    _chat("messages.parts.text", size=MEBIBYTE, messages=[_QUESTION]),
]
"""The same within parts of messages, which the document does not describe."""

FORMS_AND_QUERIES = [
    _sign_in("username", 254, 1_000, end="@example.com"),
    _sign_in("password", 256, 1_024),
    _sign_in("scope", 1_000, 1_000, blank=True),
    _sign_in("client_id", 1_000, 1_000, blank=True),
    _sign_in("client_secret", 1_000, 1_000, blank=True),
    TextField("GET", "/api/search", "q", 200, 800, source="query"),
]
"""Where there is nothing but text: no other value of JSON, and no half of a character."""

KEYS = [
    _key("/api/conversations"),
    _key("/api/chat/start"),
    _key(_MESSAGES, content="x"),
    _key(_TURN, message="x"),
    _key("/api/chat/{conversation}/regenerate"),
]
"""Headers: there, a text is bytes without control characters, and a character for each byte."""

CHOICES = [
    TextField("PUT", f"{_MESSAGES}/{{message}}/feedback", "value", 0, 0),
    TextField("POST", _MESSAGES, "role", 0, 0, others={"content": "x"}),
    _chat("trigger", size=0, message=_QUESTION),
    _chat("message.role", size=0, message=_QUESTION),
    _chat("messages.role", size=0, messages=[_QUESTION]),
]
"""The fields of bodies of JSON that take some words only: any other text is refused."""
