"""Good tokens with something changed: none is let in, and none costs the database a word."""

import random
import string
import time

from app import tokens
from app.main import create_app
from faults.board import Outcome
from faults.ground import Ground
from proxy import proxied
from support import SECRET, served, settings

LEAST = 4
"""Characters that are left when the end is cut off: more than other changes take away."""

CHARACTERS = string.ascii_letters + string.digits + "-_=.+/%~"


def forgeries(ground: Ground, times: int) -> Outcome:
    """Over HTTP, each against the one answer that all of them must get."""
    chance = random.Random(1)
    with ground.database() as database, proxied(database) as proxy:
        given = settings(database, database_url=proxy.text)
        with served(create_app(given), database) as service:
            user = service.user("alice@example.com")
            good = [tokens.issue(user.id, SECRET, 36_000, time.time()) for _ in range(8)]
            client = service.client()
            assert user.get("/api/auth/me").status_code == 200
            reference = client.get("/api/auth/me", headers={"Authorization": "Bearer none"})
            assert reference.status_code == 401
            proxy.forget()
            for _ in range(times):
                forged = _mutated(chance.choice(good), chance)
                answer = client.get("/api/auth/me", headers={"Authorization": f"Bearer {forged}"})
                assert (answer.status_code, answer.content) == (401, reference.content), forged
            said = proxy.round_trips
            assert said == 0, f"the database was asked {said} times"
            assert user.get("/api/auth/me").status_code == 200
            assert proxy.round_trips > 0
    return Outcome(times, times, f"{times} x 401 with one body, {said} words to the database")


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
