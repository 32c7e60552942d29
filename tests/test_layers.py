"""The shape of the product: imports point one way, libraries stay where they belong, nothing is too long."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = ROOT / "backend" / "app"

ARROWS = {
    # a part of the product: the parts that it may import, all of them further down
    "asgi": "main settings logs",
    "cli": "terminal server main doctor purge accounts assistants repositories db models tokens settings logs"
    " errors",
    "terminal": "models errors",
    "server": "protocol api errors",
    "protocol": "outgoing api errors",
    "outgoing": "",
    "main": "api web turns accounts watch limits verifier assistants repositories db metrics settings spans"
    " logs errors",
    "purge": "repositories db models settings errors",
    "doctor": "verifier jwks assistants db models settings errors",
    "api": "turns accounts watch limits verifier repositories db models tokens settings metrics spans logs"
    " snippet words errors",
    "web": "",
    "turns": "assistants repositories db models titles metrics spans logs errors",
    "accounts": "repositories models tokens passwords errors",
    "watch": "repositories models logs",
    "assistants": "repositories models titles settings errors",
    "repositories": "db models titles words errors",
    "verifier": "jwks tokens settings errors",
    "jwks": "tokens errors",
    "db": "spans settings errors",
    "tokens": "errors",
    "settings": "limits values errors",
    "limits": "",
    "values": "",
    "models": "errors",
    "titles": "",
    "snippet": "words",
    "words": "",
    "passwords": "",
    "metrics": "",
    "spans": "",
    "logs": "sink",
    "sink": "",
    "errors": "",
}

LIBRARIES = {
    # what it is: the only parts or modules that may know it
    "alembic": "db.migrations",
    "cryptography": "tokens jwks verifier",
    "fastapi": "api main server web",
    "httpx": "jwks assistants",
    "jose": "tokens",
    "opentelemetry": "spans",
    "os.environ": "db.installation db.url spans",  # what is meant for other servers and libraries
    "platformdirs": "settings",
    "prometheus_client": "metrics api.operations",
    "psycopg2": "db",
    "pwdlib": "passwords",
    "pydantic": "api assistants limits models settings values cli",
    "pydantic_ai": "assistants.pydantic_agent",
    "pydantic_core": "api assistants models turns",
    "pydantic_settings": "settings",
    "sqlalchemy": "repositories models db doctor",
    "sqlmodel": "repositories models",
    "starlette": "api web",
    "typer": "cli terminal",
    "uvicorn": "server protocol",
}

FILE_LINES = 300
FILE_LINES_AIMED_AT = 200
FUNCTION_LINES = 60


@dataclass(frozen=True)
class Source:
    """A file of the product."""

    module: str
    """Such as `db.url`; a package is called like its folder."""
    text: str
    package: bool = False

    @property
    def part(self) -> str:
        return self.module.partition(".")[0]

    def own(self) -> Iterator[str]:
        """The modules of the product that it imports, wherever in the text."""
        package = self.module.split(".") if self.package else self.module.split(".")[:-1]
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = package[: len(package) - node.level + 1]
                module = [*above, *(node.module or "").split(".")] if node.module else above
                yield from (".".join([*module, name.name]) for name in node.names)

    def foreign(self) -> Iterator[str]:
        """The libraries that it imports, and `os.environ` if it touches that."""
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Import):
                yield from (name.name.partition(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module is not None
                yield node.module.partition(".")[0]
                if node.module == "os" and {"environ", "getenv"} & {name.name for name in node.names}:
                    yield "os.environ"
            elif isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"):
                yield "os.environ"


SOURCES = [
    Source(
        ".".join(path.relative_to(APP).with_suffix("").parts).removesuffix(".__init__"),
        path.read_text(),
        package=path.name == "__init__.py",
    )
    for path in sorted(APP.rglob("*.py"))
    if path != APP / "__init__.py"
]


def wrong_arrows(source: Source) -> list[str]:
    """What it imports of the product against the arrows."""
    allowed = {source.part, *ARROWS[source.part].split()}
    return [module for module in source.own() if module.partition(".")[0] not in allowed]


def wrong_libraries(source: Source) -> list[str]:
    """What it imports that is not its business, or that nobody has decided about."""
    known = {*LIBRARIES, *sys.stdlib_module_names}
    return [
        name
        for name in source.foreign()
        if name not in known
        or (name in LIBRARIES and not {source.part, source.module} & set(LIBRARIES[name].split()))
    ]


def too_long(source: Source) -> list[str]:
    """The file, if it is too long, and its functions that are."""
    functions = (
        node
        for node in ast.walk(ast.parse(source.text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    long = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > FUNCTION_LINES]
    lines = len(source.text.splitlines())
    return [f"{source.module}: {lines} lines"] * (lines > FILE_LINES) + long


def test_the_arrows_point_one_way() -> None:
    parts = list(ARROWS)
    for place, part in enumerate(parts):
        assert set(ARROWS[part].split()) <= set(parts[place + 1 :]), part


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.module)
def test_a_file_keeps_to_the_shape(source: Source) -> None:
    assert source.part in ARROWS, "a new part of the product: draw its arrows"
    assert wrong_arrows(source) == []
    assert wrong_libraries(source) == []
    assert too_long(source) == []


def test_no_arrow_and_no_permission_is_left_over() -> None:
    used = {(source.part, module.partition(".")[0]) for source in SOURCES for module in source.own()}
    drawn = {(part, other) for part, others in ARROWS.items() for other in others.split()}
    assert drawn - used == set()
    known = {
        (name, place)
        for source in SOURCES
        for name in source.foreign()
        for place in (source.part, source.module)
    }
    allowed = {(name, place) for name, places in LIBRARIES.items() for place in places.split()}
    assert allowed - known == set()


def test_most_files_are_short() -> None:
    lengths = {source.module: len(source.text.splitlines()) for source in SOURCES}
    long = {module: lines for module, lines in lengths.items() if lines > FILE_LINES_AIMED_AT}
    print(f"{len(SOURCES)} files, {sum(lengths.values())} lines; above {FILE_LINES_AIMED_AT}: {long}")
    assert len(long) < len(SOURCES) / 4


@pytest.mark.parametrize(
    ("module", "text", "mistakes"),
    [
        ("db.planted", "from ..repositories.base import Page", ["repositories.base.Page"]),
        ("db.planted", "from .. import turns", ["turns"]),
        ("repositories.planted", "def later():\n    from ..api import deps", ["api.deps"]),
        ("models.planted", "from ..settings import Settings", ["settings.Settings"]),
        ("errors", "from .settings import Settings", ["settings.Settings"]),
        ("assistants.todo.planted", "from ...db.database import Database", ["db.database.Database"]),
        ("assistants.todo.planted", "from ..base import Prompt\nfrom .work import Work", []),
        ("turns", "import fastapi", ["fastapi"]),
        ("turns", "from fastapi.routing import APIRoute", ["fastapi"]),
        ("api.chat", "import sqlalchemy.orm", ["sqlalchemy"]),
        ("api.chat", "from psycopg2.extensions import QuotedString", ["psycopg2"]),
        ("api.deps", "from jose import jwt", ["jose"]),
        ("turns.planted", "import httpx", ["httpx"]),
        ("turns", "import os\nHOME = os.environ['HOME']", ["os.environ"]),
        ("turns", "from os import getenv", ["os.environ"]),
        ("api.chat", "import requests", ["requests"]),
        ("db.planted", "import psycopg2, asyncio\nfrom ..errors import SetupError", []),
        ("turns", "def f():\n" + "    pass\n" * 60, ["f: 61 lines"]),
        ("turns", "async def f():\n" + "    pass\n" * 59, []),
        ("turns", "# text\n" * 301, ["turns: 301 lines"]),
        ("turns", "# text\n" * 300, []),
    ],
)  # fmt: skip
def test_a_planted_mistake_is_found(module: str, text: str, mistakes: list[str]) -> None:
    source = Source(module, text)
    assert [*wrong_arrows(source), *wrong_libraries(source), *too_long(source)] == mistakes


WATCHED = """
import importlib, sys, threading

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 0b11
    if writes or event in (
        "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.fork",
        "os.remove", "os.rename",
    ):
        print("did", event, arguments)

sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
    if threading.active_count() > 1:
        print("started a thread:", name)
"""


def imported(folder: Path, *modules: str) -> "subprocess.CompletedProcess[str]":
    """Imports modules in a new process with an empty environment, and prints what that does."""
    return subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, *modules],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_happens_on_import(tmp_path: Path) -> None:
    modules = [f"app.{source.module}" for source in SOURCES if source.module != "asgi"]
    outcome = imported(tmp_path, *modules)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
    print(f"0 effects of {len(modules)} imports")


def test_what_happens_on_import_would_be_noticed(tmp_path: Path) -> None:
    planted = "import socket, threading\nopen('left', 'w').close()\nthreading.Timer(0.1, print).start()"
    (tmp_path / "planted.py").write_text(planted)
    outcome = imported(tmp_path, "planted")
    assert "did open ('left', 'w'" in outcome.stdout
    assert "started a thread: planted" in outcome.stdout


def test_the_application_of_the_environment_needs_one(tmp_path: Path) -> None:
    outcome = imported(tmp_path, "app.asgi")
    assert outcome.returncode == 1
    assert "app.errors.SetupError: DATABASE_URL: not set." in outcome.stderr
