"""The packages, installed once, and a service whose assistant numbers its replies."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ai_sdk.frontend import HERE, Frontend, installed
from assistants_for_tests import Echo
from support import Service


@pytest.fixture(scope="session")
def packages() -> Path:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    try:
        return installed()
    except subprocess.CalledProcessError as failure:
        if "CI" in os.environ:
            raise
        pytest.skip(f"npm could not install the AI SDK (exit {failure.returncode})")


@pytest.fixture
def frontend(packages: Path, tmp_path: Path) -> Frontend:
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    for program in HERE.glob("*.mjs"):
        shutil.copy(program, tmp_path)
    return Frontend(tmp_path)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def echoing(serve_with: Callable[..., AbstractContextManager[Service]], echo: Echo) -> Iterator[Service]:
    with serve_with(echo) as service:
        yield service
