"""The checks that are not tests: format, lint and types. One command runs everything."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("words", ["ruff format --check", "ruff check", "mypy"])
def test_check(words: str) -> None:
    tool, *arguments = words.split()
    ran = subprocess.run(
        [sys.executable, "-m", tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
