"""Accounts: exported, signed out and in, with another password, and ended; and who comes afterwards."""

from dataclasses import replace
from typing import Any

from hypothesis.stateful import precondition, rule

from faults.model.world import Json, Newcomer, World, who
from privacy.test_export import exported
from support import User


class Accounts(World):
    @precondition(lambda self: self.talks)
    @rule(owner=who)
    def export(self, owner: int) -> None:
        """Everything of a user, also what was deleted or replaced, and nothing else."""
        self.step("export")
        lines: dict[str, list[Json]] = {}
        for line in exported(self.users[owner]):
            lines.setdefault(line["type"], []).append(line)
        assert [line["email"] for line in lines["user"]] == [self.accounts[owner].email]
        talks = [talk for talk in self.talks if talk.owner == owner]
        assert [
            (line["id"], line["client_id"], line["pinned"], line["archived"], line["deleted_at"] is not None)
            for line in lines.get("conversation", [])
        ] == [(talk.id, talk.client_id, talk.pinned, talk.archived, talk.deleted) for talk in talks]
        assert [(line["id"], line["title"], line["completed"]) for line in lines.get("todo", [])] == [
            (number, todo.title, todo.completed) for number, todo in self.todos.items() if todo.owner == owner
        ]
        said = [
            {**one.shown, "conversation_id": talk.id, "reply_to": one.reply_to, "replaced": one.replaced}
            for talk in talks
            for one in talk.all
        ]
        messages = lines.get("message", [])
        assert [{name: line[name] for name in one} for line, one in zip(messages, said, strict=True)] == said

    @precondition(lambda self: self.talks)
    @rule(owner=who)
    def sign_out(self, owner: int) -> None:
        self.step("sign out and in")
        old, account = self.users[owner], self.accounts[owner]
        assert old.post("/api/auth/sign-out").status_code == 204
        form = {"username": account.email, "password": account.password}
        self._go_on(owner, self._visit("/api/auth/token", data=form))
        self._has_ended(old)

    @precondition(lambda self: self.talks)
    @rule(owner=who)
    def change_password(self, owner: int) -> None:
        self.step("change the password")
        old, account = self.users[owner], self.accounts[owner]
        new = replace(account, password=f"correct horse {self.clock}")
        body = {"current_password": account.password, "new_password": new.password}
        answer = old.post("/api/auth/password", body)
        assert answer.status_code == 200, answer.text
        self.accounts[owner] = new
        self._go_on(owner, answer.json()["access_token"])
        self._has_ended(old)

    @precondition(lambda self: self.talks)
    @rule(owner=who)
    def leave(self, owner: int) -> None:
        """The account ends; who registers with the same address afterwards has nothing."""
        self.step("leave and register")
        old, account = self.users[owner], self.accounts[owner]
        talks = [talk for talk in self.talks if talk.owner == owner]
        todos = [number for number, todo in self.todos.items() if todo.owner == owner]
        gone = old.client.request("DELETE", "/api/auth/me", json={"confirmation": account.password})
        counted = {"conversation": len(talks), "message": sum(len(talk.all) for talk in talks)}
        assert gone.json() == {"user": 1, "todo": len(todos), **counted}
        self._has_ended(old)
        token = self._visit("/api/auth/register", json={"email": account.email, "password": account.password})
        self._go_on(owner, token)
        assert self.users[owner].id != account.id
        self.accounts[owner] = Newcomer(self.users[owner].id, account.email, account.password)
        for talk in talks:
            assert self.users[owner].get(talk.path).status_code == 404
            self.talks.remove(talk)
        for number in todos:
            del self.todos[number]
        self.needles = {word: talk for word, talk in self.needles.items() if talk.owner != owner}

    def _visit(self, path: str, **body: Any) -> str:
        """The token that somebody without one is given."""
        answer = self.host.client().post(path, **body)
        assert answer.is_success, answer.text
        return str(answer.json()["access_token"])

    def _go_on(self, owner: int, token: str) -> None:
        """With a new token."""
        user = self.signed_in(0, token)
        me = user.get("/api/auth/me").json()
        assert me["email"] == self.accounts[owner].email
        self.users[owner] = User(me["id"], token, user.client)

    def _has_ended(self, user: User) -> None:
        refused = user.get("/api/auth/me")
        assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
