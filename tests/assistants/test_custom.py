"""Assistants of one's own: plugged in by name, as the page in the documentation says."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from app.assistants import make_assistant
from app.assistants.providers import PROVIDERS
from app.errors import SetupError
from app.settings import Settings
from support import Service

Serve = Callable[..., AbstractContextManager[Service]]

PAGE = (Path(__file__).parents[2] / "backend/docs/assistants.md").read_text()
EXAMPLE, AGENT = re.findall(r"(?s)```python\n(.*?)```", PAGE)


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes a module that can be imported for the length of a test."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(module: str, code: str) -> None:
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return write


PlugIn = Callable[[str, str], None]


def reply_to(serve_with: Serve, chat_model: str, message: str) -> dict[str, Any]:
    """What the assistant of that name answers through the service to a user with one todo."""
    with serve_with(chat_model=chat_model) as service:
        user = service.user("a@example.com")
        user.post("/api/todos", {"title": "Milk"})
        session = user.post("/api/chat/start").json()["session_id"]
        return dict(user.post(f"/api/chat/{session}/message", {"message": message}).json()["reply"])


def make(chat_model: str) -> Any:
    return make_assistant(Settings(_env_file=None, chat_model=chat_model))


def refused(chat_model: str) -> str:
    with pytest.raises(SetupError, match=r"^CHAT_MODEL: ") as refusal:
        make(chat_model)
    return str(refusal.value)


def test_the_example_of_the_page_works_and_is_short(serve_with: Serve, plug_in: PlugIn) -> None:
    assert EXAMPLE.count("\n") < 20
    plug_in("counter", EXAMPLE)
    reply = reply_to(serve_with, "counter:assistant", "Hello")
    assert reply["content"] == "Let me look. \n\nYou have 1 todos, and said 'Hello'."
    assert [part["type"] for part in reply["parts"]] == ["text", "tool-count_todos", "text"]
    assert reply["parts"][1]["output"] == 1
    assert (reply["model"], reply["status"], reply["finish_reason"]) == ("counter", "complete", "stop")


def test_the_agent_of_the_page_works(serve_with: Serve, plug_in: PlugIn) -> None:
    if importlib.util.find_spec("pydantic_ai") is None:
        pytest.skip("the extra pydantic-ai is not installed")
    # A model of the library that uses each tool once, in place of one on the internet.
    plug_in("agent", AGENT.replace("anthropic:claude-sonnet-4-5", "test"))
    reply = reply_to(serve_with, "agent:assistant", "Hello")
    assert (reply["model"], reply["status"]) == ("test:test", "complete")
    assert "tool-list_todos" in [part["type"] for part in reply["parts"]]


def test_the_library_is_loaded_for_its_agents_only() -> None:
    code = "import app.main, sys; sys.exit('pydantic_ai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_installed_package_gives_its_assistant_a_name(
    serve_with: Serve, plug_in: PlugIn, tmp_path: Path
) -> None:
    [table] = re.findall(r"(?s)```toml\n(.*?)```", PAGE)
    [(group, name, value)] = re.findall(r'entry-points\."(.+)"\]\n(\w+) = "(.+)"', table)
    plug_in("counter", EXAMPLE)
    described = tmp_path / "counter-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: counter\nVersion: 1\n")
    (described / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\nbroken = nowhere:at_all\n")
    assert reply_to(serve_with, name, "Hello")["model"] == "counter"
    assert "No module named 'nowhere'" in refused("broken")
    assert "chat_history.assistants has no entry point 'counted'" in refused("counted")


@pytest.mark.parametrize("maker", ["Echo", "make", "Echo.made"])
def test_what_takes_the_settings_makes_the_assistant(plug_in: PlugIn, maker: str) -> None:
    plug_in(
        "echo",
        "class Echo:\n"
        "    def __init__(self, settings): self.name = settings.system_prompt\n"
        "    async def reply(self, prompt): yield\n"
        "    @classmethod\n"
        "    def made(cls, settings): return cls(settings)\n"
        "def make(settings): return Echo(settings)\n",
    )
    assert make(f"echo:{maker}").name == Settings(_env_file=None).system_prompt


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nobody:assistant", "names no assistant: No module named 'nobody'. It can be todo, PROVIDER:MODEL"),
        ("plugged:nothing", "names no assistant: module 'plugged' has no attribute 'nothing'"),
        ("needing:assistant", "names no assistant: No module named 'what_it_needs'"),
        ("plugged:", "plugged: is no assistant: it needs a text `name`"),
        (":assistant", "names no assistant: invalid format"),
        ("plugged:number", "is no assistant: it needs a text `name`"),
        ("plugged:nameless", "is no assistant: it needs a text `name`"),
        ("plugged:mute", "is no assistant: it needs a method `reply` that yields"),
        ("plugged:waiting", "is no assistant: it needs a method `reply` that yields"),
        ("plugged:Waiting", "plugged:Waiting does not take the settings as its one argument"),
        ("plugged:without", "plugged:without does not take the settings as its one argument"),
        ("plugged:gives_nothing", "is no assistant: it needs a text `name`"),
    ],
)
def test_what_is_no_assistant_is_refused(plug_in: PlugIn, name: str, sentence: str) -> None:
    plug_in("needing", "import what_it_needs\n")
    plug_in(
        "plugged",
        "from types import SimpleNamespace\n"
        "number = 1\n"
        "class Waiting:\n"
        "    name = 'waiting'\n"
        "    async def reply(self, prompt): pass\n"
        "waiting = Waiting()\n"
        "nameless = SimpleNamespace(reply=print)\n"
        "mute = SimpleNamespace(name='mute')\n"
        "def without(): pass\n"
        "def gives_nothing(settings): pass\n",
    )
    assert sentence in refused(name)


@pytest.mark.parametrize("name", ["faulty:make", "faulty:Made", "broken:assistant"])
def test_a_fault_of_its_own_is_told(plug_in: PlugIn, name: str) -> None:
    plug_in("broken", "1 / 0\n")
    plug_in(
        "faulty",
        "def make(settings): return 1 / 0\nclass Made:\n    def __init__(self, settings): make(settings)\n",
    )
    assert refused(name) == f"CHAT_MODEL: {name} raises ZeroDivisionError: division by zero"


def test_the_page_names_every_provider_and_only_settings_that_are() -> None:
    assert re.findall(r"(?m)^\| `(\w+):` \|", PAGE) == list(PROVIDERS)
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))
    settings = {name.upper() for name in Settings.model_fields}
    assert named <= settings
    assert {name for name in settings if "MODEL" in name or "OPENAI" in name} <= named
