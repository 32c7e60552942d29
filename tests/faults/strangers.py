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
    tried, crossed = sum(tried for tried, _, _ in done), sum(crossed for _, crossed, _ in done)
    [operations] = {operations for _, _, operations in done}
    return Outcome(
        tried,
        crossed,
        f"{crossed} requests with an id or a cursor of another user's over {operations} operations, "
        f"0 uncovered; 0 reads, 0 writes, 0 answers that differ",
    )


def _intruded(ground: Ground, number: int, times: int) -> tuple[int, int, int]:
    """How many requests were made, how many of another user's things, so many at the least, by how many
    operations."""
    tried, crossed, operations, rounds = 0, 0, 0, number
    while crossed < times:
        with ground.database("base") as database:
            migrate(database.url)
            spread_ids(database)
            with settled(database, SIZE + rounds % 5) as town:
                owner, intruder = (town.alice, town.bob) if rounds % 2 else (town.bob, town.alice)
                trying = Intruder(town.service, owner, intruder)
                noticed = [*trying.try_all(town.operations), *trying.use_assistant()]
                assert noticed == []
                tried, crossed = tried + trying.tried, crossed + trying.crossed
                operations, rounds = len(town.operations), rounds + 1
    return tried, crossed, operations
