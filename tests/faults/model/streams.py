"""Replies that are stopped, or deleted with their conversation, while they are written and read."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.stateful import precondition, rule

from faults.chat import STREAM, Seen
from faults.model.patient import half
from faults.model.turns import Turns
from faults.model.wire import lines_of
from faults.model.world import Json, Said, Talk, which, words
from support import User


class Streams(Turns):
    @precondition(lambda self: self.talks)
    @rule(place=which)
    def stop_nothing(self, place: int) -> None:
        self.step("stop nothing")
        talk = self.talk(place)
        user = self.users[talk.owner]
        stopped, stream = user.post(f"{talk.chat}/stop"), user.get(f"{talk.chat}/stream")
        assert user.get("/api/chat/live").json() == {"items": []}
        if self.is_there(talk, stopped.status_code):
            assert stopped.json() == {"success": True, "reply": None}
        assert stream.status_code == (404 if talk.deleted else 204)

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words)
    def stop(self, place: int, content: str) -> None:
        """In the middle of a reply that is read by two, while a third asks for more."""
        self.step("stop")
        talk, seen, question = self.talk(place), Seen(0), f"wait {content}"
        user = self.users[talk.owner]
        with self._halfway(talk, question, seen) as lines:
            if lines is None:
                return
            with self._followed(talk, user, seen):
                pass
            refused = user.post(f"{talk.chat}/message", {"message": "And now?"})
            assert (refused.status_code, refused.json()["code"]) == (409, "turn_in_progress")
            stopped = user.post(f"{talk.chat}/stop").json()
            assert stopped["success"] is True
            _read(lines, seen)
        assert (seen.text, seen.ending, seen.done) == (half(question), "abort: stopped", True)
        self._ended(talk, question, seen, stopped["reply"], "stopped")

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words)
    def leave_a_stream(self, place: int, content: str) -> None:
        """In the middle of a reply, which is written to its end all the same."""
        self.step("leave a stream")
        talk, seen, question = self.talk(place), Seen(0), f"wait {content}"
        with self._halfway(talk, question, seen) as lines:
            if lines is None:
                return
        self.assistant.finish()
        self.host.settle()
        *_, asked, reply = self.users[talk.owner].messages(talk.id)
        assert reply["id"] == seen.reply_id
        self._asked(talk, {"message": asked, "reply": reply}, question, None)
        self.compare(talk)

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words)
    def delete_while_it_streams(self, place: int, content: str) -> None:
        """Both readers are told, and what the assistant says afterwards is stored nowhere."""
        self.step("delete while it streams")
        talk, seen, question = self.talk(place), Seen(0), f"wait {content}"
        user = self.users[talk.owner]
        with self._halfway(talk, question, seen) as lines:
            if lines is None:
                return
            with self._followed(talk, user, seen) as (follower, more):
                assert user.delete(talk.path).status_code == 204
                talk.deleted = True
                assert user.get(talk.path).status_code == 404
                self.assistant.ramble()
                _read(lines, seen)
                _read(more, follower)
        for reader in (seen, follower):
            assert (reader.ending, reader.done) == ("error: conversation_not_found", True)
        assert user.post(f"{talk.path}/restore").status_code == 200
        talk.deleted = False
        *_, reply = user.messages(talk.id)
        assert reply["content"] in ("", half(question))  # what was stored before
        seen.text = reply["content"]
        self._ended(talk, question, seen, reply, "interrupted")
        self.compare(talk)

    @contextmanager
    def _halfway(self, talk: Talk, question: str, seen: Seen) -> Iterator[Iterator[str] | None]:
        """What is left of a stream of which one half was read; None if the conversation is deleted."""
        client, body = self.users[talk.owner].client, {"message": question}
        self.assistant.held = True
        try:
            with client.stream("POST", f"{talk.chat}/message", json=body, headers=STREAM) as answer:
                if not self.is_there(talk, answer.status_code):
                    yield None
                    return
                lines = lines_of(answer)
                while seen.text != half(question):
                    seen.take(next(lines))
                self.assistant.held = False
                yield lines
        finally:
            self.assistant.held = False

    @contextmanager
    def _followed(self, talk: Talk, user: User, seen: Seen) -> Iterator[tuple[Seen, Iterator[str]]]:
        """Somebody else who has read as much, and what is left to read; others were told of the reply."""
        [live] = user.get("/api/chat/live").json()["items"]
        assert (live["conversation_id"], live["reply_id"]) == (talk.id, seen.reply_id)
        follower = Seen(0)
        with user.client.stream("GET", f"{talk.chat}/stream") as answer:
            lines = lines_of(answer)
            while follower.text != seen.text:
                follower.take(next(lines))
            assert follower.reply_id == seen.reply_id
            yield follower, lines

    def _ended(self, talk: Talk, question: str, seen: Seen, shown: Json, status: str) -> None:
        """Takes in a turn whose reply is not whole."""
        asked = self.question(seen)
        self.add(talk, asked, Said(asked["id"], talk.next_seq, "user", question, None, asked=True))
        reply = Said(
            shown["id"], talk.next_seq, "assistant", seen.text, None, talk.next_seq - 1, status=status
        )
        self.add(talk, shown, reply)


def _read(lines: Iterator[str], seen: Seen) -> None:
    for line in lines:
        seen.take(line)
