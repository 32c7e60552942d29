"""Conversations: made, read, listed, searched, changed, deleted and restored; and another user at that."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from faults.model.world import Said, Talk, World, size, which, who, words
from support import pages


class Talks(World):
    @initialize(begun=st.booleans())
    def begin(self, begun: bool) -> None:
        """Most rules need a conversation. Where none is made early, most steps are about todos."""
        if begun:
            self.start(0, None, "/api/conversations")

    @rule(owner=who, title=st.none() | words, path=st.sampled_from(["/api/conversations", "/api/chat/start"]))
    def start(self, owner: int, title: str | None, path: str) -> None:
        self.step("start")
        body = {"title": title, "client_id": f"c-{self.clock}"}
        made, again = (self.users[owner].post(path, body) for _ in "12")
        assert made.status_code == 201, made.text
        assert again.json() == made.json()
        found = made.json().get("conversation", made.json())
        assert made.json().get("session_id", str(found["id"])) == str(found["id"])
        other = self.users[1 - owner].get(f"/api/chat/c-{self.clock}/history")
        assert other.status_code == 404
        self.talks.append(Talk(found["id"], owner, title, f"c-{self.clock}", self.clock))

    @precondition(lambda self: self.talks)
    @rule(place=which)
    def read(self, place: int) -> None:
        self.step("read")
        self.compare(self.talk(place))

    @precondition(lambda self: self.talks)
    @rule(place=which, title=st.none() | words, pinned=st.booleans(), archived=st.booleans())
    def change(self, place: int, title: str | None, pinned: bool, archived: bool) -> None:
        self.step("change")
        talk = self.talk(place)
        body = {"title": title, "pinned": pinned, "archived": archived}
        answer = self.users[talk.owner].patch(talk.path, body)
        if self.is_there(talk, answer.status_code):
            assert answer.status_code == 200, answer.text
            talk.title, talk.pinned, talk.archived = title or talk.title, pinned, archived

    @precondition(lambda self: self.talks)
    @rule(place=which)
    def delete(self, place: int) -> None:
        self.step("delete")
        talk = self.talk(place)
        assert self.users[talk.owner].delete(talk.path).status_code == (404 if talk.deleted else 204)
        talk.deleted = True

    @precondition(lambda self: self.talks)
    @rule(place=which)
    def restore(self, place: int) -> None:
        self.step("restore")
        talk = self.talk(place)
        assert self.users[talk.owner].post(f"{talk.path}/restore").status_code == 200
        talk.deleted = False
        self.compare(talk)

    @rule(owner=who, limit=size)
    def lists(self, owner: int, limit: int) -> None:
        self.step("list")
        for archived in (False, True):
            query = {"limit": limit, "archived": str(archived).lower()}
            found = pages(self.users[owner], "/api/conversations", **query)
            expected = [
                talk
                for talk in self.talks
                if (talk.owner, talk.archived, talk.deleted) == (owner, archived, False)
            ]
            expected.sort(key=lambda talk: (talk.pinned, talk.activity), reverse=True)
            shown = [(item["id"], item["pinned"]) for item in found]
            assert shown == [(talk.id, talk.pinned) for talk in expected]

    @precondition(lambda self: any(talk.all for talk in self.talks))  # the first message may become a title
    @rule(place=which, other=which, limit=size)
    def search(self, place: int, other: int, limit: int) -> None:
        """For a word that was said just now, or for one that was said at some time."""
        self.step("search")
        begun = [talk for talk in self.talks if talk.all]
        talk, needle = begun[place % len(begun)], f"needle{self.clock}x"
        said = self.users[talk.owner].post(f"{talk.path}/messages", {"content": f"A {needle} of hay"})
        if self.is_there(talk, said.status_code):
            new = Said(said.json()["id"], talk.next_seq, "user", f"A {needle} of hay", None)
            self.add(talk, said.json(), new)
            self.needles[needle] = talk
        self._find([*self.needles, needle][other % (len(self.needles) + 1)], limit)

    def _find(self, word: str, limit: int) -> None:
        """A conversation is found by one of its messages: the assistant repeats words."""
        talk = self.needles.get(word)
        ids = [said.id for said in talk.messages if word in said.content] if talk and not talk.deleted else []
        for number, user in enumerate(self.users):
            hits = list(pages(user, "/api/search", q=word, limit=limit))
            is_found = talk is not None and talk.owner == number and ids != []
            assert [hit["conversation"]["id"] for hit in hits] == ([talk.id] if talk and is_found else [])
            assert {hit["message"]["id"] for hit in hits} <= set(ids)

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words)
    def intrude(self, place: int, content: str) -> None:
        """The other user, at everything."""
        self.step("intrude")
        talk = self.talk(place)
        stranger = self.users[1 - talk.owner]
        for answer in (
            stranger.get(talk.path),
            stranger.get(f"{talk.chat}/history"),
            stranger.post(f"{talk.path}/messages", {"content": content}),
            stranger.post(f"{talk.chat}/message", {"message": content}),
            stranger.patch(talk.path, {"title": content}),
            stranger.post(f"{talk.path}/restore"),
            stranger.delete(talk.path),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")
