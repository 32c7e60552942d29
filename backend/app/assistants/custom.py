"""Custom assistants, which CHAT_MODEL names as `package.module:name` or by an installed entry point."""

import inspect
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import cast

from ..errors import SetupError
from ..settings import Settings
from .base import Assistant
from .providers import PROVIDERS

GROUP = "chat_history.assistants"
"""The group of the entry points."""


def custom_assistant(settings: Settings) -> Assistant:
    """Returns the assistant that CHAT_MODEL names; a class or factory is called with the settings.

    Raises SetupError if nothing is found, if it is not an assistant, or if its code raises.
    """
    name = settings.chat_model
    found = _found(name)
    if callable(found) and (inspect.isclass(found) or not hasattr(found, "reply")):
        try:
            inspect.signature(found).bind(settings)
        except (TypeError, ValueError):
            raise SetupError(f"CHAT_MODEL: {name} does not take the settings as its one argument") from None
        try:
            found = found(settings)
        except Exception as error:
            raise _broken(name, error) from error
    if missing := _missing(found):
        raise SetupError(f"CHAT_MODEL: {name} is no assistant: it needs {missing}")
    return cast("Assistant", found)


def _found(name: str) -> object:
    reason: object = f"{GROUP} has no entry point {name!r}"
    try:
        if ":" in name:
            return resolve_name(name)
        for entry in entry_points(group=GROUP, name=name):
            return entry.load()
    except (ImportError, AttributeError, ValueError) as error:
        reason = error
    except Exception as error:
        raise _broken(name, error) from error
    raise SetupError(
        f"CHAT_MODEL: names no assistant: {reason}. It can be todo, PROVIDER:MODEL with one of "
        f"{', '.join(PROVIDERS)}, package.module:name on PYTHONPATH, or an installed entry point."
    )


def _broken(name: str, error: Exception) -> SetupError:
    return SetupError(f"CHAT_MODEL: {name} raises {type(error).__name__}: {error}")


def _missing(found: object) -> str | None:
    if not isinstance(getattr(found, "name", None), str):
        return "a text `name`"
    reply = getattr(found, "reply", None)
    if not callable(reply) or inspect.iscoroutinefunction(reply):
        return "a method `reply` that yields events"
    return None
