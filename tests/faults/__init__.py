"""The turn engine under faults: real processes, a real Postgres, a wire that can be cut where it hurts.

script      what the assistant of these tests is told to say, and the assistant that says it
serve       the program that a process of these tests runs
wire        a TCP wire between a process and Postgres that can be cut at a named statement
lab         processes on one database, of this build or of a broken one
chat        a client: streams, answers, appends, resumes, stops
history     what clients tried, what they were promised, what they were shown; and the check of it
load        clients that chat without end
kill_loop   two processes under load, one killed again and again: `cd tests && python -m faults.kill_loop`
canaries    broken builds, and the check that must reject each
"""
