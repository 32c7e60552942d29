"""The checks that are not tests: format, lint and types. One command runs everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.web.site import STATIC
from npm_for_tests import npm_packages

ROOT = Path(__file__).parent.parent
ESLINT = ROOT / "tests" / "web" / "lint"


@pytest.mark.parametrize("words", ["ruff format --check", "ruff check", "mypy"])
def test_check(words: str) -> None:
    tool, *arguments = words.split()
    ran = subprocess.run(
        [sys.executable, "-m", tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    packages = npm_packages(ESLINT) / "node_modules"
    program = packages / "eslint" / "bin" / "eslint.js"
    return subprocess.run(
        ["node", program, "--config", ESLINT / "eslint.config.cjs", "."],
        cwd=folder,
        env=os.environ | {"NODE_PATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_javascript_of_the_page_names_nothing_that_is_not_there_or_not_used() -> None:
    ran = linted(STATIC)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_planted_fault_in_javascript_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.js").write_text("const unused = 1;\nnowhere();\n")
    ran = linted(tmp_path)
    assert "'unused' is assigned a value but never used" in ran.stdout
    assert "'nowhere' is not defined" in ran.stdout
