"""A line of some length to Postgres: `python -m benchmark.distance HOST PORT MILLISECONDS` prints its port.

What a client says arrives so much later; answers come at once. So a round trip takes so much longer.
"""

import asyncio
import sys
from functools import partial

import uvloop


class _Side(asyncio.Protocol):
    """One end of a line: what it hears goes to the other end, `seconds` later."""

    def __init__(self, seconds: float, server: tuple[str, int] | None = None) -> None:
        self.other: asyncio.WriteTransport | None = None
        self._seconds = seconds
        self._server = server
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._server is not None:
            self._task = asyncio.get_running_loop().create_task(self._connect(transport, self._server))

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._pass_on, data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None:
            self.other.close()

    async def _connect(self, transport: asyncio.BaseTransport, server: tuple[str, int]) -> None:
        back = _Side(0)
        back.other = transport  # type: ignore[assignment]  # a stream's transport can be written to
        self.other, _ = await asyncio.get_running_loop().create_connection(lambda: back, *server)
        for data in self._early:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        else:
            self.other.write(data)


async def _main(host: str, port: int, milliseconds: float) -> None:
    line = partial(_Side, milliseconds / 1000, (host, port))
    server = await asyncio.get_running_loop().create_server(line, "127.0.0.1", 0)
    print("Port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
