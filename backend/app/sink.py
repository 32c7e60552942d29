"""Writes log lines to a pipe, a file or a terminal that may be slow, or that nobody reads."""

import logging
import os
import queue
import threading

MOST_WAITING = 10_000
"""How many lines may wait to be written. Further ones are dropped."""

LAST_SECONDS = 1
"""How long the end of the process waits for lines that are not written yet."""


class Sink(logging.Handler):
    """Writes to a file descriptor from a thread of its own, so that a full pipe delays no request.

    Lines are dropped if the queue is full; their number is logged once there is room again.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor  # not a stream, whose lock a blocked write would hold at exit
        self._lines: queue.Queue[str] = queue.Queue(MOST_WAITING)
        self._dropped = 0
        threading.Thread(target=self._run, name="logs", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queues the line, or drops it if the queue is full. Never blocks."""
        try:
            line = self.format(record)  # here, where the request's id is known
        except Exception:  # noqa: BLE001  # a record that cannot be formatted must not fail a request
            line = self._own("logs.unreadable", where=f"{record.module}:{record.lineno}")
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Waits until all lines are written, a second at most. `logging` calls it at the process's end."""
        lines = self._lines
        with lines.all_tasks_done:
            lines.all_tasks_done.wait_for(lambda: not lines.unfinished_tasks, LAST_SECONDS)

    def _run(self) -> None:
        while True:
            self._write(self._lines.get())
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                self._write(self._own("logs.dropped", lines=dropped))
            self._lines.task_done()

    def _own(self, event: str, **fields: object) -> str:
        said = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": event}
        return self.format(logging.makeLogRecord({**said, **fields}))

    def _write(self, line: str) -> None:
        left = line.encode(errors="backslashreplace") + b"\n"
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            pass  # the reader is gone, and there is no other place to report it
