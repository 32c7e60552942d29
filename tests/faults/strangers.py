"""Every operation of the document as another user, with every id of the owner's, often enough."""

from app.db.migrations import migrate
from faults.board import Outcome
from faults.ground import Ground
from faults.shares import shared
from isolation.estate import spread_ids
from isolation.intruder import Intruder
from isolation.town import settled

SIZE = 4


def strangers(ground: Ground, times: int) -> Outcome:
    """What is another user's is answered like what does not exist, byte for byte, and stays as it is."""
    done = shared(_intruded, ground, times)
    tried, [operations] = sum(tried for tried, _ in done), {operations for _, operations in done}
    return Outcome(
        tried, tried, f"{operations} operations, 0 uncovered; 0 reads, 0 writes, 0 answers that differ"
    )


def _intruded(ground: Ground, number: int, times: int) -> tuple[int, int]:
    """How often it was tried, so often at the least, and over how many operations."""
    tried, operations, rounds = 0, 0, number
    while tried < times:
        with ground.database("base") as database:
            migrate(database.url)
            spread_ids(database)
            with settled(database, SIZE + rounds % 5) as town:
                owner, intruder = (town.alice, town.bob) if rounds % 2 else (town.bob, town.alice)
                trying = Intruder(town.service, owner, intruder)
                noticed = [*trying.try_all(town.operations), *trying.use_assistant()]
                assert noticed == []
                tried, operations, rounds = tried + trying.tried, len(town.operations), rounds + 1
    return tried, operations
