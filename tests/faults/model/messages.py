"""Messages: appended, read page by page in either direction and around one of them, rated, counted."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from faults.model.world import Json, Said, Talk, World, key, size, which, words
from support import User, pages


class Messages(World):
    @precondition(lambda self: self.talks)
    @rule(place=which, content=words, client_id=key, role=st.sampled_from(["user", "assistant"]))
    def append(self, place: int, content: str, client_id: str | None, role: str) -> None:
        self.step("append")
        talk = self.talk(place)
        body = {"content": content, "client_id": client_id, "role": role}
        answer = self.users[talk.owner].post(f"{talk.path}/messages", body)
        if not self.is_there(talk, answer.status_code):
            return
        known = talk.known(client_id)
        if known is None:
            assert answer.status_code == 201, answer.text
            last = talk.all[-1] if talk.all else None
            answers = role == "assistant" and last is not None and last.role == "user" and not last.replaced
            reply_to = last.seq if last is not None and answers else None
            said = Said(answer.json()["id"], talk.next_seq, role, content, client_id, reply_to)
            self.add(talk, answer.json(), said)
        elif (known.role, known.content, known.asked) == (role, content, False):
            assert (answer.status_code, answer.json()["id"]) == (201, known.id)
        else:
            assert (answer.status_code, answer.json()["code"]) == (422, "client_id_reused")

    @precondition(lambda self: any(talk.all for talk in self.talks))
    @rule(place=which, other=which, limit=size)
    def turn_pages(self, place: int, other: int, limit: int) -> None:
        """From the first one on, from the last one back, and from one in the middle in both directions."""
        self.step("turn pages")
        begun = [talk for talk in self.talks if talk.all]
        talk = begun[place % len(begun)]
        user = self.users[talk.owner]
        if talk.deleted:
            for path in (f"{talk.path}/messages", f"{talk.chat}/history"):
                assert user.get(path).status_code == 404
            return
        self.same(list(pages(user, f"{talk.path}/messages", limit=limit)), talk.messages)
        self.same(self._history(user, talk, limit, {}), talk.messages)
        if talk.messages:
            around = talk.messages[other % len(talk.messages)]
            self.same(self._history(user, talk, limit, {"around": around.id}), talk.messages)
        named = user.get(f"{talk.chat}/history", params={"limit": limit, "format": "ui"}).json()["items"]
        assert [message["metadata"]["seq"] for message in named] == [
            said.seq for said in talk.messages[-limit:]
        ]

    def _history(self, user: User, talk: Talk, limit: int, place: Json) -> list[Json]:
        """From a place to both ends."""

        def page(where: Json) -> Json:
            answer = user.get(f"{talk.chat}/history", params={"limit": limit, **where})
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        first = page(place)
        found, older, newer = first["items"], first["next_cursor"], first["newer_cursor"]
        while older is not None:
            earlier = page({"before": older})
            found, older = earlier["items"] + found, earlier["next_cursor"]
        while newer is not None:
            later = page({"after": newer})
            found, newer = found + later["items"], later["newer_cursor"]
        return list(found)

    @precondition(lambda self: any(talk.reply for talk in self.talks))
    @rule(place=which, value=st.sampled_from(["up", "down", None]))
    def rate(self, place: int, value: str | None) -> None:
        self.step("rate")
        answered = [(talk, talk.reply) for talk in self.talks if talk.reply]
        talk, reply = answered[place % len(answered)]
        path = f"{talk.path}/messages/{reply.id}/feedback"
        answer = self.users[talk.owner].client.put(path, json={"value": value})
        if self.is_there(talk, answer.status_code):
            assert answer.status_code == 204
            reply.feedback = value

    @precondition(lambda self: self.talks)
    @rule(place=which)
    def count(self, place: int) -> None:
        """The tokens of all replies, also of those that were replaced."""
        self.step("count tokens")
        talk = self.talk(place)
        answer = self.users[talk.owner].get(f"{talk.path}/usage")
        if self.is_there(talk, answer.status_code):
            tokens = sum(said.tokens for said in talk.all)
            assert answer.json() == {"input_tokens": tokens, "output_tokens": tokens}
