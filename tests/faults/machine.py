"""The whole API against a model of it: two users, and whatever Hypothesis thinks of, in any order."""

import json
from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, seed, settings as bounds
from hypothesis.stateful import run_state_machine_as_test
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.main import create_app
from faults.board import Outcome
from faults.covered import Covered
from faults.ground import Ground
from faults.model.accounts import Accounts
from faults.model.hardships import Hardships
from faults.model.host import Host, Unsettled
from faults.model.messages import Messages
from faults.model.patient import Patient
from faults.model.streams import Streams
from faults.model.talks import Talks
from faults.model.todos import Todos
from faults.model.world import Newcomer
from faults.shares import AT_ONCE, shared
from openapi.committed import current
from openapi.document import Document
from proxy import proxied
from support import Postgres, settings

STEPS = 30
"""In a row, before everything is compared and it begins anew."""

ENOUGH = 3_000
"""Steps among which is each kind; with fewer, a rare one may not come."""

LEFT_OUT = {
    "healthz": "it is about no user",
    "readyz": "it is about no user",
    "metrics": "it is about no user",
}
"""Operations that no rule uses, and why."""

ALIKE = {
    "delete while it streams",
    "edit",
    "intrude",
    "leave a stream",
    "read",
    "restart",
    "stop",
    "stop nothing",
    "turn pages",
    "use an expired token",
}
"""Steps that the operations used do not tell of: others use the same ones, or they use none with success."""

PASSWORD = "correct horse battery"
CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
"""What takes no time: passwords are to be changed as often as anything else."""


class Model(Talks, Messages, Streams, Todos, Accounts, Hardships):
    """Each rule does something as a user, and says what must come of it."""

    def teardown(self) -> None:
        """Everything, once more."""
        self.compare_all()
        self.host.check_rows()
        self.proxy.forget()  # else all that was said through it would be kept


def document() -> Document:
    """What this build says that it can do."""
    return Document(json.loads(current()))


def api(ground: Ground, times: int) -> Outcome:
    """So many steps at the least. Each process draws others."""
    try:
        shares = shared(_stepped, ground, times)
    except Unsettled as left:
        raise AssertionError(str(left)) from left
    done = sum((done for done, _ in shares), Counter[str]())
    covered = sum((covered for _, covered in shares), Counter[str]())
    operations = {one.name for one in document().operations}
    missing = operations - covered.keys()
    if times >= ENOUGH:
        for name in missing ^ LEFT_OUT.keys():
            raise AssertionError(
                f"no step uses {name}" if name in missing else f"{name} is left out for no reason"
            )
        for kind in ALIKE - done.keys():
            raise AssertionError(f"no step is: {kind}")
    kinds = ", ".join(f"{count} x {name}" for name, count in sorted(done.items()))
    cut = done["connections cut"]
    return Outcome(
        done.total() - cut,
        cut,
        f"0 differences from the model in {kinds}; {len(covered)} of {len(operations)} operations used, "
        f"all but {', '.join(sorted(missing))}",
    )


def _stepped(ground: Ground, number: int, times: int) -> tuple[Counter[str], Counter[str]]:
    """How often each step was taken, and each operation used with success."""
    done: Counter[str] = Counter()
    covered = Covered(document())
    tried, assistant = 0, Patient()
    with (
        patch("app.passwords._HASHES", CHEAP),
        ground.database() as database,
        proxied(database) as proxy,
    ):
        given = settings(database, database_url=proxy.text)
        host = Host(lambda: create_app(given, assistant), database, covered)
        with host.run():
            given_to_all = {
                "host": host,
                "proxy": proxy,
                "assistant": assistant,
                "newcomers": _newcomers(database),
                "done": done,
            }
            while tried < times:
                whole = type("Whole", (Model,), given_to_all)
                run_state_machine_as_test(
                    seed(tried * AT_ONCE + number)(whole),
                    settings=bounds(
                        max_examples=max(1, (times - tried) // STEPS),
                        stateful_step_count=STEPS,
                        deadline=None,
                        database=None,
                        print_blob=False,
                        phases=[Phase.generate],
                        suppress_health_check=list(HealthCheck),
                    ),
                )
                tried = done.total() - done["connections cut"]
    return done, +covered.counted


def _newcomers(postgres: Postgres) -> Iterator[Newcomer]:
    """New accounts without end."""
    stored = CHEAP.hash(PASSWORD)
    sql = (
        "INSERT INTO \"user\" (email, password_hash) SELECT gen_random_uuid() || '@example.com', %s"
        " FROM generate_series(1, 100) RETURNING id, email"
    )
    while True:
        yield from (Newcomer(user_id, email, PASSWORD) for user_id, email in postgres.rows(sql, stored))
