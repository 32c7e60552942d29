"""The product under faults and attacks: real processes, a real Postgres, wires that can be cut.

    cd tests && python -m faults             the whole board, as before a release
    cd tests && python -m faults --gate      the same board, as for every change

board       a line of the board, and how it is tried; `figures` has all of them
ground      what they are tried on: databases, and Postgres servers of their own
jobs        lines beside each other
shares      a line in several processes
crashes     Postgres dies under load
stages      services whose way to Postgres can be broken
suspensions Postgres sleeps
outages     Postgres says nothing, refuses, or has no connection left
disk        Postgres has no room
pooling     Postgres behind PgBouncer
provider    the language model fails
upgrades    Postgres is migrated, by three at once, under load, and while the code of before serves
bodies      bodies are far too large, or come byte by byte
cancelled   requests are given up
keys        requests come again
crowds      many change the same at once
walks       lists are read while others write
departures  users and their tokens end
forged      tokens are changed
strangers   everything is tried as another user
fuzzing     Schemathesis
machine     a model of the whole API, against it; `model` has its rules, noun by noun
covered     which operations of the API were used

The turn engine has checks of its own:

rounds      rounds of a check, beside each other
counted     what a check says, and how often it met what it is about
script      what the assistant of these tests is told to say, and the assistant that says it
serve       the program that a process of these tests runs
wire        a TCP wire between a process and Postgres that can be cut at a named statement
lab         processes on one database, of this build or of a broken one
chat        a client: streams, answers, appends, resumes, stops
streams     hundreds of replies at once
history     what clients tried, what they were promised, what they were shown; and the check of it
load        clients that chat without end
kill_loop   two processes under load, one killed again and again: `cd tests && python -m faults.kill_loop`
canaries    broken builds, and the check that must reject each
misses      broken builds, and the line of the board that must miss its target on each
"""
