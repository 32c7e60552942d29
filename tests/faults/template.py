"""Forks the running program for whoever asks through its standard input: see `faults.forks`."""

import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

LONGEST_REQUEST = 65_536

Running = dict[int, tuple[int, int]]
"""The processes that have not ended: their number and the line to who asked, by what tells of their end."""


def fork() -> None:
    """Returns in each process that is asked for: it has the environment, and prints to who asked.

    Nothing else may run in this program, no thread and no event loop. When nobody can ask any more, it ends
    with all its processes.
    """
    gc.collect()
    gc.freeze()
    # Ctrl-C, and `kill` for a whole group, are for the tests, which then end this.
    handlers = {which: signal.signal(which, signal.SIG_IGN) for which in (signal.SIGINT, signal.SIGTERM)}
    environment, line = _asked()
    for which, handler in handlers.items():
        signal.signal(which, handler)
    gc.unfreeze()  # what a server keeps from its collector is for the server to say
    os.environ.clear()
    os.environ.update(environment)
    for standard in (0, 1):  # the standard input too: what is opened next would get its number
        os.dup2(line, standard)
    os.close(line)
    print(os.getpid(), flush=True)


def _asked() -> tuple[dict[str, str], int]:
    """What a new process is asked for with: its environment, and the line to who asked."""
    running: Running = {}
    with socket.socket(fileno=sys.stdin.fileno()) as control:
        while True:
            _wait(control.fileno(), running)
            request, lines, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
            if not request:
                _end(running)
            pid = os.fork()
            if pid == 0:
                for end, (_, line) in running.items():
                    os.close(end)
                    os.close(line)
                return json.loads(request), lines[0]
            running[os.pidfd_open(pid)] = pid, lines[0]


def _wait(control: int, running: Running) -> None:
    """Until somebody asks, it tells of each process that ends with what exit code."""
    while True:
        ready, _, _ = select.select([control, *running], [], [])
        for end in running.keys() & ready:
            pid, line = running.pop(end)
            _, status = os.waitpid(pid, 0)
            with suppress(BrokenPipeError):
                os.write(line, b"\n%d\n" % os.waitstatus_to_exitcode(status))
            os.close(end)
            os.close(line)
        if control in ready:
            return


def _end(running: Running) -> NoReturn:
    for pid, _ in running.values():
        os.kill(pid, signal.SIGKILL)
    for pid, _ in running.values():
        os.waitpid(pid, 0)
    sys.exit()
