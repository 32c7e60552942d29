"""The README is true: its commands run as they stand, in a fresh copy, with an empty home."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PYTHON = str(Path(sys.base_prefix, "bin", "python3"))
"""The newcomer's: the one of this environment has no pip."""

BLOCKS: list[str] = re.findall(r"(?s)```sh\n(.*?)```", README)


@pytest.fixture
def copy() -> Iterator[Path]:
    """What git would clone, with what is not committed yet; where also root's Postgres can reach it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with tempfile.TemporaryDirectory(prefix="chat-history-copy-") as name:
        Path(name).chmod(0o711)
        for file in listed.stdout.splitlines():
            if (ROOT / file).is_file():
                target = Path(name, "clone", file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, target)
        yield Path(name)


def commands() -> list[str]:
    return BLOCKS[0].splitlines()


def environment(copy: Path) -> dict[str, str]:
    names = {name.upper() for name in Settings.model_fields} | {"PYTHONPATH", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in names and "PYTEST" not in name}
    (copy / "home").mkdir()
    kept["PATH"] = os.pathsep.join(
        folder for folder in kept["PATH"].split(os.pathsep) if not Path(folder).is_relative_to(sys.prefix)
    )
    return {**kept, "HOME": str(copy / "home"), "DATA_DIR": str(copy / "data"), "PORT": "0"}


def test_the_first_block_has_two_commands() -> None:
    assert len(commands()) == 2
    assert all(command.startswith("python3 backend/run.py ") for command in commands())


def test_the_first_command_serves_and_the_examples_work(copy: Path) -> None:
    here = environment(copy)
    words = commands()[0].split()
    server = subprocess.Popen(
        [PYTHON, *words[1:]], cwd=copy / "clone", env=here, stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if line.startswith("Serving "):
                break
        assert said[-1].startswith("Serving "), "".join(said)
        address = said[-1].split()[1]
        assert '<chat-bot accounts="local"' in httpx.get(address, timeout=60).text
        example = BLOCKS[1].replace("http://127.0.0.1:8000", address)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert '"status":"complete"' in ran.stdout
        assert "data: [DONE]" in ran.stdout
        assert ran.stdout.lower().count("buy milk") >= 4
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        server.stderr.close()


def test_the_second_command_finds_the_tests(copy: Path) -> None:
    here = environment(copy)
    words = commands()[1].split()
    ran = subprocess.run(
        [PYTHON, *words[1:], "--collect-only", "-q", "-n0"],
        cwd=copy / "clone",
        env=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "tests/test_readme.py::test_the_first_block_has_two_commands" in ran.stdout


def test_links_lead_somewhere_and_operations_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_no_registry_and_no_machine_is_named() -> None:
    hosts = "|".join((r"pypi\.org", r"pythonhosted\.org", r"npmjs\.org", r"deb\.debian\.org"))
    found = subprocess.run(
        ["git", "grep", "-nIE", hosts, "--", ".", ":!tests/test_readme.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
