"""Every operation of the document as another user, with every id of the owner's, often enough."""

from app.db.migrations import migrate
from faults.board import Outcome
from faults.ground import Ground
from isolation.estate import spread_ids
from isolation.intruder import Intruder
from isolation.town import settled

SIZE = 4


def strangers(ground: Ground, times: int) -> Outcome:
    """What is another user's is answered like what does not exist, byte for byte, and stays as it is."""
    tried, operations, rounds = 0, 0, 0
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
    return Outcome(
        tried, tried, f"{operations} operations, 0 uncovered; 0 reads, 0 writes, 0 answers that differ"
    )
