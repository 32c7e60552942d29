"""Makes the assistant that the settings name."""

from ..errors import SetupError
from ..settings import Settings
from .base import Assistant
from .custom import custom_assistant
from .providers import PROVIDERS
from .todo import TodoAssistant


def make_assistant(settings: Settings) -> Assistant:
    """Returns the assistant that CHAT_MODEL names.

    Raises SetupError, which names the setting, if there is no such assistant, if its key or address cannot be
    used, or if the code of a custom assistant raises.
    """
    if settings.chat_model == TodoAssistant.name:
        return TodoAssistant()
    prefix, _, model = settings.chat_model.partition(":")
    if prefix not in PROVIDERS:
        return custom_assistant(settings)
    if not model:
        raise SetupError(f"CHAT_MODEL: names no assistant: write {prefix}:MODEL")
    from .remote import remote_assistant

    return remote_assistant(settings, prefix, model)
