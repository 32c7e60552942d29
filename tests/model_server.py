"""A language model's server for tests: it speaks OpenAI's chat-completions stream over real sockets.

What it answers is a script of steps, so a test decides what arrives, in which pieces, and when:

    with serving(says("Hel", "lo")) as server:
        ...  # OPENAI_BASE_URL is server.url
        assert server.calls == 1

It runs in a thread of its own and listens on 127.0.0.1.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

GIVE_UP_SECONDS = 60
"""After which a test that waits for something that never happens fails instead of hanging."""


class Gate:
    """Where an answer waits until the test opens it. One gate may hold any number of answers."""

    def __init__(self) -> None:
        self._reached = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._opened = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        """Lets all answers go on, those that wait and those that come."""
        with self._lock:
            self._opened = True
            for loop, opened in self._waiting:
                loop.call_soon_threadsafe(opened.set)

    def wait_until_reached(self) -> None:
        """Returns once an answer has come this far; once for each answer."""
        assert self._reached.acquire(timeout=GIVE_UP_SECONDS), "no answer came to the gate"

    async def passed(self) -> None:
        """Returns once it is open."""
        opened = asyncio.Event()
        with self._lock:
            if self._opened:
                opened.set()
            self._waiting.append((asyncio.get_running_loop(), opened))
        self._reached.release()
        await opened.wait()


CUT: Final = "cut"
"""A step that breaks the connection off."""

Step = bytes | Gate | Literal["cut"]


@dataclass(frozen=True)
class Answer:
    """An answer: its head at once, then each step; bytes are sent as one chunk of the body."""

    steps: Iterable[Step]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})


def event(content: object) -> bytes:
    """One event of the stream."""
    return b"data: " + json.dumps(content).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """An event with a choice, as OpenAI sends it."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event({**head, "system_fingerprint": None, "choices": [choice], "usage": None, **more})


def texts(*tokens: str) -> list[bytes]:
    """The beginning of an answer: a role, then an event for each token."""
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": token}) for token in tokens)]


def usage(input_tokens: int, output_tokens: int) -> bytes:
    """The last event before the end, with the token counts and no choice."""
    counts = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
    return chunk(choices=[], usage={**counts, "total_tokens": input_tokens + output_tokens})


def call(index: int, identity: str, name: str, *arguments: str) -> list[bytes]:
    """A tool call whose arguments come in these fragments."""
    first = {"index": index, "id": identity, "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"index": index, "function": {"arguments": fragment}} for fragment in arguments]
    return [chunk({"tool_calls": [fragment]}) for fragment in (first, *rest)]


def says(*tokens: str, finish: str = "stop") -> Answer:
    """A whole answer of these tokens, with usage: one input token, and an output token for each."""
    return Answer([*texts(*tokens), chunk(finish=finish), usage(1, len(tokens)), DONE])


def calls(*fragments: list[bytes]) -> Answer:
    """A whole answer that uses tools: `calls(call(0, "c1", "list_todos", "{}"))`."""
    return Answer([*(one for each in fragments for one in each), chunk(finish="tool_calls"), DONE])


def refuses(status: int, **headers: str) -> Answer:
    """A refusal with OpenAI's body: `refuses(429, retry_after="1")`."""
    body = json.dumps({"error": {"message": "a secret of the provider", "type": "fault", "code": None}})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer([body.encode()], status, {"Content-Type": "application/json", **named})


def completes(text: str) -> Answer:
    """A whole answer to a request that wants no stream."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return Answer([json.dumps({"choices": [choice]}).encode()], headers={"Content-Type": "application/json"})


def byte_by_byte(answer: Answer) -> Answer:
    """The same, each byte a chunk of its own."""
    whole = b"".join(step for step in answer.steps if isinstance(step, bytes))
    return Answer([whole[place : place + 1] for place in range(len(whole))], answer.status, answer.headers)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ModelServer:
    """Gives its answers in order, and the last one from then on.

    A request that wants no stream, as for a title, is answered with `title` and counts apart.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.title = refuses(500)
        self.requests: list[Asked] = []
        self.connections = 0
        self.url = ""
        """What a base URL is set to."""
        self._hung_up = threading.Semaphore(0)
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()

    @property
    def streamed(self) -> list[Asked]:
        """The requests for a stream."""
        return [asked for asked in self.requests if asked.body.get("stream")]

    @property
    def calls(self) -> int:
        """How many streams were asked for."""
        return len(self.streamed)

    def wait_for_hang_up(self) -> None:
        """Returns once a client has left before it had its whole answer; once for each."""
        assert self._hung_up.acquire(timeout=GIVE_UP_SECONDS), "no client hung up"

    def run(self, started: threading.Event) -> None:
        """Serves until `stop`."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._run(started))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def _run(self, started: threading.Event) -> None:
        server = await self._loop.create_server(lambda: _Connection(self._serve), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started.set()
        await self._end.wait()
        server.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event
    ) -> None:
        self.connections += 1
        # A client that leaves, and the end of the server, are part of the play.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (asked := await _request(reader)) is not None:
                self.requests.append(asked)
                if not await self._answered(self._next(asked), writer, gone):
                    break
        writer.transport.abort()

    def _next(self, asked: Asked) -> Answer:
        if not asked.body.get("stream"):
            return self.title
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def _answered(self, answer: Answer, writer: asyncio.StreamWriter, gone: asyncio.Event) -> bool:
        """Whether the connection can go on."""
        sending = asyncio.create_task(_send(answer, writer))
        leaving = asyncio.create_task(gone.wait())
        await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        sending.cancel()
        sent, _ = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(sent, BaseException):
            self._hung_up.release()
        return sent is True


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event], Awaitable[None]]


class _Connection(asyncio.StreamReaderProtocol):
    """Closes as soon as its client does, and tells."""

    def __init__(self, serve: Serve) -> None:
        self._gone = asyncio.Event()
        super().__init__(asyncio.StreamReader(), lambda reader, writer: serve(reader, writer, self._gone))

    def eof_received(self) -> bool:
        super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._gone.set()


async def _send(answer: Answer, writer: asyncio.StreamWriter) -> bool:
    """Whether all of it was sent, and nothing cut."""
    headers = {"Transfer-Encoding": "chunked", **answer.headers}
    head = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {text}" for name, text in headers.items())]
    writer.write("\r\n".join([*head, "", ""]).encode())
    for step in answer.steps:
        if isinstance(step, Gate):
            await step.passed()
        elif isinstance(step, bytes):
            writer.write(b"%x\r\n%b\r\n" % (len(step), step))
            await writer.drain()
            await asyncio.sleep(0)  # an endless answer must let the others have their turn
        else:
            return False
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    first = await reader.readline()
    if not first:
        return None
    headers = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(first.split()[1].decode(), headers, json.loads(body))


@contextlib.contextmanager
def serving(*answers: Answer) -> Iterator[ModelServer]:
    """A server with these answers until the block ends."""
    server, started = ModelServer(*answers), threading.Event()
    thread = threading.Thread(target=server.run, args=[started])
    thread.start()
    try:
        assert started.wait(GIVE_UP_SECONDS), "the server did not start"
        yield server
    finally:
        server.stop()
        thread.join()
