"""The chatbot's routes and the turns behind them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.client import HTTPConnection

from assistants_for_tests import Scripted
from support import Service, User, until

Serve = Callable[..., AbstractContextManager[Service]]


def started(user: User) -> str:
    return str(user.post("/api/chat/start").json()["session_id"])


def test_a_chat_from_start_to_history(alice: User) -> None:
    start = alice.post("/api/chat/start")
    assert start.status_code == 201
    session = start.json()["session_id"]
    assert session == str(start.json()["conversation"]["id"])
    assert alice.get(start.headers["Location"]).json() == start.json()["conversation"]

    answer = alice.post(f"/api/chat/{session}/message", {"message": "add buy milk"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"]["content"] == "add buy milk"
    assert answer.json()["reply"]["status"] == "complete"
    assert answer.json()["reply"]["finish_reason"] == "stop"
    assert answer.json()["reply"]["model"] == "todo"

    history = alice.get(f"/api/chat/{session}/history").json()
    assert history == {
        "items": [answer.json()["message"], answer.json()["reply"]],
        "next_cursor": None,
        "newer_cursor": None,
    }
    assert [todo["title"].lower() for todo in alice.get("/api/todos").json()["items"]] == ["buy milk"]
    assert alice.get(f"/api/conversations/{session}").json()["title"] == "add buy milk"


def test_a_session_is_a_conversation(alice: User) -> None:
    conversation = alice.conversation(title="Made elsewhere")
    said = alice.say(conversation, "Said elsewhere")
    answer = alice.post(f"/api/chat/{conversation}/message", {"message": "help"}).json()
    assert [item["seq"] for item in alice.get(f"/api/chat/{conversation}/history").json()["items"]] == [
        1,
        2,
        3,
    ]
    assert alice.messages(conversation) == [said, answer["message"], answer["reply"]]


def test_a_start_with_a_client_id_can_be_repeated(alice: User) -> None:
    body = {"client_id": "chat-1", "title": "Chores"}
    first = alice.post("/api/chat/start", body)
    assert alice.post("/api/chat/start", body).json() == first.json()
    assert first.json()["conversation"]["title"] == "Chores"


def test_another_users_session_is_none(alice: User, bob: User) -> None:
    session = started(alice)
    for path, body in (("message", {"message": "hi"}), ("history", None)):
        method = "GET" if body is None else "POST"
        foreign = bob.client.request(method, f"/api/chat/{session}/{path}", json=body)
        missing = bob.client.request(method, f"/api/chat/999999999/{path}", json=body)
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert alice.get(f"/api/chat/{session}/history").json()["items"] == []


def test_todos_of_the_chat_are_ones_own(alice: User, bob: User) -> None:
    for user, task in ((alice, "paint the fence"), (bob, "mow the lawn")):
        session = started(user)
        user.post(f"/api/chat/{session}/message", {"message": f"add {task}"})
        listed = user.post(f"/api/chat/{session}/message", {"message": "list"}).json()["reply"]["content"]
        assert task in listed.lower()
    assert len(alice.get("/api/todos").json()["items"]) == 1
    assert "fence" not in listed


def test_the_assistant_sees_the_conversation(serve_with: Serve) -> None:
    assistant = Scripted("Fine, ", "thanks.")
    with serve_with(assistant) as service, service.user("a@example.com").client as client:
        session = client.post("/api/chat/start").json()["session_id"]
        for question in ("How are you?", "Sure?"):
            answer = client.post(f"/api/chat/{session}/message", json={"message": question}).json()
            assert answer["reply"]["content"] == "Fine, thanks."
    seen = [[(said.role, said.content) for said in prompt.messages] for prompt in assistant.prompts]
    assert seen[0] == [("user", "How are you?")]
    assert seen[1] == [("user", "How are you?"), ("assistant", "Fine, thanks."), ("user", "Sure?")]


def test_a_failing_assistant_loses_nothing(serve_with: Serve) -> None:
    with (
        serve_with(Scripted("So far ", "so good", fault=RuntimeError("broken"))) as service,
        service.user("a@example.com").client as client,
    ):
        session = client.post("/api/chat/start").json()["session_id"]
        answer = client.post(f"/api/chat/{session}/message", json={"message": "Go on"})
        assert answer.status_code == 200
        reply = answer.json()["reply"]
        assert (reply["content"], reply["status"]) == ("So far so good", "failed")
        assert reply["finish_reason"] == "assistant_failed"
        assert client.get(f"/api/chat/{session}/history").json()["items"][-1] == reply
        again = client.post(f"/api/chat/{session}/message", json={"message": "And again"})
        assert again.json()["reply"]["seq"] == 4


def test_what_an_assistant_says_is_made_storable(serve_with: Serve) -> None:
    with (
        serve_with(Scripted("a\0b", "\ud800", "x" * 1_100_000)) as service,
        service.user("a@example.com").client as client,
    ):
        session = client.post("/api/chat/start").json()["session_id"]
        reply = client.post(f"/api/chat/{session}/message", json={"message": "Go on"}).json()["reply"]
        assert reply["status"] == "complete"
        assert reply["content"].startswith("ab?xxx")
        assert len(reply["content"]) == 200_000
        assert reply["finish_reason"] == "length"


def test_a_second_message_waits_its_turn(serve_with: Serve) -> None:
    assistant = Scripted("Thinking ... ", "done.", waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = started(user)
        with ThreadPoolExecutor(1) as executor:
            first = executor.submit(user.post, f"/api/chat/{session}/message", {"message": "One"})
            until(lambda: bool(assistant.prompts))
            second = user.post(f"/api/chat/{session}/message", {"message": "Two"})
            assert (second.status_code, second.json()["code"]) == (409, "turn_in_progress")
            question, reply = user.get(f"/api/chat/{session}/history").json()["items"]
            assert (question["content"], question["status"]) == ("One", "complete")
            assert reply["status"] == "streaming"
            assert reply["content"] in ("", "Thinking ... ")  # what was said is flushed after half a second
            assistant.go()
            assert first.result().json()["reply"]["content"] == "Thinking ... done."
        assert user.post(f"/api/chat/{session}/message", {"message": "Two"}).json()["message"]["seq"] == 3


def test_a_retry_gets_the_same_answer_and_asks_nobody(serve_with: Serve) -> None:
    assistant = Scripted("Wait ... ", "42", waits=True)
    body = {"message": "The answer?", "client_id": "q-1"}
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = started(user)
        with ThreadPoolExecutor(8) as executor:
            asked = [executor.submit(user.post, f"/api/chat/{session}/message", body) for _ in range(8)]
            until(lambda: bool(assistant.prompts))
            assistant.go()
            answers = [one.result() for one in asked]
        answers.append(user.post(f"/api/chat/{session}/message", body))
        assert {answer.status_code for answer in answers} == {200}
        assert all(answer.json() == answers[0].json() for answer in answers)
        other = user.post(f"/api/chat/{session}/message", {**body, "message": "The question?"})
        assert (other.status_code, other.json()["code"]) == (422, "client_id_reused")
        assert len(user.get(f"/api/chat/{session}/history").json()["items"]) == 2
    assert len(assistant.prompts) == 1
    with serve_with(Scripted("Another answer")) as restarted:  # which empties nothing: the same database
        again = restarted.user_of(user.id).post(f"/api/chat/{session}/message", body)
        assert again.json() == answers[0].json()


def test_a_reply_outlives_its_reader(serve_with: Serve) -> None:
    assistant = Scripted("Patience ... ", "here it is.", waits=True)
    with serve_with(assistant) as service:
        user = service.user("a@example.com")
        session = started(user)
        impatient = HTTPConnection(service.url.removeprefix("http://"))
        headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
        impatient.request("POST", f"/api/chat/{session}/message", '{"message": "Well?"}', headers)
        until(lambda: bool(assistant.prompts))
        impatient.close()
        assistant.go()
        history = f"/api/chat/{session}/history"
        until(lambda: user.get(history).json()["items"][-1]["status"] != "streaming")
        assert user.get(history).json()["items"][-1]["content"] == "Patience ... here it is."


def test_shutdown_stores_what_was_said(serve_with: Serve, service: Service) -> None:
    assistant = Scripted("As I was saying, ", "never heard", waits=True)
    user = service.user("a@example.com")
    session = started(user)
    with ThreadPoolExecutor(1) as executor:
        with serve_with(assistant, shutdown_grace=0.2) as stopping:
            body = {"message": "Go on"}
            asked = executor.submit(stopping.user_of(user.id).post, f"/api/chat/{session}/message", body)
            until(lambda: bool(assistant.prompts))
        asked.exception()
    reply = user.get(f"/api/chat/{session}/history").json()["items"][-1]
    assert (reply["content"], reply["status"]) == ("As I was saying, ", "interrupted")


def test_a_dead_reply_reads_as_interrupted_and_blocks_nobody(alice: User, service: Service) -> None:
    session = started(alice)
    alice.post(f"/api/chat/{session}/message", {"message": "help", "client_id": "q-1"})
    service.postgres.rows(
        "UPDATE message SET status = 'streaming', lease_until = now() - interval '1 second', content = 'Half'"
        " WHERE role = 'assistant'"
    )
    dead = alice.get(f"/api/chat/{session}/history").json()["items"][-1]
    assert (dead["status"], dead["content"]) == ("interrupted", "Half")
    retried = alice.post(f"/api/chat/{session}/message", {"message": "help", "client_id": "q-1"})
    assert retried.json()["reply"] == dead
    assert alice.post(f"/api/chat/{session}/message", {"message": "help"}).json()["reply"]["seq"] == 4
    assert service.postgres.value("SELECT status FROM message WHERE seq = 2") == "interrupted"
