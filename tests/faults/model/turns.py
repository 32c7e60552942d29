"""Turns: asked, as an application or as the AI SDK, asked again, edited, answered anew."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from faults.chat import Seen
from faults.model.wire import lines_of
from faults.model.world import Json, Said, Talk, World, key, which, words
from support import User


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
        turn = {"message": self.question(seen), "reply": {"id": seen.reply_id}}
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

    def _streamed(self, user: User, body: Json) -> Seen:
        seen = Seen(0)
        with user.client.stream("POST", "/api/chat", json=body) as answer:
            seen.status = answer.status_code
            for line in lines_of(answer) if answer.is_success else ():
                seen.take(line)
        return seen

    def question(self, seen: Seen) -> Json:
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
