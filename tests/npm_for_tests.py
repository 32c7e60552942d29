"""Packages of npm that tests need: those of a lock file, installed once and kept for the next run."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

MANIFEST = ("package.json", "package-lock.json", ".npmrc")
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")


def npm_packages(manifest: Path) -> Path:
    """A folder with the packages that the lock file in `manifest` names. Skips the test without npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    try:
        return installed(manifest)
    except subprocess.CalledProcessError as failure:
        if "CI" in os.environ:
            raise
        pytest.skip(f"npm could not install the packages (exit {failure.returncode})")


def installed(manifest: Path) -> Path:
    """The same, without pytest. Raises CalledProcessError if npm cannot bring them."""
    lock = hashlib.sha256(b"".join((manifest / name).read_bytes() for name in MANIFEST)).hexdigest()
    folder = Path(tempfile.gettempdir(), f"chat-history-npm-{lock[:16]}")
    if folder.exists():
        return folder
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
    for name in MANIFEST:
        shutil.copy(manifest / name, fresh)
    subprocess.run(INSTALL, cwd=fresh, check=True, capture_output=True)
    try:
        fresh.rename(folder)
    except OSError:  # another worker was faster
        shutil.rmtree(fresh)
    return folder
