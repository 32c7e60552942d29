"""Bad tokens, made by hand and by chance: none is let in, and none costs the database a word."""

import random
import string
import time
from unittest.mock import patch

import httpx

from app import tokens
from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from proxy import proxied
from support import SECRET, served, settings
from tokens.hostile import LEEWAY
from tokens.issuer import NOW
from tokens.own import own_table

ME = "/api/auth/me"

CLASSES = 60
"""So many ways to make a bad token by hand are asked for."""

LEAST = 4
"""Characters that are left when the end is cut off: more than other changes take away."""

CHARACTERS = string.ascii_letters + string.digits + "-_=.+/%~"


def forgeries(ground: Ground, times: int) -> Outcome:
    """Over HTTP, each against the one answer that all of them must get."""
    chance = random.Random(1)
    with ground.database() as database, proxied(database) as proxy:
        given = settings(database, database_url=proxy.text, jwt_leeway=LEEWAY)
        with served(create_app(given), database) as service:
            user, client = service.user("alice@example.com"), service.client()
            good = [tokens.issue(user.id, SECRET, 36_000, time.time()) for _ in range(8)]
            classes = own_table(user.id, SECRET)
            assert len(classes) > CLASSES
            verifier = service.app.state.services.verifier
            assert user.get(ME).status_code == 200
            refused = _shown(client, "none")
            assert refused[0] == 401
            proxy.forget()
            with patch.object(verifier, "_clock", lambda: NOW):
                for name, forged, _, _ in classes:
                    assert _shown(client, forged) == refused, name
            for _ in range(times):
                forged = _mutated(chance.choice(good), chance)
                assert _shown(client, forged) == refused, forged
            said = proxy.round_trips
            assert said == 0, f"the database was asked {said} times"
            twins = {name: twin for name, _, twin, is_good in classes if is_good}
            with patch.object(verifier, "_clock", lambda: NOW):
                assert [name for name, twin in twins.items() if _shown(client, twin)[0] != 200] == []
            assert proxy.round_trips > 0
    tried = len(classes) + times
    return Outcome(
        tried,
        tried,
        f"{len(classes)} made by hand and {times} by chance: {tried} x 401 with one body, {said} words to "
        f"the database; {len(twins)} that lack only what is bad about one made by hand: 200",
    )


def _shown(client: httpx.Client, token: str) -> tuple[int, bytes]:
    """What it is answered with."""
    answer = client.get(ME, headers={b"Authorization": f"Bearer {token}".rstrip().encode()})
    return answer.status_code, answer.content


def _mutated(token: str, chance: random.Random) -> str:
    """One to three characters changed, cut out, put in or exchanged; or the end cut off."""
    forged = token
    while forged == token:
        for _ in range(chance.choice((1, 1, 2, 3))):
            at, other = sorted(chance.randrange(len(forged)) for _ in range(2))
            match chance.randrange(5):
                case 0:
                    forged = forged[:at] + chance.choice(CHARACTERS) + forged[at + 1 :]
                case 1:
                    forged = forged[:at] + forged[at + 1 :]
                case 2:
                    forged = forged[:at] + chance.choice(CHARACTERS) + forged[at:]
                case 3 if at < other:
                    middle = forged[at + 1 : other]
                    forged = forged[:at] + forged[other] + middle + forged[at] + forged[other + 1 :]
                case _:
                    forged = forged[: max(LEAST, other)]
    return forged
