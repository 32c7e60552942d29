"""Ends a task that runs an assistant's own code, which may ignore its cancellation."""

import asyncio
import logging

log = logging.getLogger(__name__)

RELEASE_SECONDS = 1.0
"""How long an assistant may take to release its resources."""

FAULTS = (Exception, asyncio.CancelledError, SystemExit)
"""What an assistant's code may raise without ending the process."""

_abandoned: set[asyncio.Task[None]] = set()


async def let_go(task: asyncio.Task[None]) -> None:
    """Cancels the task unless it is done, and abandons it if it has not ended after RELEASE_SECONDS."""
    if task.done():
        return
    task.cancel()
    await asyncio.wait([task], timeout=RELEASE_SECONDS)
    if not task.done():
        log.error("assistant.abandoned")
        _abandoned.add(task)
        task.add_done_callback(_abandoned.discard)
        # Otherwise, the process would wait for it at exit.
        asyncio.tasks._unregister_task(task)  # documented in "Extending asyncio"
