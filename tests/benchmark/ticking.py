"""An assistant in the server's own process that says 20 tokens a second."""

import asyncio
import os
from collections.abc import AsyncIterator

from app.assistants.base import Prompt
from app.models.events import Event, TextDelta

TOKEN = "word "
TOKENS = int(os.environ.get("BENCHMARK_TOKENS", "200"))
INTERVAL = 0.05


class Ticking:
    name = "ticking"

    async def reply(self, _: Prompt) -> AsyncIterator[Event]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for _token in range(TOKENS):
            yield TextDelta(TOKEN)
            due += INTERVAL
            await asyncio.sleep(max(0, due - loop.time()))


assistant = Ticking()
