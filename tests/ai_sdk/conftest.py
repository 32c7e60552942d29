"""The packages, installed once, and a service whose assistant numbers its replies."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ai_sdk.frontend import HERE, Frontend
from assistants_for_tests import Echo
from npm_for_tests import npm_packages
from support import Service


@pytest.fixture(scope="session")
def packages() -> Path:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    return npm_packages(HERE)


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
