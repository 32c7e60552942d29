"""Another reply, asked for again under the same key because its answer was lost: it is written once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from assistants_for_tests import Scripted
from support import Service, User

from .reading import streamed, streaming, text

Serve = Callable[..., AbstractContextManager[Service]]

KEY = {"Idempotency-Key": "another-1"}
OTHER_KEY = {"Idempotency-Key": "another-2"}


def begun(user: User) -> tuple[int, str]:
    """A conversation with a question and its reply, and where another one is asked for."""
    session = user.conversation()
    assert user.post(f"/api/chat/{session}/message", {"message": "Go", "client_id": "q-1"}).is_success
    return session, f"/api/chat/{session}/regenerate"


def versions(user: User, session: int) -> int:
    """How many replies there are to the question."""
    reply = user.messages(session)[-1]["id"]
    return len(user.get(f"/api/chat/{session}/replies/{reply}/versions").json()["items"])


def test_after_it_is_complete_the_same_reply_comes_again_and_without_the_key_another(alice: User) -> None:
    session, path = begun(alice)
    first = alice.post(path, headers=KEY).json()
    assert alice.post(path, headers=KEY).json() == first
    assert streamed(alice, path, headers=KEY)[0]["messageId"] == str(first["reply"]["id"])
    assert versions(alice, session) == 2
    for headers in (OTHER_KEY, {}, {}):
        assert alice.post(path, headers=headers).json()["reply"]["id"] > first["reply"]["id"]
    assert versions(alice, session) == 5


def test_it_is_found_when_another_has_taken_its_place_and_when_the_talk_goes_on(alice: User) -> None:
    session, path = begun(alice)
    first = alice.post(path, headers=KEY).json()
    second = alice.post(path, headers=OTHER_KEY).json()
    alice.post(f"/api/chat/{session}/message", {"message": "More"})
    before = alice.messages(session)
    assert alice.post(path, headers=KEY).json() == first
    assert alice.post(path, headers=OTHER_KEY).json() == second
    assert alice.messages(session) == before


def test_a_key_is_of_one_conversation_and_of_one_operation(alice: User, bob: User) -> None:
    session, path = begun(alice)
    found = {alice.post(path, headers=KEY).json()["reply"]["id"]}
    found.add(alice.post(begun(alice)[1], headers=KEY).json()["reply"]["id"])
    found.add(bob.post(begun(bob)[1], headers=KEY).json()["reply"]["id"])
    message = alice.post(f"/api/chat/{session}/message", {"message": "Go"}, headers=KEY).json()
    found.add(message["reply"]["id"])
    assert len(found) == 4
    refused = bob.post(path, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_found")


def test_while_it_is_written_a_retry_reads_along_in_any_process(serve_with: Serve) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant) as service, serve_with() as elsewhere, ThreadPoolExecutor() as executor:
        here = service.user("alice@example.com")
        there = elsewhere.user_of(here.id)
        session = here.conversation()
        here.say(session, "Go")
        path = f"/api/chat/{session}/regenerate"
        with streaming(here, path, headers=KEY) as events:
            start = next(events)
            refused = there.post(path, headers=OTHER_KEY)
            assert (refused.status_code, refused.json()["code"]) == (409, "turn_in_progress")
            joined = [executor.submit(streamed, user, path, headers=KEY) for user in (here, there)]
            waiting = executor.submit(there.post, path, headers=KEY)
            assistant.go()
            shown = text(list(events))
        assert shown == "One, two."
        for one in joined:
            assert one.result()[0] == start
            assert text(one.result()) == shown
        assert waiting.result().json()["reply"]["content"] == shown
        assert len(assistant.prompts) == 1
        assert versions(here, session) == 1


def test_eight_at_once_write_one(alice: User) -> None:
    session, path = begun(alice)
    with ThreadPoolExecutor(8) as executor:
        answers = list(executor.map(lambda _: alice.post(path, headers=KEY), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["reply"]["id"] for answer in answers}) == 1
    assert versions(alice, session) == 2


def test_a_retry_is_answered_also_where_there_is_no_room(serve_with: Serve) -> None:
    assistant = Scripted("One, ", "two.", waits=True)
    with serve_with(assistant, max_running_turns_per_user=1) as service:
        alice = service.user("alice@example.com")
        session = alice.conversation()
        alice.say(session, "Go")
        path = f"/api/chat/{session}/regenerate"
        with streaming(alice, path, headers=KEY) as events:
            start = next(events)
            refused = alice.post(path, headers=OTHER_KEY)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_turns")
            with streaming(alice, path, headers=KEY) as joined:
                assert next(joined) == start
            assistant.go()
            assert text(list(events)) == "One, two."
