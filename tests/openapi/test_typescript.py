"""A TypeScript client made from the document: it compiles strictly, and works against the service."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from openapi.document import Document
from support import Service

CLIENT = Path(__file__).parent / "client"

MISTAKES = {
    '"/api/auth/me")).email': '"/api/auth/you")).email',
    "{ completed: true }": '{ completed: "yes" }',
    "turn.reply.status;": "turn.reply.seq;",
    'role: "user", content': 'role: "nobody", content',
    "reply_id: turn.reply.id": "reply: turn.reply.id",
    'trigger: "submit-message"': 'trigger: "say"',
    'format: "ui"': 'format: "html"',
    "problem?.code": "problem?.reason",
    '{ title: "Summer holiday" }': "{ title: 7 }",
}
"""What the types must refuse."""

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None, reason="node and npm are not installed"
)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_generated_client_uses_every_operation(
    service: Service, document: Document, tmp_path: Path
) -> None:
    for file in CLIENT.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "openapi.json").write_text(json.dumps(document.content))
    for command in (
        ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"),
        ("node_modules/.bin/openapi-typescript", "openapi.json", "--output", "api.ts"),
        ("node_modules/.bin/tsc",),
    ):
        done = run(tmp_path, *command)
        assert done.returncode == 0, done.stdout + done.stderr

    done = run(tmp_path, "node", "built/program.js", service.url)
    assert done.returncode == 0, done.stderr
    called = json.loads(done.stdout)
    assert called == sorted(f"{one.method.upper()} {one.path}" for one in document.operations)
    print(f"{len(called)} operations called through the generated client, 0 refused")

    program = (CLIENT / "program.ts").read_text()
    for right, wrong in MISTAKES.items():
        assert program.count(right) == 1
        program = program.replace(right, wrong)
    (tmp_path / "program.ts").write_text(program)
    refused = run(tmp_path, "node_modules/.bin/tsc", "--noEmit").stdout
    lines = program.splitlines()
    for wrong in MISTAKES.values():
        (line,) = (number for number, text in enumerate(lines, 1) if wrong in text)
        assert f"program.ts({line}," in refused, f"{wrong} was accepted: {refused}"


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((CLIENT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 3
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)
