"""Which assistant the settings name, with what it asks its provider, and how it names conversations."""

import asyncio
from typing import Any

import pytest

from app.assistants import make_assistant
from app.assistants.base import Assistant, GivesTitles
from app.assistants.model import ModelAssistant
from app.assistants.providers import PROVIDERS
from app.assistants.todo import TodoAssistant
from app.errors import SetupError
from app.main import create_app
from app.settings import Settings
from model_server import Answer, ModelServer, completes, refuses, says, serving
from model_talk import talk, with_assistant
from support import SECRET

NEEDING_A_KEY = [prefix for prefix, provider in PROVIDERS.items() if provider.needs_key]


def make(**given: Any) -> Assistant:
    return make_assistant(Settings(_env_file=None, **given))


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_offline_assistant_is_the_default() -> None:
    assert isinstance(make(), TodoAssistant)


@pytest.mark.parametrize("prefix", PROVIDERS)
def test_a_model_is_named_with_its_provider(prefix: str) -> None:
    assistant = make(chat_model=f"{prefix}:a/model:free", model_api_key="key")
    assert isinstance(assistant, ModelAssistant)
    assert isinstance(assistant, GivesTitles)
    assert assistant.name == f"{prefix}:a/model:free"
    asyncio.run(assistant.close())


@pytest.mark.parametrize("prefix", PROVIDERS)
def test_each_provider_is_asked_for_what_it_understands(prefix: str) -> None:
    with serving(says("ok")) as server:
        server.title = completes("A title")
        talk(server, chat_model=f"{prefix}:a/model:free", model_api_key=" key\n")
        title(server, chat_model=f"{prefix}:m")
        [asked, named] = server.requests
    assert asked.body["model"] == "a/model:free"
    assert asked.headers["authorization"] == "Bearer key"
    assert ("stream_options" in asked.body) == (prefix != "mistral")
    assert ("max_completion_tokens" in named.body) == (prefix == "openai")
    assert ("max_tokens" in named.body) == (prefix != "openai")
    assert "stream" not in named.body
    assert "tools" not in named.body


@pytest.mark.parametrize("prefix", NEEDING_A_KEY)
def test_a_missing_key_is_refused_by_name(prefix: str) -> None:
    given = {"chat_model": f"{prefix}:m"}
    with pytest.raises(SetupError, match="OPENAI_API_KEY" if prefix == "openai" else "MODEL_API_KEY"):
        make(**given)
    make(**given, model_api_key="key")
    make(**given, openai_base_url="http://127.0.0.1:8080/v1")


def test_the_key_of_openai_is_sent_to_no_other_provider() -> None:
    with serving(says("ok")) as server:
        talk(server, openai_api_key="sk-1")
        talk(server, openai_api_key="sk-1", model_api_key="key")
        talk(server, openai_api_key="sk-1", chat_model="groq:m")
        keys = [asked.headers.get("authorization") for asked in server.requests]
    assert keys == ["Bearer sk-1", "Bearer key", None]
    with pytest.raises(SetupError, match="MODEL_API_KEY"):
        make(chat_model="groq:m", openai_api_key="sk-1")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"chat_model": "gpt"}, "CHAT_MODEL: names no assistant"),
        ({"chat_model": "nobody:gpt"}, "CHAT_MODEL: names no assistant"),
        ({"chat_model": "openai:"}, "CHAT_MODEL: names no assistant"),
        ({"chat_model": ":gpt"}, "CHAT_MODEL: names no assistant"),
        ({"chat_model": "openai:m", "openai_base_url": "127.0.0.1:80"}, "OPENAI_BASE_URL"),
        ({"chat_model": "openai:m", "openai_base_url": "ftp://x.example"}, "OPENAI_BASE_URL"),
        ({"chat_model": "openai:m", "openai_base_url": "https://"}, "OPENAI_BASE_URL"),
        ({"chat_model": "openai:m", "openai_base_url": "https://x.example:port"}, "OPENAI_BASE_URL"),
        ({"chat_model": "openai:m", "openai_base_url": "https://user:pass@x.example"}, "OPENAI_BASE_URL"),
        ({"chat_model": "openai:m", "openai_api_key": "two words"}, "OPENAI_API_KEY"),
        ({"chat_model": "groq:m", "model_api_key": "schlüssel"}, "MODEL_API_KEY"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_not_served(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SetupError) as refused:
        make(**given)
    assert sentence in str(refused.value)
    assert "two words" not in str(refused.value)
    database: dict[str, Any] = {"database_url": "postgresql://localhost/x", "secret_key": SECRET}
    create_app(Settings(_env_file=None, **database))
    with pytest.raises(SetupError, match=sentence):
        create_app(Settings(_env_file=None, **database, **given))


def test_providers_are_asked_over_https_unless_they_are_here() -> None:
    for prefix, provider in PROVIDERS.items():
        assert provider.base_url.startswith("http://127.0.0.1:" if prefix == "ollama" else "https://")


def title(server: ModelServer, question: str = "How?", answer: str = "So.", **changes: Any) -> str | None:
    async def ask(assistant: ModelAssistant) -> str | None:
        return await assistant.title(question, answer)

    return with_assistant(server, ask, **changes)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("Holiday plans", "Holiday plans"),
        ('  "Holiday plans."\nIt fits well.', "Holiday plans"),
        ("**Title: „Urlaub“**", "Urlaub"),
        ("# Holiday  plans", "Holiday plans"),
        ("<think>\nHm, a title.\n</think>\n\nHoliday plans", "Holiday plans"),
        ("<think>\nHm, a title", None),
        ("Holi\0day \ud800 plans", "Holiday ? plans"),
        ("word " * 40, "word " * 14 + "word…"),
        ('""', None),
        ("", None),
    ],
)
def test_a_title_is_one_clean_line(said: str, named: str | None) -> None:
    with serving(says("x")) as server:
        server.title = completes(said)
        assert title(server) == named


def test_a_title_is_asked_for_with_the_beginning_of_both_texts() -> None:
    with serving(says("x")) as server:
        server.title = completes("Title")
        title(server, "q" * 9_000, "a" * 9_000)
        [asked] = server.requests
    assert asked.body["messages"][1] == {"role": "user", "content": "q" * 2_000 + "\n\n" + "a" * 2_000}


@pytest.mark.parametrize(
    "answer",
    [
        refuses(401),
        refuses(429, retry_after="0"),
        refuses(500),
        Answer(["cut"]),
        Answer([b"{}"]),
        Answer([b"{"]),
        Answer([b"[" * 50_000]),
        Answer([b'{"choices": [{"message": {"content": null}}]}']),
        Answer([b" " * 65_536, b" ", b'{"choices": [{"message": {"content": "x"}}]}']),
    ],
)
def test_without_a_sensible_answer_there_is_no_title(answer: Answer) -> None:
    with serving(says("x")) as server:
        server.title = answer
        assert title(server) is None
        assert len(server.requests) == 1
