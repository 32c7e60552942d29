"""Lines break in every way, on both event loops: an answer is whole, or none."""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress

import httpx
import pytest
import uvloop

from faults import transport
from faults.chat import begun
from faults.transport import Transport
from reserved import port_of, reserved

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n2\r\nle\r\n0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

Run = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


class Service:
    """Says the same to whatever is asked."""

    def __init__(self, says: bytes, *, then: str = "") -> None:
        """`then` it has `closed` the line, or `reset` it, or waits."""
        self._says, self._then = says, then
        self.lines: list[asyncio.StreamWriter] = []
        self.left = asyncio.Event()
        """A client has hung up."""

    async def __aenter__(self) -> httpx.AsyncClient:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._client = httpx.AsyncClient(base_url=url, transport=Transport(), timeout=5)
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        for line in self.lines:
            line.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                if self._then == "reset":
                    line = writer.get_extra_info("socket")
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.write(self._says)
                if self._then == "closed":
                    writer.close()
                elif self._then == "reset":
                    writer.transport.abort()
        self.left.set()


@pytest.mark.parametrize("says", [WHOLE, CHUNKED], ids=["length", "chunks"])
def test_a_line_is_used_again(run: Run, says: bytes) -> None:
    async def ask() -> None:
        service = Service(says)
        async with service as client:
            for _ in range(3):
                assert (await client.post("/", json={"some": "thing"})).text == "whole"
            assert len(service.lines) == 1
            answers = await asyncio.gather(*(client.get("/") for _ in range(30)))
            assert [answer.text for answer in answers] == 30 * ["whole"]
            assert len(service.lines) == 30

    run(ask())


@pytest.mark.parametrize("then", ["closed", "reset"])
@pytest.mark.parametrize("says", [WHOLE, CHUNKED], ids=["length", "chunks"])
def test_an_answer_without_its_end_is_none(run: Run, says: bytes, then: str) -> None:
    async def ask() -> None:
        for end in range(len(says)):
            async with Service(says[:end], then=then) as client:
                with pytest.raises(httpx.TransportError) as broken:
                    await client.get("/")
                assert isinstance(broken.value, httpx.RemoteProtocolError | httpx.ReadError)
                assert broken.value.request.url.path == "/"

    run(ask())


@pytest.mark.parametrize("says", [b"SSH-2.0-here\r\n", CHUNKED.replace(b"3", b"?")], ids=["head", "chunk"])
def test_what_is_no_answer_is_none(run: Run, says: bytes) -> None:
    async def ask() -> None:
        async with Service(says) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/")

    run(ask())


def test_what_comes_behind_an_answer_is_no_answer(run: Run) -> None:
    async def ask() -> None:
        async with Service(WHOLE + WHOLE) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/")

    run(ask())


def test_where_nobody_listens_no_line_is_made(run: Run) -> None:
    async def ask() -> None:
        with reserved() as place, pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient(transport=Transport()) as client:
                await client.get(f"http://127.0.0.1:{port_of(place)}/")

    run(ask())


@pytest.mark.parametrize("says", [b"", HEAD], ids=["nothing", "head"])
def test_a_service_that_says_no_more_is_left(run: Run, says: bytes) -> None:
    async def ask() -> None:
        service = Service(says)
        async with service as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/", timeout=httpx.Timeout(5, read=0.05))
            await asyncio.wait_for(service.left.wait(), 5)

    run(ask())


@pytest.mark.parametrize("says", [b"", HEAD + b"who"], ids=["nothing", "half"])
def test_who_is_cancelled_hangs_up(run: Run, says: bytes) -> None:
    async def ask() -> None:
        service = Service(says)
        async with service as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("/"), 0.05)
            await asyncio.wait_for(service.left.wait(), 5)

    run(ask())


def test_who_leaves_a_stream_hangs_up(run: Run) -> None:
    async def ask() -> None:
        service = Service(HEAD + b"who")
        async with service as client:
            async with client.stream("GET", "/") as answer:
                assert await anext(answer.aiter_raw()) == b"who"
            await asyncio.wait_for(service.left.wait(), 5)

    run(ask())


def test_a_line_that_was_hung_up_is_not_used_again(run: Run) -> None:
    async def ask() -> None:
        service = Service(WHOLE)
        async with service as client:
            for _ in range(3):
                await client.get("/")
                service.hang_up()
                await asyncio.sleep(0)  # it is hung up, and the client has not heard of it
            assert len(service.lines) == 3

    run(ask())


def test_a_line_that_was_idle_for_long_is_not_used_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        service = Service(WHOLE)
        async with service as client:
            await client.get("/")
            monkeypatch.setattr(transport, "KEPT", 0)
            await client.get("/")
            assert len(service.lines) == 2

    run(ask())


@pytest.mark.parametrize(("says", "expected"), [(HEAD[:20], False), (HEAD + b"who", True)])
def test_it_is_told_whether_an_answer_had_begun(run: Run, says: bytes, *, expected: bool) -> None:
    async def begins(answer: httpx.Response) -> None:
        answer.request.extensions["begun"] = True

    async def ask() -> None:
        async with Service(says, then="closed") as client:
            client.event_hooks = {"response": [begins]}
            with pytest.raises(httpx.TransportError) as broken:
                await client.get("/")
            assert begun(broken.value) is expected

    run(ask())
