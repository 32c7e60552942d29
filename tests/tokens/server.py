"""A key set on a loopback server that counts, rotates, fails, hangs and exaggerates."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

Answer = Callable[[BaseHTTPRequestHandler], None]


def jwk(private: Any, key_id: str | None, **members: object) -> dict[str, object]:
    """The public half of a key, as Better Auth publishes it: without alg."""
    public: dict[str, object]
    match private:
        case rsa.RSAPrivateKey():
            public = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case ed25519.Ed25519PrivateKey():
            public = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    public.pop("key_ops", None)
    return public | ({} if key_id is None else {"kid": key_id}) | members


def key_set(*keys: object) -> Answer:
    return document({"keys": keys})


def document(content: object, status: int = 200) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


class Issuer(ThreadingHTTPServer):
    """Answers every request with `answer`, and counts them."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/jwks"


class Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:  # the name that http.server calls
        self.server.requests += 1
        with contextlib.suppress(OSError):  # a client may leave before it has the whole answer
            self.server.answer(self)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[Issuer]:
    """An issuer that answers on 127.0.0.1 until the block ends."""
    with Issuer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def hang(request: BaseHTTPRequestHandler) -> None:
    assert isinstance(request.server, Issuer)
    request.server.closing.wait()


def drip(request: BaseHTTPRequestHandler) -> None:
    """Never silent for long, and never done."""
    assert isinstance(request.server, Issuer)
    request.send_response(200)
    request.end_headers()
    while not request.server.closing.wait(0.01):
        request.wfile.write(b" ")


def redirect(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/elsewhere")
    request.send_header("Content-Length", "0")
    request.end_headers()


def huge(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(10_000):
        request.wfile.write(b" " * 1000)
    request.wfile.write(b'{"keys": []}')


def cut_short(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"keys": [')
