"""Round trips to the database, counted at the socket: over a network, they are what a request costs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.db.identity import Identity, introduction
from app.main import create_app
from assistants_for_tests import Scripted
from proxy import Proxy, proxied
from support import UNHURRIED, Postgres, Service, User, empty, served, settings

TIMES = 5
"""How often each request is sent."""

QUIET_SECONDS = 3
"""How long an idle service is listened to. A renewal or a ping more often than this would be heard."""

Request = Callable[[User, "Prepared"], httpx.Response]


class Prepared:
    """What the requests are about, and numbers that were not used before."""

    def __init__(self, user: User) -> None:
        self.conversation = user.conversation(title="Counted")
        for number in range(3):
            user.say(self.conversation, f"Message {number}")
        self.turn = {"message": "Again", "client_id": "the same"}
        turn = user.post(f"/api/chat/{self.conversation}/message", self.turn)
        self.reply = int(turn.json()["reply"]["id"])
        user.get("/api/search", params={"q": "message"}).raise_for_status()  # what was said is in the index
        self.chat = user.conversation()  # for turns: while one runs, nothing else is appended there
        self.spare_conversations = [user.conversation() for _ in range(TIMES)]
        made = [user.post("/api/todos", {"title": f"Task {number}"}) for number in range(TIMES + 1)]
        self.todo, *self.spare_todos = [int(answer.json()["id"]) for answer in made]


@pytest.fixture(scope="module")
def proxy(postgres: Postgres) -> Iterator[Proxy]:
    with proxied(postgres) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def counted_service(postgres: Postgres, proxy: Proxy) -> Iterator[Service]:
    """A server behind the proxy, with an assistant that answers at once."""
    app = create_app(settings(postgres, database_url=proxy.text), Scripted("At once."))
    with served(app, postgres) as service, pytest.MonkeyPatch.context() as patch:
        # A turn that takes half a second, on a slow machine, would be flushed on its way: a round trip more.
        patch.setattr("app.turns.turns.FLUSH_SECONDS", 3)
        yield service
        service.hang_up()


@pytest.fixture
def user(counted_service: Service) -> Iterator[User]:
    empty(counted_service.postgres)
    user = counted_service.user("alice@example.com")
    with user.client:
        yield user


@pytest.fixture
def prepared(user: User) -> Prepared:
    """Asked for through the proxy, so that a connection is open when counting begins."""
    return Prepared(user)


def _search_after_a_message(user: User, it: Prepared) -> httpx.Response:
    user.say(it.conversation, "One more")
    return user.get("/api/search", params={"q": "one"})


REQUESTS: dict[str, tuple[int, int, Request]] = {
    # what it is: (round trips, status, the request)
    "page of a history": (1, 200, lambda user, it: user.get(f"/api/chat/{it.conversation}/history")),
    "history around a message": (
        1,
        200,
        lambda user, it: user.get(f"/api/chat/{it.conversation}/history", params={"around": it.reply}),
    ),
    "page of messages": (
        1,
        200,
        lambda user, it: user.get(f"/api/conversations/{it.conversation}/messages"),
    ),
    "page of conversations": (1, 200, lambda user, _: user.get("/api/conversations")),
    "start a chat": (1, 201, lambda user, _: user.post("/api/chat/start")),
    "create a conversation": (1, 201, lambda user, _: user.post("/api/conversations", {"title": "New"})),
    "get a conversation": (1, 200, lambda user, it: user.get(f"/api/conversations/{it.conversation}")),
    "rename a conversation": (
        1,
        200,
        lambda user, it: user.patch(f"/api/conversations/{it.conversation}", {"title": "Renamed"}),
    ),
    "pin a conversation": (
        1,
        200,
        lambda user, it: user.patch(f"/api/conversations/{it.conversation}", {"pinned": True}),
    ),
    "page of archived conversations": (
        1,
        200,
        lambda user, _: user.get("/api/conversations", params={"archived": "true"}),
    ),
    "search": (1, 200, lambda user, _: user.get("/api/search", params={"q": "message"})),
    # The message, and what finds that it is new, reads it, puts it into the index, and looks again.
    "search after a message": (5, 200, _search_after_a_message),
    "search without an index": (1, 200, lambda user, _: user.get("/api/search", params={"q": "消息"})),
    "search for nothing": (0, 200, lambda user, _: user.get("/api/search", params={"q": "!?"})),
    "restore a conversation": (
        1,
        200,
        lambda user, it: user.post(f"/api/conversations/{it.conversation}/restore"),
    ),
    "rate a reply": (
        1,
        204,
        lambda user, it: user.client.put(
            f"/api/conversations/{it.conversation}/messages/{it.reply}/feedback", json={"value": "up"}
        ),
    ),
    "delete a conversation": (
        1,
        204,
        lambda user, it: user.delete(f"/api/conversations/{it.spare_conversations.pop()}"),
    ),
    "append a message": (
        1,
        201,
        lambda user, it: user.post(f"/api/conversations/{it.conversation}/messages", {"content": "One more"}),
    ),
    "turn of a chat": (
        2,
        200,
        lambda user, it: user.post(f"/api/chat/{it.chat}/message", {"message": "Hello"}),
    ),
    "retry of a turn": (1, 200, lambda user, it: user.post(f"/api/chat/{it.conversation}/message", it.turn)),
    "list todos": (1, 200, lambda user, _: user.get("/api/todos")),
    "add a todo": (1, 201, lambda user, _: user.post("/api/todos", {"title": "Another"})),
    "get a todo": (1, 200, lambda user, it: user.get(f"/api/todos/{it.todo}")),
    "complete a todo": (1, 200, lambda user, it: user.patch(f"/api/todos/{it.todo}", {"completed": True})),
    "delete a todo": (1, 204, lambda user, it: user.delete(f"/api/todos/{it.spare_todos.pop()}")),
    "who am I": (1, 200, lambda user, _: user.get("/api/auth/me")),
    "what does not exist": (1, 404, lambda user, _: user.get("/api/conversations/999999999")),
    "no token": (0, 401, lambda user, _: user.get("/api/conversations", headers={"Authorization": ""})),
    "a wrong token": (
        0,
        401,
        lambda user, _: user.get("/api/conversations", headers={"Authorization": f"Bearer {user.token}x"}),
    ),
    "a field too many": (0, 422, lambda user, _: user.post("/api/conversations", {"user_id": 1})),
    "a cursor of nobody": (0, 400, lambda user, _: user.get("/api/conversations", params={"cursor": "x"})),
    "health": (0, 200, lambda user, _: user.get("/healthz")),
    "metrics": (0, 200, lambda user, _: user.get("/metrics")),
    "documentation": (0, 200, lambda user, _: user.get("/openapi.json")),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_request_costs_so_many_round_trips(what: str, user: User, prepared: Prepared, proxy: Proxy) -> None:
    trips, status, request = REQUESTS[what]
    proxy.forget()
    answers = [request(user, prepared) for _ in range(TIMES)]
    print(f"{what}: {proxy.round_trips} round trips in {TIMES} requests")
    assert {answer.status_code for answer in answers} == {status}, answers[0].text
    assert (proxy.round_trips, proxy.accepted) == (trips * TIMES, 0)


def test_who_asks_travels_with_the_statement(user: User, prepared: Prepared, proxy: Proxy) -> None:
    proxy.forget()
    assert user.get(f"/api/conversations/{prepared.conversation}").status_code == 200
    said = proxy.said.decode(errors="replace")  # a length comes first
    assert proxy.round_trips == 1
    told = introduction(
        Identity(user.id, 0), reads=True, milliseconds=round(UNHURRIED["database_timeout"] * 1_000)
    )
    assert told.plan is not None
    assert "set_config('role', 'chat_history_app', true)" in told.plan.prepare
    before, _, statement = said.partition(told.plan.execute % {"user_id": user.id, "generation": 0})
    assert "EXECUTE" not in before
    assert f"FROM conversation \nWHERE conversation.id = {prepared.conversation}" in statement
    assert "BEGIN" not in said
    assert "COMMIT" not in said


def test_an_idle_service_says_nothing(user: User, prepared: Prepared, proxy: Proxy) -> None:
    with ThreadPoolExecutor(8) as executor:
        load = [executor.submit(request, user, prepared) for _, _, request in REQUESTS.values()]
    assert [one.result().status_code for one in load] == [status for _, status, _ in REQUESTS.values()]
    connections = proxy.connections
    proxy.forget()
    heard = proxy.hears(QUIET_SECONDS)
    print(f"idle: {len(proxy.said)} bytes in {QUIET_SECONDS} s on {connections} open connections")
    assert not heard
    assert (proxy.connections, proxy.accepted) == (connections, 0)
    assert user.get("/api/conversations").status_code == 200
    assert (proxy.hears(0), proxy.round_trips, proxy.accepted) == (True, 1, 0)
