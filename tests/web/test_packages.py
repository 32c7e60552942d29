"""What the pages are made of: only what the lock names, with its licences, and nothing of another host."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from app.web.site import STATIC

ROOT = Path(__file__).parents[2]
VENDOR = STATIC / "vendor"
MADE = {"LICENSES.txt", "built", "icons.svg"}
"""What the build hook joins or writes."""

MANIFEST: dict[str, Any] = json.loads((ROOT / "backend" / "npm" / "package.json").read_text())
LOCK: dict[str, Any] = json.loads((ROOT / "backend" / "npm" / "package-lock.json").read_text())
COPIED = {f"{package}/{name}" for package, names in MANIFEST["copied"].items() for name in names}
OWN = [
    path
    for path in STATIC.rglob("*")
    if path.suffix in (".html", ".css", ".js", ".mjs", ".svg") and not path.is_relative_to(VENDOR)
]

FROM = re.compile(
    r"""(?m)(?:^import\s*|^(?:import|export)\b[^'"();]*?\bfrom\s*|\bimport\(\s*)['"]([^'"]+)['"]"""
)
ELSEWHERE = re.compile(r"""(?i)(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+""")
NAMESPACES = {"http://www.w3.org"}

present = pytest.mark.skipif(not VENDOR.is_dir(), reason="npm could not bring the packages")


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def test_the_lock_pins_every_package_and_names_no_address() -> None:
    packages = dict(LOCK["packages"])
    assert packages.pop("")["dependencies"] == MANIFEST["dependencies"]
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    for name, version in MANIFEST["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert packages[f"node_modules/{name}"]["version"] == version
    assert MANIFEST["copied"].keys() | {"lucide-static"} == MANIFEST["dependencies"].keys()


@present
def test_each_file_comes_from_a_package_of_the_lock() -> None:
    files = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert files == COPIED | MADE


@present
def test_each_package_has_its_licence_in_full() -> None:
    text = (VENDOR / "LICENSES.txt").read_text()
    for name, version in MANIFEST["dependencies"].items():
        licence = LOCK["packages"][f"node_modules/{name}"]["license"]
        (_, heading, told) = text.partition(f"\n{name} {version} ({licence})\n")
        assert heading, name
        assert len(told.split("=" * 80)[1].strip()) > 500, name
    assert text.count("Permission is hereby granted") >= 3
    assert text.count("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION") >= 3


@present
def test_each_icon_is_a_symbol() -> None:
    symbols = ElementTree.parse(VENDOR / "icons.svg").getroot()
    assert [symbol.get("id") for symbol in symbols] == MANIFEST["icons"]
    assert sorted(set(MANIFEST["icons"])) == MANIFEST["icons"]
    assert all(len(symbol) and symbol.get("viewBox") == "0 0 24 24" for symbol in symbols)


def test_each_icon_is_used() -> None:
    code = "".join(path.read_text() for path in OWN if path.suffix == ".js")
    assert [name for name in MANIFEST["icons"] if not re.search(f"['\"]{name}['\"]", code)] == []


def test_no_package_is_in_git() -> None:
    assert git("ls-files", "backend/npm") == "".join(
        f"backend/npm/{name}\n" for name in (".npmrc", "package-lock.json", "package.json")
    )
    assert git("ls-files", "--", str(VENDOR)) == ""
    assert git("check-ignore", str(VENDOR / "icons.svg")) != ""


@pytest.mark.parametrize("file", OWN, ids=lambda file: str(file.relative_to(STATIC)))
def test_no_own_file_names_another_host(file: Path) -> None:
    assert set(ELSEWHERE.findall(file.read_text())) <= NAMESPACES


def test_another_host_would_be_found() -> None:
    for planted in (
        "https://cdn.example/a.js",
        'src="//cdn.example/a.js"',
        "url(http://cdn.example/a.woff2)",
    ):
        assert ELSEWHERE.findall(planted)


def test_each_import_leads_to_a_file() -> None:
    page = (STATIC / "index.html").read_text()
    (text,) = re.findall(r'(?s)<script type="importmap">(.*?)</script>', page)
    mapped = json.loads(text)["imports"]
    for name, address in mapped.items():
        path = address.removeprefix("/assets/vendor/")
        assert path in COPIED | {""}, name
    seen = 0
    for module in (path for path in OWN if path.suffix in (".js", ".mjs")):
        for name in FROM.findall(module.read_text()):
            assert name in mapped or (name.startswith(".") and (module.parent / name).is_file()), (
                module,
                name,
            )
            seen += 1
    assert seen > 0


@present
def test_each_import_of_a_package_leads_to_a_file() -> None:
    page = (STATIC / "index.html").read_text()
    for name in COPIED:
        if name.endswith((".js", ".mjs")) and "swagger" not in name:
            for target in re.findall(
                r"""^import[^'";]*?from\s*['"]([^'"]+)['"]""", (VENDOR / name).read_text()
            ):
                assert f'"{target}": "' in page or (VENDOR / name).parent.joinpath(target).is_file(), target


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("import { h } from 'preact';", ["preact"]),
        ("import {\n  h,\n  render,\n} from 'preact';\nimport './a.js';", ["preact", "./a.js"]),
        ("export * from \"./b.js\";\nconst c = await import('c');", ["./b.js", "c"]),
        ("const text = 'import it';", []),
    ],
)
def test_imports_are_found(script: str, names: list[str]) -> None:
    assert FROM.findall(script) == names
