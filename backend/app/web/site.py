"""Serves the web pages. A page loads scripts, styles, images and data only from this service."""

import base64
import gzip
import hashlib
import logging
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"

# A machine's registry may have other types, and browsers reject a module that is not typed as a script.
# There are many scripts, which are UTF-8 by default: without a charset, the first load is smaller.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
}

PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
}
# Assets are public, and other sites may embed the chat: modules are loaded with CORS, styles and images not.
ASSET_HEADERS = {"Access-Control-Allow-Origin": "*"}
EMBEDDED_HEADERS = {"Cross-Origin-Resource-Policy": "cross-origin"}
SCRIPTS = (".js", ".mjs")

POLICY = (
    "default-src 'none'; script-src 'self'{hashes}; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
TRUSTED_TYPES = "; require-trusted-types-for 'script'; trusted-types dompurify"

_GZIP = re.compile(r"(?i)\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")
"""Finds gzip in Accept-Encoding, unless its quality is 0, which rejects it (RFC 9110, section 12.4.2)."""


def install(app: FastAPI, *, external_issuer: bool) -> None:
    """Adds the chat at `/`, the documentation at `/docs`, and `/assets`.

    An attribute tells the chat which accounts there are: `<chat-bot accounts="local">`, or "external".
    """
    accounts = "external" if external_issuer else "local"
    chat = _text("index.html").replace("<chat-bot", f'<chat-bot accounts="{accounts}"', 1)
    vendor = _vendor()
    for path, html, policy in (("/", chat, POLICY + TRUSTED_TYPES), ("/docs", _text("docs.html"), POLICY)):
        page = Page(html.replace("/assets/vendor", vendor), policy, missing=_missing(html))
        if page.missing:
            log.warning("page.incomplete", extra={"page": path, "missing": page.missing})
        app.add_api_route(path, page.answer, methods=["GET", "HEAD"], include_in_schema=False)
    if (STATIC / "vendor").is_dir():
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        app.mount(vendor, Packed(Assets(STATIC / "vendor", headers)))
    app.mount("/assets", Packed(Assets(STATIC, {"Cache-Control": "no-cache"})))


class Page:
    """A page. Its policy allows its inline import map, and no other inline script."""

    def __init__(self, html: str, policy: str, *, missing: list[str]) -> None:
        self.missing = missing
        """Assets that the page needs and that do not exist. If there are any, a notice is shown instead."""
        if missing:
            items = "".join(f"<li><code>{escape(name)}</code></li>" for name in missing)
            html = _text("missing.html").replace("<ul></ul>", f"<ul>{items}</ul>")
        maps = re.findall(r'(?s)<script type="importmap">(.*?)</script>', html)
        hashes = "".join(f" 'sha256-{base64.b64encode(_sha256(text)).decode()}'" for text in maps)
        self._html = html
        self._packed = gzip.compress(html.encode(), mtime=0)
        self._headers = {
            **PAGE_HEADERS,
            "Content-Security-Policy": policy.format(hashes=hashes),
            "ETag": f'"{_sha256(html).hex()}"',
            "Vary": "Accept-Encoding",
        }

    async def answer(self, request: Request) -> Response:
        """Returns the page, 304 if the client has it, or 503 with a notice that says what to do."""
        if self.missing:
            return Response(self._html, 503, self._headers | {"Retry-After": "60"}, "text/html")
        if self._headers["ETag"] in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=self._headers)
        if _takes_gzip(request.headers):
            return Response(self._packed, 200, self._headers | {"Content-Encoding": "gzip"}, "text/html")
        return Response(self._html, 200, self._headers, "text/html")


class Packed(GZipMiddleware):
    """Compresses what clients that accept gzip ask for. The framework alone would ignore a quality of 0."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = [field for field in scope["headers"] if field[0] != b"accept-encoding"]
        if _takes_gzip(Headers(scope=scope)):
            asked.append((b"accept-encoding", b"gzip"))
        await super().__call__({**scope, "headers": asked}, receive, send)


class Assets(StaticFiles):
    """Serves the files of a folder to every origin, with an ETag of their content.

    Pages are excluded: they have a policy only at the addresses where `install` serves them.
    """

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        super().__init__(directory=folder)
        self._headers = {**ASSET_HEADERS, **headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ignores Range: a range of the file would not be that range of the compressed response."""
        asked = [field for field in scope["headers"] if field[0] != b"range"]
        await super().__call__({**scope, "headers": asked}, receive, send)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return ("", None) if path.lower().endswith(".html") else super().lookup_path(path)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        path = Path(full_path)
        # Not of its modification time, which reproducible builds and images set alike for every version.
        headers = {**self._headers, "ETag": f'"{_digest(path, stat_result.st_mtime_ns)[:16]}"'}
        if path.suffix not in SCRIPTS:
            headers |= EMBEDDED_HEADERS
        if self.is_not_modified(Headers(headers), Headers(scope=scope)):
            return NotModifiedResponse(Headers(headers))
        if path.suffix in MEDIA_TYPES:
            headers["Content-Type"] = MEDIA_TYPES[path.suffix]
        response = FileResponse(path, status_code, headers, stat_result=stat_result)
        for name in ("Last-Modified", "Accept-Ranges"):
            del response.headers[name]
        return response


def _takes_gzip(headers: Headers) -> bool:
    return _GZIP.search(", ".join(headers.getlist("Accept-Encoding"))) is not None


def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _missing(html: str) -> list[str]:
    named = re.findall(r'"/assets/([^"]+)"', html)
    return sorted({name for name in named if not (STATIC / name).exists()})


def _vendor() -> str:
    """Returns an address for the packages' files. It changes with any of them, so caches may keep them."""
    files = sorted(path for path in (STATIC / "vendor").rglob("*") if path.is_file())
    content = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files))
    return f"/assets/vendor-{content.hexdigest()[:12]}"


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@lru_cache(1000)
def _digest(path: Path, changed: int) -> str:  # noqa: ARG001  # a new time means new content
    return hashlib.sha256(path.read_bytes()).hexdigest()
