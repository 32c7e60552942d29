"""Every operation of the document as another user, with every id of the owner's, often enough."""

from collections import Counter

from app.db.migrations import migrate
from faults.board import Outcome
from faults.ground import Ground
from faults.shares import shared
from isolation.estate import spread_ids
from isolation.intruder import Intruder
from isolation.pace import Paces
from isolation.town import settled

SIZE = 4


def strangers(ground: Ground, times: int) -> Outcome:
    """What is another user's is answered like what does not exist, byte for byte and in the same time, and
    stays as it is."""
    shares = shared(_intruded, ground, times)
    [operations] = {operations for _, _, operations in shares}
    done = sum((counted for counted, _, _ in shares), Counter[str]())
    paces = Paces()
    for _, noticed, _ in shares:
        paces.add(noticed)
    compared = paces.said()
    return Outcome(
        done["tried"],
        done["crossed"],
        f"{done['crossed']} requests with an id or a cursor of another user's over {operations} operations, "
        f"0 uncovered; {done['ended']} with a token that has ended, the owner's or an erased account's; "
        f"0 reads, 0 writes, 0 answers that differ" + (compared and f"; {compared}"),
    )


def _intruded(ground: Ground, number: int, times: int) -> tuple[Counter[str], Paces, int]:
    """How many requests were made, how many of another user's things, so many at the least, how many with
    a token that has ended; how long refusals took; and by how many operations."""
    done, paces, operations, rounds = Counter[str](), Paces(), 0, number
    while done["crossed"] < times:
        with ground.database("base") as database:
            migrate(database.url)
            spread_ids(database)
            with database.connected() as connected, settled(connected, SIZE + rounds % 5) as town:
                owner, intruder = (town.alice, town.bob) if rounds % 2 else (town.bob, town.alice)
                trying = Intruder(town.service, owner, intruder)
                noticed = [*trying.try_all(town.operations), *trying.use_assistant()]
                assert noticed == [], f"{len(noticed)} noticed: {noticed[0]}"
                paces.add(trying.paces)
                done.update(tried=trying.tried, crossed=trying.crossed, ended=trying.ended)
                operations, rounds = len(town.operations), rounds + 1
    return done, paces, operations
