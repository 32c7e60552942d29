"""Where log lines go: a pipe, a file or a terminal that may be slow, or that nobody reads."""

import logging
import os
import queue
import threading

MOST_WAITING = 10_000
"""Lines. One more is dropped."""

LAST_SECONDS = 1
"""What the lines that still wait get when the process ends."""


class Sink(logging.Handler):
    """Writes to a file descriptor from a thread of its own, so that a full pipe holds no request up.

    Lines that find no room are dropped; how many they were is said once there is room again.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor  # and no stream, whose lock a write that waits would keep at the end
        self._lines: queue.Queue[str] = queue.Queue(MOST_WAITING)
        self._dropped = 0
        threading.Thread(target=self._run, name="logs", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Returns at once, whether the line found room or not."""
        try:
            line = self.format(record)  # here, where its request is known
        except Exception:  # noqa: BLE001  # whatever cannot be logged must fail no request either
            line = self._own("logs.unreadable", where=f"{record.module}:{record.lineno}")
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Waits until all is written, a second at most. `logging` calls it when the process ends."""
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
            pass  # nobody is there any more, and there is no other place to say so
