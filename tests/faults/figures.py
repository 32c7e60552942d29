"""The lines of the board."""

from faults.board import Figure
from faults.crashes import crashes
from faults.fuzzing import fuzz
from faults.outages import black_holes, encrypted_suspensions, full_pools, sleeping_calls, suspensions

BOARD = (
    Figure(
        "D-03",
        "crash restarts of Postgres under load, immediate stop and kill -9 in turn",
        "0 lost, 0 unexpected, 0 duplicated, 0 stuck; P-02: median <= 1 s, at most 5 s",
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
        "0 failed; while refused, 503 in 0.2 s",
        suspensions,
        gate=12,
        deep=150,
    ),
    Figure(
        "P-01-TLS",
        "the same over TLS, with a certificate that is checked",
        "0 failed; while refused, 503 in 0.2 s",
        encrypted_suspensions,
        gate=12,
        deep=150,
    ),
    Figure(
        "P-03b",
        "requests while every connection is in use, and the first one afterwards",
        "503 with Retry-After, never 500; 200 within 1 s",
        full_pools,
        gate=3,
        deep=50,
    ),
    Figure(
        "P-04",
        "requests to a database that takes everything and answers nothing",
        "503 with Retry-After in 6 s, /healthz untouched, recovery without a restart",
        black_holes,
        gate=2,
        deep=30,
    ),
    Figure(
        "P-09",
        "/healthz while 40 requests wait for the database",
        "p99 <= 100 ms",
        sleeping_calls,
        gate=1,
        deep=3,
    ),
)
