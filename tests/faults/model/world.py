"""Two users, all that they have, and what each noun's rules need to say so."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from app import tokens
from faults.model.host import Host
from faults.model.patient import Patient
from proxy import Proxy
from support import SECRET, User

Json = dict[str, Any]

CUT_EVERY = 10
"""Steps after which all connections to the database end, which are idle then."""

who = st.integers(0, 1)
which = st.integers(0, 5)
size = st.integers(1, 5)
key = st.sampled_from(["k1", "k2", "k3", None])
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
).filter(lambda text: text.strip() != "")


@dataclass
class Said:
    """A message as it must be."""

    id: int
    seq: int
    role: str
    content: str
    client_id: str | None
    reply_to: int | None = None
    """The place of its question, if it is a reply."""
    asked: bool = False
    """Whether it is the question of a turn."""
    status: str = "complete"
    feedback: str | None = None
    replaced: bool = False
    tokens: int = 0

    @property
    def shown(self) -> Json:
        """What of it an answer must have."""
        names = ("id", "seq", "role", "content", "client_id", "status", "feedback")
        return {name: getattr(self, name) for name in names}


@dataclass
class Talk:
    """A conversation as it must be."""

    id: int
    owner: int
    title: str | None
    client_id: str
    activity: int
    """When its last message was stored, in steps."""
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    all: list[Said] = field(default_factory=list)
    """Its messages, also those that were replaced."""

    @property
    def messages(self) -> list[Said]:
        return [said for said in self.all if not said.replaced]

    @property
    def next_seq(self) -> int:
        return len(self.all) + 1

    @property
    def path(self) -> str:
        return f"/api/conversations/{self.id}"

    @property
    def chat(self) -> str:
        return f"/api/chat/{self.id}"

    @property
    def reply(self) -> Said | None:
        """Its last message, if that answers the one before."""
        last = self.messages[-2:]
        return last[1] if [said.role for said in last] == ["user", "assistant"] else None

    def known(self, client_id: str | None) -> Said | None:
        """The message that a client has given this id."""
        return next((said for said in self.messages if client_id and said.client_id == client_id), None)


@dataclass
class Todo:
    """A todo as it must be."""

    owner: int
    title: str
    completed: bool = False


@dataclass(frozen=True)
class Newcomer:
    """An account that has nothing yet."""

    id: int
    email: str
    password: str


class World(RuleBasedStateMachine):
    """What is there before the first rule. The nouns are subclasses; `faults.machine` makes one of all."""

    host: ClassVar[Host]
    proxy: ClassVar[Proxy]
    assistant: ClassVar[Patient]
    newcomers: ClassVar[Iterator[Newcomer]]
    """Two for each example: to empty the tables each time would take longer."""
    done: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.accounts = [next(self.newcomers) for _ in range(2)]
        self.users = [self.signed_in(account.id, _token(account.id)) for account in self.accounts]
        self.talks: list[Talk] = []
        self.todos: dict[int, Todo] = {}
        self.needles: dict[str, Talk] = {}
        """Words that are in one conversation only."""
        self.clock = 0

    def signed_in(self, user_id: int, token: str) -> User:
        """A user with this token, whose requests count as covered."""
        return User(user_id, token, self.host.client(token))

    def step(self, name: str) -> None:
        """Counts it. Between steps, connections are cut, and nobody may notice."""
        self.clock += 1
        self.done[name] += 1
        if self.clock % CUT_EVERY == 0:
            self.done["connections cut"] += self.proxy.cut("closed" if self.clock % 2 else "reset")

    def talk(self, place: int) -> Talk:
        return self.talks[place % len(self.talks)]

    def is_there(self, talk: Talk, status: int) -> bool:
        """Whether the conversation is not deleted; one that is must have been answered like no other."""
        assert (status == 404) == talk.deleted, status
        return not talk.deleted

    def add(self, talk: Talk, shown: Json, said: Said) -> None:
        """Takes in a message that was stored just now, if it is shown as it must be."""
        assert {name: shown[name] for name in said.shown} == said.shown
        talk.all.append(said)
        talk.activity = self.clock

    def compare(self, talk: Talk) -> None:
        """Everything about a conversation."""
        owner = self.users[talk.owner]
        answer = owner.get(talk.path)
        if self.is_there(talk, answer.status_code):
            self.same(owner.messages(talk.id), talk.messages)
            found = answer.json()
            assert (found["pinned"], found["archived"]) == (talk.pinned, talk.archived)
            assert talk.title is None or found["title"] == talk.title

    def compare_todos(self, owner: int) -> None:
        """The whole list of a user."""
        found = self.users[owner].get("/api/todos").json()["items"]
        assert [(one["id"], one["title"], one["completed"]) for one in found] == [
            (number, todo.title, todo.completed) for number, todo in self.todos.items() if todo.owner == owner
        ]

    def compare_all(self) -> None:
        """Everything of everybody."""
        for talk in self.talks:
            self.compare(talk)
        for owner in range(len(self.users)):
            self.compare_todos(owner)

    def same(self, found: list[Json], expected: list[Said]) -> None:
        """Whether these messages were answered, no others, and in this order."""
        shown = [said.shown for said in expected]
        assert [
            {name: message[name] for name in one} for message, one in zip(found, shown, strict=True)
        ] == shown


def _token(user_id: int) -> str:
    """For an hour, as signing in gives one."""
    return tokens.issue(user_id, SECRET, 3_600, time.time())
