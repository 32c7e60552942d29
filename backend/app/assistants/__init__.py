"""Makes the assistant that the settings name."""

from ..errors import SetupError
from ..settings import Settings
from .base import Assistant
from .custom import custom_assistant
from .providers import PROVIDERS

OFFLINE = "todo"
"""The assistant that needs no language model."""


def make_assistant(settings: Settings) -> Assistant:
    """Returns the assistant that CHAT_MODEL names.

    Raises SetupError, which names the setting, if there is no such assistant, if its key or address cannot be
    used, or if the code of a custom assistant raises.
    """
    # Imported only where they are named: a grammar and libraries that take long to load.
    if settings.chat_model == OFFLINE:
        from .todo import TodoAssistant

        return TodoAssistant()
    prefix, _, model = settings.chat_model.partition(":")
    if prefix not in PROVIDERS:
        return custom_assistant(settings)
    if not model:
        raise SetupError(f"CHAT_MODEL: names no assistant: write {prefix}:MODEL")
    from .remote import remote_assistant

    return remote_assistant(settings, prefix, model)
