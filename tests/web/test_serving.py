"""How the pages and their assets are served: under a policy, compressed, once, and nothing else."""

import base64
import gzip
import hashlib
import json
import mimetypes
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.test_external_issuer import ISSUER
from app.web.site import STATIC, Assets
from support import Service

Serve = Callable[..., AbstractContextManager[Service]]

CHAT = (
    "default-src 'none'; script-src 'self' '{hash}'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
    "require-trusted-types-for 'script'; trusted-types dompurify"
)
SCRIPT = "text/javascript"
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": SCRIPT,
    "mjs": SCRIPT,
    "svg": "image/svg+xml",
}
UNPACKED = {"Accept-Encoding": "identity"}


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client()


def named(page: str) -> set[str]:
    """The addresses of the assets that a page names, also in its import map."""
    return set(re.findall(r'"(/assets/[^"]+[^/"])"', page))


def import_map(page: str) -> str:
    found = re.findall(r'(?s)<script type="importmap">(.*?)</script>', page)
    assert len(found) == 1
    return str(found[0])


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def text_of_old(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose registry calls scripts text."""
    for suffix in (".js", ".mjs", ".css", ".svg"):
        mimetypes.add_type("text/plain", suffix)
    yield
    mimetypes.init()


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_has_its_headers(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for name, value in {
        "cache-control": "no-cache",
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }.items():
        assert answer.headers[name] == value
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "access-control-allow-origin" not in answer.headers


def test_the_chat_may_run_its_import_map_and_no_other_inline_script(client: httpx.Client) -> None:
    page = client.get("/")
    digest = hashlib.sha256(import_map(page.text).encode()).digest()
    expected = CHAT.format(hash=f"sha256-{base64.b64encode(digest).decode()}")
    assert page.headers["content-security-policy"] == expected


def test_the_documentation_may_run_no_inline_script_at_all(client: httpx.Client) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_every_asset_that_a_page_names_is_there_with_its_type(client: httpx.Client, path: str) -> None:
    assets = named(client.get(path).text)
    assert len(assets) >= 3
    for asset in assets:
        answer = client.get(asset)
        assert answer.status_code == 200, asset
        assert answer.headers["content-type"] == TYPES[asset.rpartition(".")[2]], asset
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_scripts_are_scripts_whatever_the_machine_calls_them(client: httpx.Client, text_of_old: None) -> None:
    assert mimetypes.guess_type("chatbot.js")[0] == "text/plain"
    for asset in named(client.get("/").text):
        assert client.get(asset).headers["content-type"] == TYPES[asset.rpartition(".")[2]]


def test_the_chat_knows_where_its_users_come_from(client: httpx.Client, serve_with: Serve) -> None:
    assert client.get("/").text.count('<chat-bot accounts="local"') == 1
    with serve_with(**ISSUER) as service:
        assert service.client().get("/").text.count('<chat-bot accounts="external"') == 1


def test_without_the_packages_the_api_works_and_the_pages_say_what_is_missing(
    client: httpx.Client, serve_with: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = shutil.copytree(STATIC, tmp_path / "static", ignore=shutil.ignore_patterns("vendor"))
    monkeypatch.setattr("app.web.site.STATIC", lacking)
    with serve_with() as service:
        for path, name in (("/", "preact/dist/preact.mjs"), ("/docs", "swagger-ui-dist/swagger-ui.css")):
            assert client.get(path).status_code == 200
            page = service.client().get(path)
            assert (page.status_code, page.headers["retry-after"]) == (503, "60")
            assert f"<li><code>vendor/{name}</code></li>" in page.text
        assert service.user("a@example.com").get("/api/todos").status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/assets/favicon.svg", "/assets/vendor/icons.svg"])
def test_what_a_client_has_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "no-cache")
    other = client.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_a_part_of_a_file_is_answered_with_all_of_it(client: httpx.Client) -> None:
    whole = client.get("/assets/chat-bot.js")
    part = client.get("/assets/chat-bot.js", headers={"Range": "bytes=0-999"})
    assert (part.status_code, part.content) == (200, whole.content)
    assert "Accept-Ranges" not in part.headers


def test_another_version_has_another_tag_even_at_the_same_time_and_size(tmp_path: Path) -> None:
    app, tags = FastAPI(), set()
    for version in ("1", "2"):
        file = tmp_path / version / "version.js"
        file.parent.mkdir()
        file.write_text(f"export default {version};")
        os.utime(file, (0, 0))
        app.mount(f"/{version}", Assets(file.parent, {}))
        with TestClient(app) as client:
            tags.add(client.get(f"/{version}/version.js").headers["etag"])
    assert len(tags) == 2


def test_packages_are_kept_for_good_and_own_files_are_asked_for_again(client: httpx.Client) -> None:
    for asset in named(client.get("/").text) | named(client.get("/docs").text):
        kept = client.get(asset).headers["cache-control"]
        if "/vendor-" in asset:
            assert kept == "public, max-age=31536000, immutable"
            unversioned = re.sub(r"vendor-[0-9a-f]{12}", "vendor", asset)
            assert client.get(unversioned).headers["cache-control"] == "no-cache"
            assert client.get(unversioned).content == client.get(asset).content
            other = re.sub(r"vendor-[0-9a-f]{12}", "vendor-000000000000", asset)
            assert refused(client.get(other)) == (404, "not_found")
        else:
            assert kept == "no-cache"


def test_assets_are_compressed_and_answers_of_the_api_are_not(client: httpx.Client) -> None:
    saved = 0
    for asset in named(client.get("/docs").text) | named(client.get("/").text):
        with client.stream("GET", asset, headers={"Accept-Encoding": "gzip"}) as answer:
            packed = b"".join(answer.iter_raw())
        plain = client.get(asset, headers=UNPACKED)
        assert "content-encoding" not in plain.headers
        if len(plain.content) >= 1000:
            assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
            assert gzip.decompress(packed) == plain.content
            assert len(packed) < len(plain.content) * 0.6
            saved += len(plain.content) - len(packed)
    print(f"{saved} bytes saved")
    document = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert len(document.content) > 10_000
    assert "content-encoding" not in document.headers


@pytest.mark.parametrize("path", ["/", "/docs", "/assets/chat-bot.js", "/assets/vendor/icons.svg"])
@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br;q=1, GZIP;q=0.5", True),
        ("gzip;q=0.01, br", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("br", False),
    ],
)
def test_a_page_or_an_asset_is_compressed_for_who_takes_that(
    client: httpx.Client, path: str, accepted: str, packed: bool
) -> None:
    answer = client.get(path, headers={"Accept-Encoding": accepted})
    assert (answer.status_code, answer.headers.get("content-encoding") == "gzip") == (200, packed)
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/assets/favicon.svg", "/assets/vendor/icons.svg", "/healthz"]
)
def test_head_tells_what_get_would(client: httpx.Client, path: str) -> None:
    whole, head = (client.request(method, path, headers=UNPACKED) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers[name] == whole.headers[name]


def test_another_method_is_refused(client: httpx.Client) -> None:
    for path in ("/", "/docs", "/assets/favicon.svg"):
        answer = client.post(path)
        assert refused(answer) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/assets",
        "/assets/",
        "/assets/vendor",
        "/assets/nothing.js",
        "/assets/../site.py",
        "/assets/..%2fsite.py",
        "/assets/%2e%2e/site.py",
        "/assets/vendor/..%2f..%2fsite.py",
        "/assets/%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/..%5csite.py",
        "/assets/%00",
    ],
)
def test_nothing_but_the_assets_is_served(client: httpx.Client, path: str) -> None:
    assert client.get("/assets/favicon.svg").status_code == 200
    assert refused(client.get(path)) == (404, "not_found")


def test_other_sites_may_load_assets_and_nothing_else(client: httpx.Client) -> None:
    origin = {"Origin": "https://blog.example"}
    assert json.loads(import_map(client.get("/").text))["imports"]
    for asset in named(client.get("/").text):
        answer = client.get(asset, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "*"
        module = answer.headers["content-type"] == SCRIPT  # which is asked for by CORS, wherever it is
        assert ("cross-origin-resource-policy" in answer.headers) is not module
    for path in ("/", "/docs", "/healthz", "/api/conversations", "/openapi.json"):
        answer = client.get(path, headers=origin)
        assert not [
            name for name in answer.headers if name.startswith(("access-control-", "cross-origin-res"))
        ]


def test_a_named_frontend_may_load_them_too(serve_with: Serve) -> None:
    with serve_with(cors_origins=("https://chat.example",)) as service:
        for origin, allowed in (
            ("https://chat.example", "https://chat.example"),
            ("https://blog.example", "*"),
        ):
            answer = service.client().get("/assets/favicon.svg", headers={"Origin": origin})
            assert answer.headers["access-control-allow-origin"] == allowed


def test_relative_imports_of_packages_are_kept_for_good_too(client: httpx.Client) -> None:
    (vendor,) = json.loads(import_map(client.get("/").text))["imports"].values()
    seen = 0
    for file in (STATIC / "vendor" / "eventsource-parser").rglob("*.js"):
        address = vendor + file.relative_to(STATIC / "vendor").as_posix()
        for name in re.findall(r"from\s*['\"](\.[^'\"]+)['\"]", client.get(address).text):
            answer = client.get(urljoin(address, name))
            assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
            seen += 1
    assert seen >= 1


def test_nothing_in_the_folder_is_left_out_but_the_pages(client: httpx.Client) -> None:
    """Which have their policy at an address of their own: among the assets they would run without one."""
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    pages = [file for file in files if file.suffix == ".html"]
    assert len(files) > 10
    assert len(pages) == 3
    for file in files:
        answer = client.get(f"/assets/{file.relative_to(STATIC).as_posix()}")
        if file in pages:
            assert refused(answer) == (404, "not_found")
        else:
            assert answer.content == file.read_bytes()
            assert not answer.headers["content-type"].startswith("text/html")
