"""Postgres has no slot left for another connection: whoever needs one is told so, until there is one."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg2

from app.db import url as urls
from faults.board import Outcome
from faults.ground import Ground, OwnServer
from faults.stages import expect_503, staged
from support import until

_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def full_servers(ground: Ground, times: int) -> Outcome:
    """Others take every slot, also those that are reserved, once our connections have ended."""
    refused, taken = 0, 0
    with ground.own_server() as server, staged(server.postgres) as stage:
        for number in range(times):
            assert stage.user.get("/api/conversations").status_code == 200
            stage.proxy.cut("reset" if number % 2 else "closed")
            with _no_slot_left(server) as others:
                for request in stage.requests():
                    expect_503(stage.user.client.send(request))
                    refused += 1
                assert stage.user.get("/healthz").status_code == 200
            taken = max(taken, others)
            for request in stage.requests():
                answer = stage.user.client.send(request)
                assert answer.is_success, f"it does not come back: {answer.text}"
    return Outcome(
        2 * refused,
        refused,
        f"{refused} answers 503 with Retry-After while others had all {taken} slots, /healthz 200; "
        f"{refused} requests answered afterwards, from the first on",
    )


@contextmanager
def _no_slot_left(server: OwnServer) -> Iterator[int]:
    """Connects until Postgres refuses. Yields how often it did not; afterwards there is room again."""
    with ExitStack() as others:
        taken = 0
        while True:
            try:
                connection = psycopg2.connect(**urls.arguments(server.postgres.url))
            except psycopg2.OperationalError as error:
                if "too many clients" not in str(error):
                    raise
                break
            others.enter_context(closing(connection))
            taken += 1
        yield taken
    until(lambda: server.answers() and server.postgres.value(_SESSIONS) == 1)
