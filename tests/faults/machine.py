"""The whole API against a model of it: two users, and whatever Hypothesis thinks of, in any order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings as bounds, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from faults.shares import AT_ONCE, shared
from input.echo import Echo
from proxy import Proxy, proxied
from support import Postgres, Service, pages, served, settings, until

STEPS = 30
"""In a row, before everything is compared and it begins anew."""

CUT_EVERY = 5
"""Steps after which all connections to the database end, which are idle then."""

who = st.integers(0, 1)
which = st.integers(0, 5)
key = st.sampled_from(["k1", "k2", "k3", None])
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
).filter(lambda text: text.strip() != "")


@dataclass
class Said:
    """A message as it must be shown."""

    id: int
    seq: int
    role: str
    content: str
    client_id: str | None
    feedback: str | None = None
    status: str = "complete"

    def shown(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass
class Talk:
    """A conversation as it must be."""

    id: int
    owner: int
    title: str | None
    activity: int
    """When its last message was stored, in steps."""
    pinned: bool = False
    archived: bool = False
    deleted: bool = False
    next_seq: int = 1
    messages: list[Said] = field(default_factory=list)
    answered: bool = False
    """Whether its last message is a reply to the one before."""

    @property
    def path(self) -> str:
        return f"/api/conversations/{self.id}"


class Model(RuleBasedStateMachine):
    """Each rule does something as a user, and says what must come of it."""

    service: Service
    proxy: Proxy
    newcomers: Iterator[int]
    """Users who have nothing yet. Two for each example: to empty the tables each time would take longer."""
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.users = [self.service.user_of(next(self.newcomers)) for _ in range(2)]
        self.talks: list[Talk] = []
        self.todos: dict[int, tuple[int, str, bool]] = {}
        self.clock = 0

    @rule(owner=who, title=st.none() | words)
    def start(self, owner: int, title: str | None) -> None:
        self._step("start")
        made = self.users[owner].post("/api/conversations", {"title": title, "client_id": f"c-{self.clock}"})
        assert made.status_code == 201
        again = self.users[owner].post("/api/conversations", {"title": title, "client_id": f"c-{self.clock}"})
        assert again.json() == made.json()
        other = self.users[1 - owner].get(f"/api/chat/c-{self.clock}/history")
        assert other.status_code == 404
        self.talks.append(Talk(made.json()["id"], owner, title, self.clock))

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words, client_id=key, role=st.sampled_from(["user", "assistant"]))
    def append(self, place: int, content: str, client_id: str | None, role: str) -> None:
        self._step("append")
        talk = self._talk(place)
        body = {"content": content, "client_id": client_id, "role": role}
        answer = self.users[talk.owner].post(f"{talk.path}/messages", body)
        if talk.deleted:
            assert answer.status_code == 404
            return
        if (known := self._known(talk, client_id)) is not None:
            same = (known.role, known.content) == (role, content) and known.feedback != "asked"
            if known.content == content and known.role == role:
                assert answer.status_code in (201, 422)  # 422 if it was the question of a turn
                assert same or answer.status_code == 422
            else:
                assert (answer.status_code, answer.json()["code"]) == (422, "client_id_reused")
            return
        assert answer.status_code == 201, answer.text
        self._add(talk, answer.json(), content, role, client_id)
        talk.answered = False

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words, client_id=key)
    def ask(self, place: int, content: str, client_id: str | None) -> None:
        self._step("ask")
        talk = self._talk(place)
        body = {"message": content, "client_id": client_id}
        answer = self.users[talk.owner].post(f"/api/chat/{talk.id}/message", body)
        if talk.deleted:
            assert answer.status_code == 404
            return
        if self._known(talk, client_id) is not None:
            assert answer.status_code in (200, 422)
            return
        assert answer.status_code == 200, answer.text
        turn = answer.json()
        self._add(talk, turn["message"], content, "user", client_id)
        self._add(talk, turn["reply"], content, "assistant", None)
        talk.answered = True
        if client_id is not None:
            again = self.users[talk.owner].post(f"/api/chat/{talk.id}/message", body)
            assert again.json() == turn
        self._compare(talk)

    @precondition(lambda self: any(talk.answered for talk in self.talks))
    @rule(place=which)
    def regenerate(self, place: int) -> None:
        self._step("regenerate")
        answered = [talk for talk in self.talks if talk.answered]
        talk = answered[place % len(answered)]
        answer = self.users[talk.owner].post(f"/api/chat/{talk.id}/regenerate")
        if talk.deleted:
            assert answer.status_code == 404
            return
        assert answer.status_code == 200, answer.text
        old = talk.messages.pop()
        self._add(talk, answer.json()["reply"], old.content, "assistant", None)

    @precondition(lambda self: any(talk.answered for talk in self.talks))
    @rule(place=which, value=st.sampled_from(["up", "down", None]))
    def rate(self, place: int, value: str | None) -> None:
        self._step("rate")
        answered = [talk for talk in self.talks if talk.answered]
        talk = answered[place % len(answered)]
        reply = talk.messages[-1]
        path = f"{talk.path}/messages/{reply.id}/feedback"
        answer = self.users[talk.owner].client.put(path, json={"value": value})
        assert answer.status_code == (404 if talk.deleted else 204)
        if not talk.deleted:
            reply.feedback = value

    @precondition(lambda self: self.talks)
    @rule(place=which, title=st.none() | words, pinned=st.booleans(), archived=st.booleans())
    def change(self, place: int, title: str | None, pinned: bool, archived: bool) -> None:
        self._step("change")
        talk = self._talk(place)
        body = {"title": title, "pinned": pinned, "archived": archived}
        answer = self.users[talk.owner].patch(talk.path, body)
        if talk.deleted:
            assert answer.status_code == 404
            return
        assert answer.status_code == 200, answer.text
        talk.title, talk.pinned, talk.archived = title or talk.title, pinned, archived

    @precondition(lambda self: self.talks)
    @rule(place=which)
    def delete(self, place: int) -> None:
        self._step("delete")
        talk = self._talk(place)
        assert self.users[talk.owner].delete(talk.path).status_code == (404 if talk.deleted else 204)
        talk.deleted = True

    @precondition(lambda self: self.talks)
    @rule(place=which)
    def restore(self, place: int) -> None:
        self._step("restore")
        talk = self._talk(place)
        assert self.users[talk.owner].post(f"{talk.path}/restore").status_code == 200
        talk.deleted = False
        self._compare(talk)

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words)
    def intrude(self, place: int, content: str) -> None:
        """The other user, at everything."""
        self._step("intrude")
        talk = self._talk(place)
        stranger = self.users[1 - talk.owner]
        for answer in (
            stranger.get(talk.path),
            stranger.get(f"/api/chat/{talk.id}/history"),
            stranger.post(f"{talk.path}/messages", {"content": content}),
            stranger.post(f"/api/chat/{talk.id}/message", {"message": content}),
            stranger.patch(talk.path, {"title": content}),
            stranger.post(f"{talk.path}/restore"),
            stranger.delete(talk.path),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")

    @rule(owner=who, title=words)
    def add_todo(self, owner: int, title: str) -> None:
        self._step("add todo")
        made = self.users[owner].post("/api/todos", {"title": title})
        assert made.status_code == 201, made.text
        self.todos[made.json()["id"]] = (owner, title, False)

    @precondition(lambda self: self.todos)
    @rule(place=which, user=who, completed=st.booleans())
    def finish_todo(self, place: int, user: int, completed: bool) -> None:
        self._step("finish todo")
        todo = list(self.todos)[place % len(self.todos)]
        owner, title, _ = self.todos[todo]
        answer = self.users[user].patch(f"/api/todos/{todo}", {"completed": completed})
        assert answer.status_code == (200 if user == owner else 404)
        if user == owner:
            self.todos[todo] = (owner, title, completed)

    @precondition(lambda self: self.todos)
    @rule(place=which, user=who)
    def drop_todo(self, place: int, user: int) -> None:
        self._step("drop todo")
        todo = list(self.todos)[place % len(self.todos)]
        owner = self.todos[todo][0]
        assert self.users[user].delete(f"/api/todos/{todo}").status_code == (204 if user == owner else 404)
        if user == owner:
            del self.todos[todo]

    @rule(owner=who, size=st.integers(1, 5))
    def list(self, owner: int, size: int) -> None:
        self._step("list")
        for archived in (False, True):
            shown = [
                (item["id"], item["pinned"])
                for item in pages(
                    self.users[owner], "/api/conversations", limit=size, archived=str(archived).lower()
                )
            ]
            expected = [
                talk
                for talk in self.talks
                if (talk.owner, talk.archived, talk.deleted) == (owner, archived, False)
            ]
            expected.sort(key=lambda talk: (talk.pinned, talk.activity), reverse=True)
            assert shown == [(talk.id, talk.pinned) for talk in expected]

    def teardown(self) -> None:
        """Everything, once more."""
        for talk in self.talks:
            self._compare(talk)
        for number, user in enumerate(self.users):
            own = [todo for todo, (owner, _, _) in self.todos.items() if owner == number]
            items = user.get("/api/todos").json()["items"]
            assert [item["id"] for item in items] == own
            for item in items:
                assert (number, item["title"], item["completed"]) == self.todos[item["id"]]
        self.service.hang_up()  # thousands of clients would be open in the end
        self.proxy.forget()  # and all their words kept

    def _step(self, name: str) -> None:
        self.clock += 1
        self.done[name] += 1
        if self.clock % CUT_EVERY == 0:  # nobody may notice
            self.done["connections cut"] += self.proxy.cut(reset=self.clock % 2 == 0)

    def _talk(self, place: int) -> Talk:
        return self.talks[place % len(self.talks)]

    def _known(self, talk: Talk, client_id: str | None) -> Said | None:
        if client_id is None:
            return None
        return next((said for said in talk.messages if said.client_id == client_id), None)

    def _add(self, talk: Talk, shown: dict[str, Any], content: str, role: str, client_id: str | None) -> None:
        said = Said(shown["id"], talk.next_seq, role, content, client_id)
        assert {name: shown[name] for name in said.shown()} == said.shown()
        talk.messages.append(said)
        talk.next_seq += 1
        talk.activity = self.clock

    def _compare(self, talk: Talk) -> None:
        owner = self.users[talk.owner]
        if talk.deleted:
            assert owner.get(talk.path).status_code == 404
            return
        shown = [
            {name: message[name] for name in vars(said)}
            for message, said in zip(owner.messages(talk.id), talk.messages, strict=True)
        ]
        assert shown == [said.shown() for said in talk.messages]
        found = owner.get(talk.path).json()
        assert (found["pinned"], found["archived"]) == (talk.pinned, talk.archived)
        assert talk.title is None or found["title"] == talk.title


def api(ground: Ground, times: int) -> Outcome:
    """So many steps at the least. Each process draws others."""
    done = sum(shared(_stepped, ground, times), Counter[str]())
    kinds = ", ".join(f"{count} x {name}" for name, count in sorted(done.items()))
    cut = done["connections cut"]
    return Outcome(done.total() - cut, cut, f"0 differences from the model in {kinds}")


def _stepped(ground: Ground, number: int, times: int) -> Counter[str]:
    done: Counter[str] = Counter()
    tried = 0
    with ground.database() as database, proxied(database) as proxy:
        given = settings(database, database_url=proxy.text)
        with served(create_app(given, Echo()), database) as service:
            given_to_all = {
                "service": service,
                "proxy": proxy,
                "newcomers": _newcomers(database),
                "done": done,
            }
            while tried < times:
                whole = type("Whole", (Model,), given_to_all)
                run_state_machine_as_test(
                    seed(tried * AT_ONCE + number)(whole),
                    settings=bounds(
                        max_examples=max(1, (times - tried) // STEPS),
                        stateful_step_count=STEPS,
                        deadline=None,
                        database=None,
                        print_blob=False,
                        phases=[Phase.generate],
                        suppress_health_check=list(HealthCheck),
                    ),
                )
                tried = done.total() - done["connections cut"]
            until(lambda: database.value("SELECT count(*) FROM message WHERE status = 'streaming'") == 0)
    return done


def _newcomers(postgres: Postgres) -> Iterator[int]:
    """The ids of new accounts without end."""
    sql = (
        "INSERT INTO \"user\" (issuer, subject) SELECT 'machine', gen_random_uuid()::text"
        " FROM generate_series(1, 100) RETURNING id"
    )
    while True:
        yield from (row[0] for row in postgres.rows(sql))
