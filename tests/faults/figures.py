"""The lines of the board. Those without a gate are tried for every change in `test_faults`, more rarely."""

from faults import engine
from faults.board import Figure
from faults.cancelled import cancellations
from faults.crashes import crashes
from faults.disk import full_disks
from faults.forged import forgeries
from faults.fuzzing import fuzz
from faults.machine import api
from faults.outages import black_holes, encrypted_suspensions, full_pools, sleeping_calls, suspensions
from faults.pooling import suite_through_a_pooler
from faults.strangers import strangers
from faults.upgrades import migrations_under_load, previous_suite, simultaneous_migrations

BOARD = (
    Figure(
        "D-01",
        "messages acknowledged while one of two processes is killed again and again",
        "0 lost, 0 unexpected, 0 duplicated, 0 stuck, recovered > 0",
        engine.kills,
        gate=0,
        deep=200,
    ),
    Figure(
        "I-02",
        "openings of turns whose answer was cut off after the commit, twice a round",
        "0 rows twice, 1 call each",
        engine.lost_openings,
        gate=0,
        deep=500,
    ),
    Figure(
        "I-03",
        "appends whose answer was cut off after the commit",
        "1 row each",
        engine.lost_appends,
        gate=0,
        deep=1_000,
    ),
    Figure(
        "I-04",
        "bursts of eight simultaneous identical requests at two processes",
        "1 row, 1 call, 1 answer each",
        engine.bursts,
        gate=0,
        deep=300,
    ),
    Figure(
        "O-01",
        "rounds of two tabs that send at once",
        "1 answered, 1 told where to read, seq without gaps",
        engine.tabs,
        gate=0,
        deep=300,
    ),
    Figure(
        "P-03",
        "streams at once in one process",
        "0 connections held, histories read meanwhile",
        engine.streams,
        gate=0,
        deep=500,
    ),
    Figure(
        "S-01",
        "readers who leave at a random byte",
        "all replies complete",
        engine.disconnects,
        gate=0,
        deep=2_000,
    ),
    Figure(
        "S-09",
        "replies with four readers each, at two processes, from the beginning and from the middle",
        "all read the same",
        engine.resumes,
        gate=0,
        deep=100,
    ),
    Figure(
        "D-03",
        "crash restarts of Postgres under load, immediate stop and kill -9 in turn",
        "0 lost, 0 unexpected, 0 duplicated, 0 stuck; P-02, idle: median <= 1 s, at most 5 s",
        crashes,
        gate=4,
        deep=40,
    ),
    Figure(
        "H-fz",
        "Schemathesis, all checks, examples, limits, random and linked requests",
        "0 failures",
        fuzz,
        gate=500,
        deep=10_000,
    ),
    Figure(
        "P-01",
        "first requests after the database slept: connections cut, connects refused, then slow",
        "0 failed, 503 while refused; idle: in 0.2 s",
        suspensions,
        gate=12,
        deep=150,
    ),
    Figure(
        "P-01-TLS",
        "the same over TLS, with a certificate that is checked",
        "0 failed, 503 while refused; idle: in 0.2 s",
        encrypted_suspensions,
        gate=12,
        deep=150,
    ),
    Figure(
        "P-03b",
        "requests while every connection is in use, and the first one afterwards",
        "503 with Retry-After, never 500, then 200; idle: within 1 s",
        full_pools,
        gate=3,
        deep=50,
    ),
    Figure(
        "P-04",
        "requests to a database that takes everything and answers nothing",
        "503 with Retry-After, /healthz 200, recovery without a restart; idle: in 6 s",
        black_holes,
        gate=2,
        deep=30,
    ),
    Figure(
        "P-09",
        "/healthz while 40 requests wait for the database",
        "200 each; idle: p99 <= 100 ms",
        sleeping_calls,
        gate=1,
        deep=3,
    ),
    Figure(
        "A-01..08",
        "requests as another user, over every operation, every id swapped",
        "0 noticed, 0 operations uncovered",
        strangers,
        gate=1_000,
        deep=50_000,
    ),
    Figure(
        "A-11",
        "requests given up at a random moment, 4 at once over 2 connections",
        "0 answers of another user",
        cancellations,
        gate=500,
        deep=20_000,
    ),
    Figure(
        "J-01",
        "tokens with something changed",
        "all 401, one body, 0 queries",
        forgeries,
        gate=2_000,
        deep=100_000,
    ),
    Figure(
        "P-06",
        "writes on a full disk",
        "0 lost, reads work, recovery without a restart",
        full_disks,
        gate=1,
        deep=5,
    ),
    Figure(
        "M-01",
        "migrations, three at once",
        "0 failed",
        simultaneous_migrations,
        gate=2,
        deep=30,
    ),
    Figure(
        "M-02",
        "rows under a migration, while the code of before serves",
        "0 failed; idle: no request above 1 s",
        migrations_under_load,
        gate=0,
        deep=1_000_000,
    ),
    Figure(
        "M-04",
        "the suite of before, on the schema of now",
        "all pass",
        previous_suite,
        gate=0,
        deep=1,
    ),
    Figure(
        "H-st",
        "steps of a state machine of the whole API, connections cut between them",
        "0 differences from the model",
        api,
        gate=1_500,
        deep=100_000,
    ),
    Figure(
        "P-05",
        "tests through PgBouncer in transaction mode, with pools of 1 and 3",
        "all pass",
        suite_through_a_pooler,
        gate=1,
        deep=2,
    ),
)
