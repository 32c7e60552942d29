"""Where models are served: what a prefix of CHAT_MODEL stands for.

All of them speak OpenAI's chat completions; what each does otherwise is said here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """A server of models, and how it differs from what OpenAI's documentation says."""

    base_url: str
    needs_key: bool = True
    counts_on_request: bool = True
    """Whether it must be asked for token counts. The one that need not be refuses the question."""
    limit: str = "max_tokens"
    """What it calls the most tokens an answer may have."""


PROVIDERS = {
    "anthropic": Provider("https://api.anthropic.com/v1"),
    "google": Provider("https://generativelanguage.googleapis.com/v1beta/openai"),
    "groq": Provider("https://api.groq.com/openai/v1"),
    "mistral": Provider("https://api.mistral.ai/v1", counts_on_request=False),
    "ollama": Provider("http://127.0.0.1:11434/v1", needs_key=False),
    "openai": Provider("https://api.openai.com/v1", limit="max_completion_tokens"),
    "openrouter": Provider("https://openrouter.ai/api/v1"),
}
