"""Turns: asked, as an application or as the AI SDK, asked again, edited, answered anew, stopped, followed."""

from collections.abc import Iterator

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from faults.chat import STREAM, Seen
from faults.model.patient import half
from faults.model.world import Json, Said, Talk, World, key, which, words
from support import User


def lines_of(answer: httpx.Response) -> Iterator[str]:
    """The lines of a stream. Text may have in it what Python, but no stream, takes for the end of one."""
    rest = b""
    for data in answer.iter_raw():
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)


class Turns(World):
    @precondition(lambda self: self.talks)
    @rule(place=which, content=words, client_id=key)
    def ask(self, place: int, content: str, client_id: str | None) -> None:
        self.step("ask")
        talk = self.talk(place)
        body = {"message": content, "client_id": client_id}
        answer = self.users[talk.owner].post(f"{talk.chat}/message", body)
        if not self.is_there(talk, answer.status_code):
            return
        known = talk.known(client_id)
        if known is None:
            assert answer.status_code == 200, answer.text
            self._asked(talk, answer.json(), content, client_id)
            if client_id is not None:
                again = self.users[talk.owner].post(f"{talk.chat}/message", body)
                assert again.json() == answer.json()
            self.compare(talk)
        elif known.asked and known.content == content:
            reply = next(said for said in talk.messages if said.reply_to == known.seq)
            turn = answer.json()
            assert (turn["message"]["id"], turn["reply"]["id"]) == (known.id, reply.id)
        else:
            assert (answer.status_code, answer.json()["code"]) == (422, "client_id_reused")

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words, by_its_name=st.booleans(), edited=st.none() | which)
    def ask_as_ai_sdk(self, place: int, content: str, by_its_name: bool, edited: int | None) -> None:
        """A question of its own, or in the place of an earlier one and of all that came after it."""
        self.step("ask as the AI SDK" if edited is None else "edit")
        talk = self.talk(place)
        questions = [said for said in talk.messages if said.role == "user"]
        name, parts = f"m-{self.clock}", [{"type": "text", "text": content}]
        message = {"id": name, "role": "user", "parts": parts}
        body: Json = {"id": talk.client_id if by_its_name else str(talk.id), "message": message}
        replaced = questions[edited % len(questions)] if edited is not None and questions else None
        if replaced is not None:
            body["messageId"] = replaced.client_id or str(replaced.id)
        seen = self._streamed(self.users[talk.owner], body)
        if talk.deleted:
            begins = by_its_name and replaced is None  # an edit makes no conversation: it looks for one
            assert seen.status == (409 if begins else 404)
            return
        assert (seen.status, seen.text, seen.ending, seen.done) == (200, content, "finish", True)
        if replaced is not None:
            for said in talk.messages[talk.messages.index(replaced) :]:
                said.replaced = True
        turn = {"message": self._question(seen), "reply": {"id": seen.reply_id}}
        self._asked(talk, turn, content, name)
        self.compare(talk)

    @precondition(lambda self: any(talk.messages for talk in self.talks))
    @rule(place=which)
    def regenerate(self, place: int) -> None:
        """What stands behind the last question gives way; where an answer has no question, nothing does."""
        self.step("regenerate")
        begun = [talk for talk in self.talks if talk.messages]
        talk = begun[place % len(begun)]
        answer = self.users[talk.owner].post(f"{talk.chat}/regenerate")
        if not self.is_there(talk, answer.status_code):
            return
        old, last = talk.reply, talk.messages[-1]
        if old is None and last.role == "assistant":
            assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_answer")
            return
        assert answer.status_code == 200, answer.text
        if old is not None:
            old.replaced = True
        self._answered(talk, answer.json()["reply"], talk.messages[-1])

    @precondition(lambda self: any(said.reply_to for talk in self.talks for said in talk.messages))
    @rule(place=which)
    def compare_versions(self, place: int) -> None:
        self.step("list versions")
        replies = [(talk, said) for talk in self.talks for said in talk.messages if said.reply_to]
        talk, reply = replies[-1 - place % len(replies)]
        answer = self.users[talk.owner].get(f"{talk.chat}/replies/{reply.id}/versions")
        if self.is_there(talk, answer.status_code):
            self.same(answer.json()["items"], [said for said in talk.all if said.reply_to == reply.reply_to])

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
        talk, question = self.talk(place), f"wait {content}"
        user, seen = self.users[talk.owner], Seen(0)
        body = {"message": question}
        self.assistant.held = True
        try:
            with user.client.stream("POST", f"{talk.chat}/message", json=body, headers=STREAM) as answer:
                if not self.is_there(talk, answer.status_code):
                    return
                lines = lines_of(answer)
                while seen.text != half(question):
                    seen.take(next(lines))
                self.assistant.held = False
                stopped = self._stopped(talk, user, seen)
                for line in lines:
                    seen.take(line)
        finally:
            self.assistant.held = False
        assert (seen.text, seen.ending, seen.done) == (half(question), "abort: stopped", True)
        said = Said(stopped["id"], talk.next_seq + 1, "assistant", seen.text, None, talk.next_seq)
        said.status = "stopped"
        asked = Said(self._question(seen)["id"], talk.next_seq, "user", question, None, asked=True)
        self.add(talk, self._question(seen), asked)
        self.add(talk, stopped, said)

    def _stopped(self, talk: Talk, user: User, seen: Seen) -> Json:
        """The reply, after others have seen it, and were told that it is being written."""
        [live] = user.get("/api/chat/live").json()["items"]
        assert (live["conversation_id"], live["reply_id"]) == (talk.id, seen.reply_id)
        follower = Seen(0)
        with user.client.stream("GET", f"{talk.chat}/stream") as answer:
            for line in lines_of(answer):
                follower.take(line)
                if follower.text == seen.text:
                    break
        assert (follower.text, follower.reply_id) == (seen.text, seen.reply_id)
        refused = user.post(f"{talk.chat}/message", {"message": "And now?"})
        assert (refused.status_code, refused.json()["code"]) == (409, "turn_in_progress")
        stopped = user.post(f"{talk.chat}/stop")
        assert stopped.json()["success"] is True
        return dict(stopped.json()["reply"])

    def _streamed(self, user: User, body: Json) -> Seen:
        seen = Seen(0)
        with user.client.stream("POST", "/api/chat", json=body) as answer:
            seen.status = answer.status_code
            for line in lines_of(answer) if answer.is_success else ():
                seen.take(line)
        return seen

    def _question(self, seen: Seen) -> Json:
        """The stored message that a stream has told of. Nothing in a stream is null."""
        return {"client_id": None, "feedback": None, **(seen.question or {})}

    def _asked(self, talk: Talk, turn: Json, content: str, client_id: str | None) -> None:
        question = Said(turn["message"]["id"], talk.next_seq, "user", content, client_id, asked=True)
        self.add(talk, turn["message"], question)
        self._answered(talk, turn["reply"], question)

    def _answered(self, talk: Talk, shown: Json, question: Said) -> None:
        content = question.content
        reply = Said(
            shown["id"], talk.next_seq, "assistant", content, None, question.seq, tokens=len(content)
        )
        # A stream tells no more of a reply than its id; its text was compared.
        self.add(talk, {**reply.shown, **shown}, reply)
