"""The build: what a package holds, and that one without npm is whole but for its pages."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.web.site import STATIC
from command_line import serving
from support import SECRET, Postgres

ROOT = Path(__file__).parents[2]
WEB = "app/web/static"

NO_NETWORK = r"EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|\bE(429|5\d\d)\b"
"""What npm says when its registry cannot be asked, or cannot answer."""

Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git would clone, with what is not committed yet, and without packages."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for file in listed.stdout.splitlines():
        if (ROOT / file).is_file() and not file.startswith("tests/"):
            target = tmp_path / "checkout" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
    return tmp_path / "checkout"


@pytest.fixture
def vendor(checkout: Path) -> Path:
    """The packages of a checkout in which they have been brought before."""
    if not (STATIC / "vendor").is_dir():
        pytest.skip("npm could not bring the packages")
    return Path(shutil.copytree(STATIC / "vendor", checkout / "backend" / WEB / "vendor"))


@pytest.fixture
def no_programs(tmp_path: Path) -> dict[str, str]:
    """An environment in which no npm is found."""
    (tmp_path / "empty").mkdir()
    return {"PATH": str(tmp_path / "empty")}


def build(checkout: Path, target: str, environment: dict[str, str]) -> tuple[Path, str]:
    """Builds a `wheel` or an `sdist` as pip does; returns it, and what was said."""
    out = checkout.parent / f"{target}-{os.urandom(4).hex()}"
    ran = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (built,) = out.iterdir()
    return built, ran.stdout + ran.stderr


def held(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def expected(folder: Path) -> set[str]:
    return {f"{WEB}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_holds_the_pages_and_every_package_with_its_licence(
    checkout: Path, vendor: Path, no_programs: dict[str, str]
) -> None:
    wheel, said = build(checkout, "wheel", no_programs)  # they are there: npm is not asked
    assert "npm" not in said
    pages = expected(checkout / "backend" / WEB)
    assert {f"{WEB}/index.html", f"{WEB}/vendor/icons.svg", f"{WEB}/vendor/LICENSES.txt"} < pages
    assert {name for name in held(wheel) if name.startswith(WEB)} == pages
    assert not [name for name in held(wheel) if "package.json" in name or "build_hook" in name]


def test_a_wheel_can_be_built_from_a_source_distribution(
    checkout: Path, vendor: Path, no_programs: dict[str, str]
) -> None:
    source, _ = build(checkout, "sdist", no_programs)
    unpacked = checkout.parent / "unpacked"
    shutil.unpack_archive(source, unpacked, filter="data")
    wheel, _ = build(next(unpacked.iterdir()), "wheel", no_programs)
    assert {name for name in held(wheel) if name.startswith(WEB)} == expected(checkout / "backend" / WEB)


def test_a_wheel_without_npm_serves_the_api_and_says_what_the_pages_lack(
    checkout: Path, no_programs: dict[str, str], postgres: Postgres
) -> None:
    wheel, said = build(checkout, "wheel", no_programs)
    assert "The pages will not work, the API will" in said
    assert not [name for name in held(wheel) if "vendor" in name]
    installed = checkout.parent / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    configured = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "DATABASE_URL": postgres.text,
        "SECRET_KEY": SECRET,
        "ALLOW_PLAINTEXT_DATABASE": "true",
    }
    with serving(configured) as (address, _), httpx.Client(base_url=address, timeout=60) as client:
        for path, lacking in (("/", "preact/dist/preact.mjs"), ("/docs", "swagger-ui-dist/swagger-ui.css")):
            page = client.get(path)
            assert page.status_code == 503
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert f"<li><code>vendor/{lacking}</code></li>" in page.text
            assert "python3 backend/run.py" in page.text
            assert client.head(path).status_code == 503
            for asset in re.findall(r'"(/assets/[^"]+)"', page.text):
                assert client.get(asset).status_code == 200
        assert client.get("/readyz").status_code == 200
        assert client.get("/openapi.json").status_code == 200


def test_npm_brings_the_packages_and_refuses_what_the_lock_does_not_know(checkout: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    lock = checkout / "backend" / "npm" / "package-lock.json"
    honest = lock.read_text()
    wheel, said = build(checkout, "wheel", {})
    if re.search(NO_NETWORK, said):
        pytest.skip("npm's registry is out of reach")
    assert f"{WEB}/vendor/htm/dist/htm.mjs" in held(wheel), said

    digests = json.loads(honest)
    digests["packages"]["node_modules/htm"]["integrity"] = "sha512-" + "A" * 86 + "=="
    lock.write_text(json.dumps(digests))
    shutil.rmtree(checkout / "backend" / WEB / "vendor")
    wheel, said = build(checkout, "wheel", {})
    if re.search(NO_NETWORK, said):
        pytest.skip("npm's registry is out of reach")
    assert "EINTEGRITY" in said
    assert not [name for name in held(wheel) if "vendor" in name]
