"""Lists are read page by page while others write: nothing is missing, nothing comes twice, order holds."""

import random
from collections.abc import Iterator
from typing import Any

from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from faults.shares import shared
from support import Postgres, Service, User, empty, served, settings

Json = dict[str, Any]

LIMITS = (1, 2, 7, 100)
CONVERSATIONS = 23
MESSAGES = 23
"""No multiple of any of the limits."""

TOGETHER = 60
"""Users whose rows are beside each other: some for each kind of walk with each size of a page."""

_WALKERS = f"""
    WITH walker AS (
        INSERT INTO "user" (issuer, subject)
        SELECT 'walks', gen_random_uuid()::text FROM generate_series(1, {TOGETHER}) RETURNING id
    ), made AS (
        INSERT INTO conversation (user_id, title, updated_at, next_seq)
        SELECT id, 'Talk ' || n, date '2026-01-01' + n % 3, CASE n WHEN 1 THEN {MESSAGES} ELSE 2 END + 1
        FROM walker, generate_series(1, {CONVERSATIONS}) n ORDER BY id, n
        RETURNING id, user_id, next_seq
    ), said AS (
        INSERT INTO message (user_id, conversation_id, seq, role, content, created_at)
        SELECT user_id, id, seq, 'user', md5(id::text || seq), date '2026-01-01'
        FROM made, generate_series(1, next_seq - 1) seq
    )
    SELECT id FROM walker
"""
"""Conversations of three moments and messages of one. The first conversation has most of them."""


def walks(ground: Ground, times: int) -> Outcome:
    """Each kind of walk in turn, with each size of a page."""
    done = shared(_walked, ground, times)
    number, pages, meddled = (sum(counts) for counts in zip(*done, strict=True))
    return Outcome(
        number, meddled, f"{number} walks of {pages} pages, {meddled} writes in between: 0 missing, 0 twice"
    )


def _walked(ground: Ground, number: int, times: int) -> tuple[int, int, int]:
    """How many walks, of how many pages, with how many writes in between."""
    chance, pages, meddled = random.Random(number), 0, 0
    with (
        ground.database() as database,
        database.connected() as connected,
        served(create_app(settings(database)), connected) as service,
    ):
        for walked, user in zip(range(times), _walkers(service), strict=False):
            limit = LIMITS[walked // 3 % len(LIMITS)]
            walk = Walk(user, connected, limit, chance)
            (walk.through_the_list, walk.back, walk.forward)[walked % 3]()
            pages, meddled = pages + walk.pages, meddled + walk.meddled
    return times, pages, meddled


def _walkers(service: Service) -> Iterator[User]:
    """Users with conversations and messages, without end; those that have walked are forgotten."""
    while True:
        service.hang_up()
        empty(service.postgres)
        new = service.postgres.rows(_WALKERS)
        service.postgres.rows('ANALYZE "user", conversation, message')
        yield from (service.user_of(user_id) for (user_id,) in new)


class Walk:
    """One user goes through a list."""

    def __init__(self, user: User, postgres: Postgres, limit: int, chance: random.Random) -> None:
        self._user = user
        self._postgres = postgres
        self._limit = limit
        self._chance = chance
        self.pages = 0
        self.meddled = 0

    def through_the_list(self) -> None:
        """The conversations; between pages one is made, one deleted, one that was seen is written in."""
        sql = "SELECT id FROM conversation WHERE user_id = %s ORDER BY pinned DESC, updated_at DESC, id DESC"
        expected = [row[0] for row in self._postgres.rows(sql, self._user.id)]
        seen: list[int] = []
        deleted: set[int] = set()
        cursor: Json | None = {}
        while cursor is not None:
            seen_now, cursor = self._page("/api/conversations", cursor, "next_cursor", "cursor")
            seen += [item["id"] for item in seen_now]
            self._user.conversation()
            self._user.say(self._chance.choice([one for one in seen if one not in deleted]), "more")
            gone = self._chance.choice([one for one in expected if one not in deleted])
            if len(deleted) < CONVERSATIONS // 2 and gone not in seen[-1:]:
                self._user.delete(f"/api/conversations/{gone}").raise_for_status()
                deleted.add(gone)
                self.meddled += 1
            self.meddled += 2
        assert len(seen) == len(set(seen)), "one came twice"
        assert [one for one in seen if one not in deleted] == [one for one in expected if one not in deleted]

    def back(self) -> None:
        """A history from its end; meanwhile it goes on, which is nothing to who reads what was before."""
        conversation = self._conversation()
        found, cursor = self._page(f"/api/chat/{conversation}/history", {}, "next_cursor", "before")
        while cursor is not None:
            self._say(conversation)
            path = f"/api/chat/{conversation}/history"
            earlier, cursor = self._page(path, cursor, "next_cursor", "before")
            found = earlier + found
        assert [item["seq"] for item in found] == list(range(1, MESSAGES + 1))

    def forward(self) -> None:
        """The messages from the first; whoever reads to the end reads also what was said meanwhile."""
        conversation, found, added = self._conversation(), [], 0
        cursor: Json | None = {}
        while cursor is not None:
            path = f"/api/conversations/{conversation}/messages"
            items, cursor = self._page(path, cursor, "next_cursor", "cursor")
            found += items
            if cursor is not None and added < MESSAGES:
                self._say(conversation)
                added += 1
        assert [item["seq"] for item in found] == list(range(1, MESSAGES + added + 1))

    def _conversation(self) -> int:
        sql = "SELECT min(id) FROM conversation WHERE user_id = %s"
        return int(self._postgres.value(sql, self._user.id))

    def _say(self, conversation: int) -> None:
        self._user.say(conversation, "more")
        self.meddled += 1

    def _page(self, path: str, place: Json, told: str, asked: str) -> tuple[list[Json], Json | None]:
        """The items of a page, and what asks for the next one; None if there is none."""
        answer = self._user.get(path, params={"limit": self._limit, **place})
        assert answer.status_code == 200, answer.text
        self.pages += 1
        cursor = answer.json()[told]
        return answer.json()["items"], None if cursor is None else {asked: cursor}
