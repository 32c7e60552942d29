"""What befalls users: a service that is restarted, a token that has expired."""

import time

from hypothesis.stateful import invariant, precondition, rule

from app import tokens
from faults.model.world import World, which, words
from support import SECRET

HOUR = 3_600
RESTART_EVERY = 10
"""Only after each so many steps may there be a restart: it takes as long as dozens of them."""

LOOK_EVERY = 5
"""Steps after which the rows are looked at, too."""


class Hardships(World):
    @precondition(lambda self: self.talks and self.clock % RESTART_EVERY == 0)
    @rule()
    def restart(self) -> None:
        """Another application takes over, on the same database; tokens go on."""
        self.step("restart")
        self.host.restart()
        self.compare_all()

    @precondition(lambda self: self.talks)
    @rule(place=which, content=words)
    def come_too_late(self, place: int, content: str) -> None:
        """An hour after the token has expired: nothing is shown, nothing changes."""
        self.step("use an expired token")
        talk = self.talk(place)
        expired = tokens.issue(self.users[talk.owner].id, SECRET, HOUR, time.time() - 2 * HOUR)
        client = self.host.client(expired)
        for answer in (
            client.get(talk.path),
            client.post(f"{talk.path}/messages", json={"content": content}),
            client.post(f"{talk.chat}/message", json={"message": content}),
            client.patch(talk.path, json={"title": content}),
            client.delete(talk.path),
        ):
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        self.compare(talk)

    @invariant()
    def nothing_goes_on(self) -> None:
        """Between steps, no connection to the database is in use, and no reply is being written."""
        self.host.settle()
        if self.clock % LOOK_EVERY == 0:
            self.host.check_rows()
