"""The service with an assistant whose faults quote the user: `uvicorn --factory input.quoting:make_app`."""

from collections.abc import AsyncIterator

from fastapi import FastAPI

from app import logs
from app.assistants.base import Prompt
from app.main import create_app
from app.models.events import Event, TextDelta
from app.settings import read_settings


class Quoting:
    """Says the question, and then raises it."""

    name = "quoting"

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        question = prompt.messages[-1].content
        yield TextDelta(question)
        raise RuntimeError(question) from KeyError(question)


def make_app() -> FastAPI:
    settings = read_settings()
    logs.configure(settings.log_level)
    return create_app(settings, Quoting())
