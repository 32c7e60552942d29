"""What a user can have: rows in every table and every state, made through the operations themselves."""

import itertools
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from app import tokens
from app.models import database as tables
from app.repositories.todos import CAPACITY
from support import SECRET, Postgres, Service, User

from .operations import Operation

NOWHERE = 9_999_999_999
"""An id that does not exist, with as many digits as the ids that do: see `spread_ids`."""

NOBODYS = "NOBODY-1"
"""An id that no client ever chose."""

PASSWORD = "correct horse battery"
SAID = {"messages.parts": [{"type": "text", "text": "Hello"}]}
"""In place of the document's example: something that is answered alike each time."""

ENDED = (("complete", "failed"), ("stopped",), ("interrupted",))
ATTEMPT = b"an attempt"
"""What each of their replies was opened by."""

KEY = "another reply"
"""Of a request that each user sent in each conversation with turns."""

STREAMING = (("-1 minute", False), ("1 hour", False), ("1 hour", True))
"""For how long its writer still holds a reply, and whether it was asked to stop."""

_TURN = """
    WITH given AS (
        SELECT %s::bigint AS conversation, %s AS text, %s AS status, %s::interval AS lease, %s AS stop
    ), taken AS (
        UPDATE conversation SET next_seq = next_seq + 2 FROM given WHERE id = conversation
        RETURNING id, user_id, next_seq - 2 AS seq
    ), asked AS (
        INSERT INTO message (conversation_id, user_id, seq, role, content)
        SELECT id, user_id, seq, 'user', text FROM taken, given
    )
    INSERT INTO message (
        conversation_id, user_id, seq, reply_to, role, content, status, lease_until, stop_requested,
        request_hash, usage, parts
    )
    SELECT id, user_id, seq + 1, seq, 'assistant', text, status, now() + lease, stop, 'an attempt',
        '{"input_tokens": 3, "output_tokens": 4}',
        jsonb_build_array(jsonb_build_object(
            'type', 'tool-look', 'toolCallId', '1', 'state', 'output-available',
            'input', jsonb_build_object('at', text), 'output', text
        ))
    FROM taken, given
"""
_VERSION = """
    WITH taken AS (
        UPDATE conversation SET next_seq = next_seq + 1 WHERE id = %s
        RETURNING id, user_id, next_seq - 1 AS seq
    )
    INSERT INTO message (conversation_id, user_id, seq, reply_to, role, content, replaced)
    SELECT id, user_id, seq, seq - 2, 'assistant', %s, true FROM taken
"""
"""Another reply to the question of the last turn, which is not shown any more."""
_ROWS = {
    "conversation": "SELECT id, client_id, NULL FROM conversation WHERE user_id = %s ORDER BY id",
    "message": "SELECT id, client_id, conversation_id FROM message WHERE user_id = %s ORDER BY id",
    "todo": "SELECT id, NULL, NULL FROM todo WHERE user_id = %s ORDER BY id",
}


OWNERS = {
    name: "id" if name == "user" else "user_id"
    for name in tables.User.metadata.tables
    if name != "departure"  # whose it was, nobody can tell
}
"""Each table, and its column that says whose a row is."""

_NUMBER = re.compile(r"\d{10,19}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+[+-][\d:]+")


@dataclass(frozen=True)
class Owned:
    """A row: its id, an id that its client gave it and no other client has, the conversation it is in."""

    id: int
    client_id: str | None = None
    conversation: "Owned | None" = None


@dataclass(frozen=True)
class Estate:
    """A user and what is theirs, with what was deleted."""

    user: User
    name: str
    """It is in every text of theirs."""
    rows: dict[str, list[Owned]]

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    def betrayed_by(self, content: bytes) -> bool:
        """Whether an answer to somebody else holds a text or an id of this user."""
        text = content.decode(errors="replace")
        return self.name in text or not self._numbers.isdisjoint(map(int, _NUMBER.findall(text)))

    def told(self, text: str) -> str:
        """A text without the ids that are not this user's, and without moments."""
        theirs = self._numbers
        return _MOMENT.sub("now", _NUMBER.sub(lambda n: n[0] if int(n[0]) in theirs else "an id", text))

    @property
    def _numbers(self) -> set[int]:
        return {self.user.id, *(row.id for rows in self.rows.values() for row in rows)}


def spread_ids(postgres: Postgres) -> None:
    """Lets each table count from a number of its own, of ten digits: an id says what it is an id of."""
    counting = [name for name, table in tables.User.metadata.tables.items() if "id" in table.columns]
    for number, table in enumerate(counting, 1):
        start = number * 1_000_000_000
        postgres.rows("SELECT setval(pg_get_serial_sequence(quote_ident(%s), 'id'), %s)", table, start)


def again(operation: Operation) -> str:
    """The client's id of a request that its owner sent once, and that others will repeat."""
    return f"again-{operation.name}"


def said_again(name: str) -> str:
    """What a user put in the place of an earlier message."""
    return f"{name}'s business, once more"


def registered(service: Service, email: str) -> User:
    """A user with a password, of the same generation as all others: nothing but the id tells them apart."""
    account = {"email": email, "password": PASSWORD}
    service.client().post("/api/auth/register", json=account).raise_for_status()
    same = 'UPDATE "user" SET generation = 0 WHERE email = %s RETURNING id'
    return service.user_of(service.postgres.value(same, email))


def settle(service: Service, operations: Iterable[Operation], name: str, size: int) -> Estate:
    """Makes a user with `size` (>= 3) conversations and todos, and with one of each that is deleted."""
    user = registered(service, f"{name}@example.com")

    # Clients' ids that are nobody else's, and that do not betray whose they are: others may use them too.
    conversations = [user.conversation(client_id=f"{name.upper()}/{number}") for number in range(size + 1)]
    user.patch(f"/api/conversations/{conversations[0]}", {"title": f"{name}'s holiday"}).raise_for_status()
    todos = [
        user.post("/api/todos", {"title": f"{name}'s errand"}).raise_for_status().json()["id"]
        for _ in range(size + 1)
    ]
    _send_once(user, operations, [conversations[1], conversations[-1]])
    for conversation in conversations:
        user.say(conversation, f"{name}'s secret", client_id=f"{name.upper()}/said")
    for todo in todos[::2]:
        user.patch(f"/api/todos/{todo}", {"completed": True}).raise_for_status()
    _have_turns(service.postgres, user, conversations, name)
    user.get("/api/search", params={"q": name}).raise_for_status()  # which puts their words into the index
    rows = _rows(service.postgres, user.id, f"{name.upper()}/")
    user.delete(f"/api/conversations/{conversations[-1]}").raise_for_status()
    user.delete(f"/api/todos/{todos[-1]}").raise_for_status()
    return Estate(user, name, rows)


def settle_others(service: Service) -> Estate:
    """Makes users of an external issuer, and one whose list is full, who may go."""
    carol = settle(service, [], "carol", 3)
    full = "INSERT INTO todo (user_id, title) SELECT %s, 'errand' FROM generate_series(1, %s)"
    service.postgres.rows(full, carol.user.id, CAPACITY)
    for issuer, subject in itertools.product(("one", "two"), ("dave", "erin")):
        service.postgres.rows('INSERT INTO "user" (issuer, subject) VALUES (%s, %s)', issuer, subject)
    return carol


def _send_once(user: User, operations: Iterable[Operation], conversations: list[int]) -> None:
    """What is known again, in each conversation."""
    for operation in operations:
        if operation.needs_token and operation.keys:
            for conversation in conversations if operation.tables else [0]:
                needed = [name for name in operation.tables if not operation.may_be_left_out(name)]
                place = dict.fromkeys(needed, str(conversation))
                answer = operation.call(user.client, {**SAID, **place, operation.keys[0]: again(operation)})
                assert answer.status in operation.successes, f"{operation.name}: {answer}"


def _have_turns(postgres: Postgres, user: User, conversations: list[int], name: str) -> None:
    """Replies in every state with tools in them, versions of a reply, a message that was edited."""
    text = f"{name}'s business"
    for conversation, states in zip(conversations, ENDED, strict=False):
        for status in states:
            postgres.rows(_TURN, conversation, text, status, None, False)
        _regenerate(user, conversation)
        parts = [{"type": "text", "text": said_again(name)}]
        said = {"id": f"{name.upper()}/edited", "role": "user", "parts": parts}
        replaced = str(user.messages(conversation)[-2]["id"])
        edited = {"id": str(conversation), "message": said, "messageId": replaced}
        user.post("/api/chat", edited).raise_for_status()
    for conversation, (lease, stop) in zip(conversations, STREAMING, strict=False):
        postgres.rows(_TURN, conversation, text, "streaming", lease, stop)
    postgres.rows(_VERSION, conversations[1], text)
    user.say(conversations[2], f"{name}'s addition")
    for conversation in conversations[len(STREAMING) : -1]:
        _regenerate(user, conversation)
        user.say(conversation, f"{name}'s question, which nobody has answered")


def _regenerate(user: User, conversation: int) -> None:
    repeatable = {"Idempotency-Key": KEY}
    user.post(f"/api/chat/{conversation}/regenerate", headers=repeatable).raise_for_status()


def _rows(postgres: Postgres, user_id: int, own: str) -> dict[str, list[Owned]]:
    conversations: dict[int | None, Owned] = {}
    rows: dict[str, list[Owned]] = {}
    for table, sql in _ROWS.items():
        rows[table] = [
            Owned(row_id, client_id if (client_id or "").startswith(own) else None, conversations.get(place))
            for row_id, client_id, place in postgres.rows(sql, user_id)
        ]
        conversations = conversations or {row.id: row for row in rows["conversation"]}
    return rows


def rows_of(postgres: Postgres, user_id: int) -> dict[str, list[str]]:
    """Every row of a user in every table, as text, for the administrator."""
    each = (f"SELECT '{name}', t::text FROM \"{name}\" t WHERE {key} = %s" for name, key in OWNERS.items())
    found = postgres.rows(" UNION ALL ".join(each) + " ORDER BY 1, 2", *[user_id] * len(OWNERS))
    return {name: [row for table, row in found if table == name] for name in OWNERS}


def signed_out(service: Service, owner: Estate) -> httpx.Client:
    """With a token of the owner's from before they signed out: the account is of another generation now."""
    return service.client(tokens.issue(owner.user.id, SECRET, 3_600, time.time(), generation=1))


def erased(service: Service) -> httpx.Client:
    """With the token of an account that was there once."""
    gone = registered(service, "gone@example.com").client
    gone.request("DELETE", "/api/auth/me", json={"confirmation": PASSWORD}).raise_for_status()
    return gone
