"""The lines of the board. M-02, M-04 and B-01-408 take minutes: they are tried before a release only."""

from faults import engine
from faults.board import Figure
from faults.bodies import bodies, endless_bodies
from faults.cancelled import cancellations
from faults.crashes import crashes
from faults.crowds import mixed_rounds
from faults.departures import coverage, ended_tokens, traces
from faults.disk import full_disks
from faults.forged import forgeries
from faults.fuzzing import fuzz
from faults.hostile import hostile_texts
from faults.keys import misused_keys, retries
from faults.lines import broken_lines
from faults.machine import api
from faults.outages import black_holes, full_pools, sleeping_calls
from faults.pooling import suite_through_a_pooler
from faults.provider import dead_models, faults_of_the_model
from faults.slots import full_servers
from faults.strangers import strangers
from faults.suspensions import encrypted_suspensions, suspensions
from faults.upgrades import migrations_under_load, previous_suite, simultaneous_migrations
from faults.walks import walks

BOARD = (
    Figure(
        "D-01",
        "messages acknowledged while one of two processes is killed again and again",
        "0 lost, 0 unexpected, 0 duplicated, 0 stuck, recovered > 0",
        engine.kills,
        gate=20,
        deep=200,
    ),
    Figure(
        "D-02",
        "turns whose model dies before its first byte",
        "0 messages missing",
        dead_models,
        gate=200,
        deep=2_000,
    ),
    Figure(
        "I-01",
        "requests of every kind, sent again one to five times after their answer",
        "0 rows more, 1 call each",
        retries,
        gate=1_000,
        deep=7_000,
    ),
    Figure(
        "I-02",
        "openings of turns whose answer was cut off after the commit, twice a round",
        "0 rows twice, 1 call each",
        engine.lost_openings,
        gate=50,
        deep=500,
    ),
    Figure(
        "I-03",
        "appends whose answer was cut off after the commit",
        "1 row each",
        engine.lost_appends,
        gate=50,
        deep=1_000,
    ),
    Figure(
        "I-04",
        "bursts of eight simultaneous identical requests at two processes",
        "1 row, 1 call, 1 answer each",
        engine.bursts,
        gate=50,
        deep=500,
    ),
    Figure(
        "I-05/06",
        "keys used again with other words, elsewhere, and by another user",
        "422 and nothing stored; elsewhere independent",
        misused_keys,
        gate=12,
        deep=200,
    ),
    Figure(
        "N-01",
        "requests over a line that is cut at a random byte of the request or of the answer, closed, reset or "
        "half-closed, sometimes throttled, sent again until they are answered",
        "0 lost, 0 doubled, 1 call each, order kept, 0 x 5xx but 503",
        broken_lines,
        gate=100,
        deep=2_000,
    ),
    Figure(
        "O-01",
        "rounds of two to eight tabs that send at once",
        "1 answered, the others told where to read, seq without gaps",
        engine.races,
        gate=200,
        deep=5_000,
    ),
    Figure(
        "O-02",
        "rounds of eight requests at once that lock the same two conversations",
        "0 x 5xx but 503, and of those at most 0.1 %",
        mixed_rounds,
        gate=500,
        deep=10_000,
    ),
    Figure(
        "O-03/04",
        "walks through lists, page by page, while others write, equal moments",
        "0 missing, 0 twice",
        walks,
        gate=300,
        deep=5_000,
    ),
    Figure(
        "S-10..14",
        "replies of a model that fails, in every kind of way so many times",
        "0 x 500, history as shown",
        faults_of_the_model,
        gate=5,
        deep=50,
    ),
    Figure(
        "O-07",
        "rounds of a conversation and an account deleted while a reply streams",
        "0 rows come back, all readers told",
        engine.deletes,
        gate=50,
        deep=500,
    ),
    Figure(
        "P-03",
        "streams at once in one process",
        "0 connections held, histories read meanwhile; idle: p99 of others beside quiet streams <= 2x",
        engine.streams,
        gate=500,
        deep=500,
    ),
    Figure(
        "S-01",
        "readers who leave at a random byte",
        "all replies complete",
        engine.disconnects,
        gate=100,
        deep=2_000,
    ),
    Figure(
        "S-04",
        "restarts by SIGTERM of one of two processes, under load",
        "0 lost, 0 seconds of shown text lost",
        engine.restarts,
        gate=5,
        deep=50,
    ),
    Figure(
        "S-09",
        "replies with four readers each, at two processes, from the beginning and from the middle",
        "all read the same",
        engine.resumes,
        gate=100,
        deep=1_000,
    ),
    Figure(
        "D-03",
        "crash restarts of Postgres under load, immediate stop and kill -9 in turn",
        "0 lost, 0 unexpected, 0 duplicated, 0 stuck; P-02, idle: median <= 1 s, at most 5 s",
        crashes,
        gate=5,
        deep=40,
    ),
    Figure(
        "H-all",
        "hostile texts in every field of a body or a form, in searches and keys; those that hit are refused",
        "0 x 5xx, all that is accepted read back the same",
        hostile_texts,
        gate=2_000,
        deep=40_000,
    ),
    Figure(
        "H-fz",
        "Schemathesis, all checks, examples, limits, random and linked requests",
        "0 failures, 0 without an answer",
        fuzz,
        gate=500,
        deep=10_000,
    ),
    Figure(
        "P-01",
        "first requests after the database slept: connections cut, refused, at times for seconds, then slow",
        "0 failed, 503 while refused; idle: each in 0.2 s, beside what the database takes",
        suspensions,
        gate=30,
        deep=150,
    ),
    Figure(
        "P-01-TLS",
        "the same over TLS, with a certificate that is checked",
        "0 failed, 503 while refused; idle: each in 0.2 s, beside what the database takes",
        encrypted_suspensions,
        gate=30,
        deep=150,
    ),
    Figure(
        "P-03b",
        "requests while every connection is in use, and the first one afterwards",
        "503 with Retry-After, never 500, then 200; idle: within 1 s",
        full_pools,
        gate=5,
        deep=50,
    ),
    Figure(
        "P-04",
        "requests to a database that takes everything and answers nothing, and then refuses",
        "503 with Retry-After, /healthz 200, recovery without a restart; idle: in 6 s, refused in 0.2 s, "
        "p99 of /healthz <= 100 ms",
        black_holes,
        gate=5,
        deep=30,
    ),
    Figure(
        "P-07",
        "requests while others have all slots of Postgres, and those that come afterwards",
        "503 with Retry-After, /healthz 200, recovery without a restart",
        full_servers,
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
        "requests over every operation; those that hit have an id or a cursor of another user's",
        "0 noticed, 0 operations uncovered",
        strangers,
        gate=2_000,
        deep=50_000,
    ),
    Figure(
        "A-11",
        "requests, about half of them given up at a random moment, 4 at once over 2 connections",
        "0 answers of another user",
        cancellations,
        gate=500,
        deep=20_000,
    ),
    Figure(
        "J-01",
        "tokens made by hand, or with something changed",
        "all 401, one body, 0 queries",
        forgeries,
        gate=2_000,
        deep=100_000,
    ),
    Figure(
        "J-06",
        "tokens ended in one process, used in another",
        "refused from the first request on; idle: within 1 s",
        ended_tokens,
        gate=10,
        deep=50,
    ),
    Figure(
        "B-01",
        "bodies of 100 MB, and fifty at once that come byte by byte, beside other requests",
        "413 and less than twice the limit in memory, slow ones stored; idle: p99 of others < 2x",
        bodies,
        gate=1,
        deep=5,
    ),
    Figure(
        "B-01-408",
        "bodies at once that come byte by byte and do not end",
        "408 each, others answered",
        endless_bodies,
        gate=0,
        deep=50,
    ),
    Figure(
        "G-01",
        "columns with data of users, exported, and their rows, erased",
        "all, by the catalogue",
        coverage,
        gate=1,
        deep=20,
    ),
    Figure(
        "G-02",
        "marks of users that were erased",
        "0 in tables, dump and logs",
        traces,
        gate=20,
        deep=200,
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
        gate=3,
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
        gate=3_000,
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
