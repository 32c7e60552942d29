"""HTTP to services of this machine, for a fraction of what a transport for all servers costs."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
from httptools import HttpParserError, HttpResponseParser

PIECE = 65_536

Address = tuple[str, int | None]


class Transport(httpx.BaseTransport):
    """Keeps connections, and uses them again, as a browser does. Any threads may share them.

    Raises httpx.TransportError where a line breaks: an answer without its end is none. An answer says how
    long it is, or comes in chunks, and nothing comes before it.
    """

    def __init__(self) -> None:
        self._open: set[_Line] = set()
        self._idle: list[_Line] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _told():
            answer, line = Answer(), self._line(request)
            try:
                line.ask(request, answer)
            except BaseException:
                line.hang_up()
                raise
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(line, answer, self._idle))

    def close(self) -> None:
        """Hangs up, also where an answer is being read."""
        for line in tuple(self._open):
            line.hang_up()

    def _line(self, request: httpx.Request) -> "_Line":
        address = request.url.host, request.url.port
        with suppress(IndexError):  # there is none; another thread may have taken the last one
            while True:
                line = self._idle.pop()
                if line.address == address and not line.says_something:  # what it says is that it has ended
                    return line
                line.hang_up()
        return _Line(address, request.extensions["timeout"]["connect"], self._open)


class Answer:
    """What comes for one request. A parser calls the methods `on_...`."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        """What has come of the body, and was not read."""
        self.whole = False
        """Whether its end has come."""
        self.keeps = False
        """Whether another may be asked for after it."""
        self.parser = HttpResponseParser(self)

    def on_message_begin(self) -> None:
        if self.whole:
            self.keeps = False
            raise ValueError("it says more than it was asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status, self.keeps = self.parser.get_status_code(), self.parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.whole = True


class _Line:
    """A connection, for one request after the other."""

    def __init__(self, address: Address, seconds: float | None, open_lines: set["_Line"]) -> None:
        self.address = address
        self._open = open_lines
        try:
            self._socket = socket.create_connection(address, seconds)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(self)
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)

    @property
    def is_open(self) -> bool:
        return self in self._open

    @property
    def says_something(self) -> bool:
        """Whether there is something to read, be it the end."""
        return not self.is_open or bool(self._readable.poll(0))

    def ask(self, request: httpx.Request, answer: Answer) -> None:
        """Sends it, and returns when the head of the answer has come."""
        self._socket.settimeout(request.extensions["timeout"]["read"])
        # Who answers early may hang up before all was sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in _pieces(request):
                self._socket.sendall(piece)
        while not answer.status:
            self.read(answer)
        if request.method == "HEAD":
            answer.whole, answer.keeps = True, False

    def read(self, answer: Answer) -> None:
        """Reads on."""
        if not (data := self._socket.recv(PIECE)):
            raise httpx.RemoteProtocolError("it hung up before the end of an answer")
        answer.parser.feed_data(data)

    def hang_up(self) -> None:
        self._open.discard(self)
        self._socket.close()


class _Body(httpx.SyncByteStream):
    """What an answer says."""

    def __init__(self, line: _Line, answer: Answer, idle: list[_Line]) -> None:
        self._line, self._answer, self._idle = line, answer, idle

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        while answer.pieces or not answer.whole:
            if answer.pieces:
                pieces, answer.pieces = answer.pieces, []
                yield b"".join(pieces)
            else:
                with _told():
                    self._line.read(answer)

    def close(self) -> None:
        """Who leaves before the end, hangs up."""
        if self._answer.whole and self._answer.keeps and self._line.is_open:
            self._idle.append(self._line)
        else:
            self._line.hang_up()


def head_of(request: httpx.Request) -> bytes:
    """What is sent before the body."""
    head = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    head += [b"%s: %s" % header for header in request.headers.raw]
    return b"\r\n".join([*head, b"", b""])


def _pieces(request: httpx.Request) -> Iterator[bytes]:
    """All of it, if that is there already; else the body in chunks, as it comes."""
    if "Transfer-Encoding" not in request.headers:
        yield head_of(request) + request.read()
        return
    yield head_of(request)
    assert isinstance(request.stream, httpx.SyncByteStream)
    for piece in filter(None, request.stream):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@contextmanager
def _told() -> Iterator[None]:
    """What breaks is told in the words of httpx."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except HttpParserError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
