"""The HTTP server: uvicorn, which ends our way."""

import socket

import uvicorn
from fastapi import FastAPI

from .api.deps import Services

LAST_ANSWERS_SECONDS = 5
"""What requests get that are neither turns nor finished when the turns are."""


class Server(uvicorn.Server):
    """Told to stop, it starts no more turns, lets the running ones end, and closes its sockets then.

    uvicorn by itself would first wait for the requests, and only then tell the application.
    """

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
            )
        )
        self._services: Services = app.state.services

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._services.turns.close(self._services.settings.shutdown_grace)
        await super().shutdown(sockets)
