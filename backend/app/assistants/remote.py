"""Makes the assistant for a provider's model from the settings."""

import re

import httpx

from ..errors import SetupError
from ..settings import Settings
from .endpoint import Endpoint
from .model import ModelAssistant
from .providers import PROVIDERS, Provider

_KEY = re.compile(r"[!-~]+")


def remote_assistant(settings: Settings, prefix: str, model: str) -> ModelAssistant:
    """Returns the assistant for a model of the provider that `prefix` stands for.

    Raises SetupError, which names the setting, if the key or address cannot be used.
    """
    provider = PROVIDERS[prefix]
    endpoint = Endpoint(
        _base_url(settings, provider), _key(settings, prefix), settings.model_first_token_seconds
    )
    return ModelAssistant(
        settings.chat_model,
        endpoint,
        provider,
        model=model,
        system_prompt=settings.system_prompt,
        offers_tools=settings.model_tools,
    )


def _base_url(settings: Settings, provider: Provider) -> str:
    if settings.openai_base_url is None:
        return provider.base_url
    try:
        url = httpx.URL(settings.openai_base_url)
    except httpx.InvalidURL:
        raise SetupError("OPENAI_BASE_URL: is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment or url.userinfo:
        raise SetupError("OPENAI_BASE_URL: write https://host/path, as in https://api.openai.com/v1")
    return str(url)


def _key(settings: Settings, prefix: str) -> str | None:
    """The provider's key: MODEL_API_KEY, or for `openai:` OPENAI_API_KEY, which no other prefix uses."""
    name, secret = "MODEL_API_KEY", settings.model_api_key
    if secret is None and prefix == "openai":
        name, secret = "OPENAI_API_KEY", settings.openai_api_key
    if secret is None:
        if PROVIDERS[prefix].needs_key and settings.openai_base_url is None:
            raise SetupError(f"{name}: needed with CHAT_MODEL={prefix}:...")
        return None
    key = secret.get_secret_value().strip()
    if not _KEY.fullmatch(key):
        raise SetupError(f"{name}: has characters that no key has")
    return key
