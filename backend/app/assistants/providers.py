"""The model providers that a prefix of CHAT_MODEL stands for.

All of them offer OpenAI's chat completions; this module states how each one differs.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's server, and how it differs from OpenAI's documentation."""

    base_url: str
    needs_key: bool = True
    counts_on_request: bool = True
    """Whether it only counts tokens on request. The one that always counts them rejects the option."""
    limit: str = "max_tokens"
    """Its name for the maximum number of tokens in an answer."""


PROVIDERS = {
    "anthropic": Provider("https://api.anthropic.com/v1"),
    "google": Provider("https://generativelanguage.googleapis.com/v1beta/openai"),
    "groq": Provider("https://api.groq.com/openai/v1"),
    "mistral": Provider("https://api.mistral.ai/v1", counts_on_request=False),
    "ollama": Provider("http://127.0.0.1:11434/v1", needs_key=False),
    "openai": Provider("https://api.openai.com/v1", limit="max_completion_tokens"),
    "openrouter": Provider("https://openrouter.ai/api/v1"),
}
