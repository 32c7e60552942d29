"""What no operation lets a user ask: repositories straight, in one user's name with another one's ids."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from app.db.database import Database
from app.db.identity import Identity
from app.errors import ConversationNotFound
from app.models.audit import Visit
from app.repositories import export
from app.repositories.conversations import ConversationRepository
from app.repositories.deletion import DeletionRepository
from app.repositories.erasure import ErasureRepository
from app.repositories.search import SearchRepository
from app.repositories.turns import TurnRepository
from app.repositories.users import UserRepository
from app.words import Words

from .estate import ATTEMPT, KEY, rows_of
from .town import Town

ISSUER = "https://issuer.example"
_SAID = "SELECT content, client_id FROM message WHERE id = %s"


class Insider:
    """A process that was led astray. It works for Bob and has Alice's ids; Carol may go."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def write_replies(self) -> list[str]:
        """A writer and a follower find nothing where another user's reply is."""
        return self._noticed(self._write_replies)

    def mix_up_accounts(self) -> list[str]:
        """What signing in and deleting an account do to the accounts of others."""
        return self._noticed(self._mix_up_accounts)

    def _noticed(self, attempt: Callable[[Database], Awaitable[list[str]]]) -> list[str]:
        postgres, alice = self._town.service.postgres, self._town.alice
        before = rows_of(postgres, alice.user.id)

        async def made() -> list[str]:
            database = Database(postgres.url)
            noticed = await attempt(database)
            await database.close()
            return noticed

        noticed = asyncio.run(made())
        return (
            noticed
            if rows_of(postgres, alice.user.id) == before
            else [*noticed, "another's rows are changed"]
        )

    async def _write_replies(self, database: Database) -> list[str]:
        replies = TurnRepository(database, self._town.bob.user.id)
        conversations = ConversationRepository(database, self._town.bob.user.id)
        found: list[object] = []
        for message in self._town.alice.rows["message"]:
            assert message.conversation is not None
            place = (message.conversation.id, message.id)
            with suppress(ConversationNotFound):
                found.append(await replies.get(*place))
            found.append(await replies.follow(*place, have=0))
            found.append(await replies.opened(place[0], ATTEMPT))
            said = self._town.service.postgres.rows(_SAID, message.id)
            with suppress(ConversationNotFound):
                found.append(await replies.asked(place[0], *said[0]))
            with suppress(ConversationNotFound):
                found.append(await replies.regenerated(place[0], KEY))
            found.append(await replies.flush(*place, have=0, text="mine", parts=None))
            found.append(
                await replies.end(
                    *place,
                    text="mine",
                    parts=None,
                    status="stopped",
                    model="mine",
                    finish_reason=None,
                    usage=None,
                    timings=None,
                )
            )
            found.append(await conversations.entitle(place[0], "mine") or None)
        deletion = DeletionRepository(database, self._town.bob.user.id)
        for purge in (deletion.purge_deleted, deletion.purge_inactive):
            counted = await purge(timedelta(0), dry_run=True)
            found.append(None if await purge(timedelta(0)) == counted else "more is counted than one's own")
        found.append(await self._export(database))
        search = SearchRepository(database, self._town.bob.user.id)
        looked, _ = await search.look_through(Words.of(self._town.alice.name), 20)
        found.append(looked or None)
        return [f"another's reply or title can be had: {each!r}" for each in found if each is not None]

    async def _export(self, database: Database) -> object:
        """The first of another one's messages between one's own."""
        others = {message.id for message in self._town.alice.rows["message"]}
        async with database.snapshot(Identity(user_id=self._town.bob.user.id)) as query:
            rows = await query(export.MESSAGES, {"first": 1, "last": 2**62, "after": 0})
        return next((row for row in rows if json.loads(bytes(row[-1]))["id"] in others), None)

    async def _mix_up_accounts(self, database: Database) -> list[str]:
        users, bob = UserRepository(database), self._town.bob
        noticed = []
        if json.loads(await users.get(bob.user.id))["id"] != bob.user.id:
            noticed.append("another's account is shown")
        signed_in = await users.credentials(bob.email)
        if signed_in is None or signed_in[0] != bob.user.id:
            noticed.append("another's password signs in")
        if (await users.account(bob.user.id)).user_id != bob.user.id:
            noticed.append("another's password confirms")
        if await users.credentials("nobody@example.com") is not None:
            noticed.append("nobody's address signs in")
        visitors = ((ISSUER, "dave"), (ISSUER, "erin"), (f"{ISSUER}/other", "dave"))
        if len({await users.admit(*visitor, issued_at=math.inf) for visitor in visitors}) < len(visitors):
            noticed.append("an issuer's user is taken for another one")
        await self._erase_accounts(database, noticed)
        return noticed

    async def _erase_accounts(self, database: Database, noticed: list[str]) -> None:
        erasures, carol = ErasureRepository(database), self._town.carol
        counted = json.loads(await erasures.erase(carol.user.id, Visit()))
        if rows_of(self._town.service.postgres, carol.user.id)["user"]:
            noticed.append("an account stays")
        if counted["conversation"] != len(carol.rows["conversation"]):
            noticed.append("what is another's is counted")
