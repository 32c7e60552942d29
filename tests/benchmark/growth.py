"""What a request costs as a conversation and an account grow."""

from app.api.pages import Cursor
from benchmark.contestants import Contestant, service_ask
from benchmark.load import Ask
from benchmark.measure import measured
from benchmark.targets import CONTENT, Target, rows, token_of

LENGTHS = (10, 100, 1_000, 10_000, 100_000)
OWNER = 2
"""The user of the conversations that are made for this: each a multiple of the one before."""

_MAKE = """
WITH made AS (
    INSERT INTO conversation (user_id, client_id, title, next_seq)
    VALUES (%(user)s, %(key)s, 'Growth', %(length)s + 1) RETURNING id, user_id
)
INSERT INTO message (conversation_id, user_id, seq, role, content)
SELECT id, user_id, seq, CASE WHEN seq %% 2 = 1 THEN 'user' ELSE 'assistant' END, repeat(%(content)s, 5)
FROM made, generate_series(1, %(length)s) seq
"""
_FIND = "SELECT id FROM conversation WHERE user_id = %(user)s AND client_id = %(key)s"


def conversation_of(url: str, length: int) -> Target:
    """A conversation with so many messages that are all alike. Made if it is not there, and not analyzed."""
    given = {"user": OWNER, "key": f"growth-{length}", "length": length, "content": CONTENT}
    if not rows(url, _FIND, given):
        rows(url, _MAKE, given)
    [(found,)] = rows(url, _FIND, given)
    return Target(found, OWNER, token_of(OWNER))


def account_of(url: str, conversations: int) -> tuple[int, Target]:
    """The user whose number of conversations is nearest, and that number."""
    [(user, count)] = rows(
        url,
        "SELECT user_id, count(*) FROM conversation WHERE user_id <> %s GROUP BY user_id"
        " ORDER BY abs(count(*) - %s) LIMIT 1",
        (OWNER, conversations),
    )
    return count, Target(0, user, token_of(user))


def _operations(target: Target, length: int) -> dict[str, Ask]:
    before = Cursor("history", OWNER, target.conversation).write(length // 2)
    page = service_ask("history", target).path
    return {
        "first page": Ask(page, target.token),
        "later page": Ask(f"{page}&before={before}", target.token),
        "append": service_ask("append", target),
    }


Growth = dict[str, dict[str, dict[str, float]]]
"""The figures of each operation at each size."""


def measured_growth(url: str, service: Contestant, server: int, rounds: int, seconds: float) -> Growth:
    """One client asks; the sizes take turns."""
    asks = {length: _operations(conversation_of(url, length), length) for length in LENGTHS}
    accounts = dict(account_of(url, count) for count in (10, 90, 1_000, 10_000))
    found = {}
    for operation in ("first page", "later page", "append"):
        sized = {str(length): asks[length][operation] for length in LENGTHS}
        found[operation] = _sizes(service, server, sized, rounds, seconds)
    lists = {str(count): service_ask("list", target) for count, target in accounts.items()}
    found["list"] = _sizes(service, server, lists, rounds, seconds)
    return found


def _sizes(
    service: Contestant, server: int, asks: dict[str, Ask], rounds: int, seconds: float
) -> dict[str, dict[str, float]]:
    def always(size: str, ask: Ask) -> Contestant:
        return Contestant(size, service.pid, service.address, lambda *_: ask)

    nobody = [Target(0, 0, "")]
    return measured(
        [always(size, ask) for size, ask in asks.items()],
        "growth",
        nobody,
        server,
        rounds=rounds,
        seconds=seconds,
        clients=1,
        progress=lambda _: None,
    )


def cost(figures: dict[str, float]) -> float:
    """CPU of the service and of Postgres, in µs."""
    return figures["cpu_us"] + figures["postgres_cpu_us"]
