"""The settings of the service. Each has a name, a default and a description."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import platformdirs
from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import SetupError
from .limits import Quotas
from .values import Lifetime, Listed, Origins, Proxies, Seconds

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
Names = Annotated[tuple[str, ...], NoDecode, Listed]

BULK_CONNECTIONS = 2
"""How many exports, and how many erasures, a process runs at a time. Others are asked to come back."""

SECRET_BYTES = 32
"""HS256 requires a key at least as long as its output (RFC 7518, section 3.2)."""

OF_AN_ISSUER = (
    "jwt_issuer",
    "jwt_audience",
    "jwt_authorized_parties",
    "jwt_required_claims",
    "jwt_algorithms",
)
"""Settings that only an external issuer needs."""


class Settings(Quotas, BaseSettings):
    """Reads the settings from the environment and from `.env`; arguments take precedence over both."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = Field(
        None,
        description="Postgres, as its provider prints the address; pooled is fine. "
        "Empty: an embedded server under DATA_DIR.",
    )
    database_url_unpooled: SecretStr | None = Field(
        None, description="A direct address for migrations. Empty: DATABASE_URL without Neon's `-pooler`."
    )
    allow_plaintext_database: bool = Field(
        False, description="Accept a database on another host without TLS: only for a private network."
    )
    database_pool_size: PositiveInt = Field(
        8,
        le=1000,
        description=f"Connections a process may open, and {2 * BULK_CONNECTIONS} more for exports and "
        "erasures. For a database that is far away, 32 is good.",
    )
    database_pool_timeout: Seconds = Field(
        5, description="Seconds a request waits for a free connection before it is answered with 503."
    )
    database_timeout: Seconds = Field(
        5, description="Seconds one statement may take before it is answered with 503."
    )
    database_idle_seconds: Seconds = Field(
        240,
        description="Seconds after which an idle connection is replaced; "
        "below the provider's suspension time (Neon: 300).",
    )
    data_dir: Path | None = Field(
        None,
        description="Where the embedded server keeps its data. "
        "Empty: the user's data directory, or /var/lib/chat-history for root.",
    )

    secret_key: SecretStr | None = Field(
        None,
        description="Signs this service's own tokens: at least 32 bytes. "
        "Needed with DATABASE_URL unless tokens come from an issuer.",
    )
    registration: bool = Field(
        True,
        description="Whether anybody may make an account. If not, `chat-history user create` makes them.",
    )
    token_lifetime: Lifetime = Field(86_400, description="Seconds a token of this service is valid.")
    jwt_jwks_url: str | None = Field(
        None,
        description="Where an external issuer publishes its keys. "
        "Setting it, or JWT_PUBLIC_KEY, turns local accounts off.",
    )
    jwt_public_key: str | None = Field(
        None, description="The external issuer's public key as PEM, in place of JWT_JWKS_URL."
    )
    jwt_algorithms: Annotated[tuple[Algorithm, ...], NoDecode, Listed] = Field(
        ("RS256", "ES256", "EdDSA"), description="What the external issuer may sign with."
    )
    jwt_issuer: str | None = Field(
        None, description="The external issuer's `iss`, to the letter. Needed with an external issuer."
    )
    jwt_audience: Names = Field(
        (), description="Accepted `aud` values. Empty: tokens with an audience are refused."
    )
    jwt_authorized_parties: Names = Field(
        (), description="Accepted `azp` values, such as the frontend's origin. Empty: any."
    )
    jwt_required_claims: Annotated[dict[str, Any], NoDecode] = Field(
        {}, description='Claims a token must carry, as JSON: {"role": "authenticated"}.'
    )
    jwt_leeway: Annotated[int, Field(ge=0, le=300)] = Field(
        30, description="Seconds by which the issuer's clock may differ. This service's tokens end on time."
    )

    chat_model: str = Field(
        "todo",
        description="Who answers: `todo`, which is offline, or a language model as PROVIDER:MODEL. "
        "Providers: anthropic, google, groq, mistral, ollama, openai, openrouter. "
        "Or your own assistant: `package.module:name`, or the name of an entry point.",
    )
    model_api_key: SecretStr | None = Field(
        None, description="The key of the model's provider. Empty with `openai:`: OPENAI_API_KEY."
    )
    openai_api_key: SecretStr | None = Field(
        None, description="The key for `openai:`. Sent to OPENAI_BASE_URL if set, and to no other provider."
    )
    openai_base_url: str | None = Field(
        None,
        description="Any server that speaks OpenAI's chat completions, in place of the provider's own: "
        "http://127.0.0.1:8080/v1. A key is then optional.",
    )
    model_tools: bool = Field(
        True,
        description="Whether the model may read and change the user's todos. "
        "Some small models refuse every request that offers tools.",
    )
    model_first_token_seconds: Seconds = Field(
        60,
        description="Seconds without a token, before the first or between two, after which the model "
        "counts as failed.",
    )
    system_prompt: str = Field(
        "You are a helpful assistant. Answer in the language of the question, in Markdown.",
        description="What a language model is told before the conversation.",
    )

    host: str = Field("127.0.0.1", description="The address to listen on; `::` for all.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        8000, description="The port to listen on; 0 picks a free one."
    )
    forwarded_allow_ips: Annotated[Proxies, NoDecode, Listed] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are "
        "believed. Without your proxy's, all its users are one address; with `*`, clients choose their own.",
    )
    cors_origins: Annotated[Origins, NoDecode, Listed] = Field(
        (), description="Origins of frontends served elsewhere, such as https://chat.example."
    )
    max_body_bytes: PositiveInt = Field(
        4_194_304,
        description="The largest request body that is read. The longest message, with each character "
        "escaped, has 3 MB. What is read before its sender is known has at most 64 KiB.",
    )
    max_running_turns: PositiveInt = Field(
        1_000, description="Replies that a process writes at the same time; more are answered with 503."
    )
    max_running_turns_per_user: PositiveInt = Field(
        16, description="The same for one user; more are answered with 429."
    )
    max_reply_seconds: Seconds = Field(
        300, description="Seconds after which a reply ends, with the text it has."
    )
    max_reply_characters: PositiveInt = Field(
        200_000, le=250_000, description="Characters after which a reply ends."
    )
    context_characters: PositiveInt = Field(
        100_000,
        le=1_000_000,
        description="Characters of a conversation that the assistant is shown, tools as JSON included: the "
        "newest whole turns. The new message counts, and is shown whatever its length.",
    )
    flushes_per_second: Annotated[float, Field(ge=0.1, le=100_000, allow_inf_nan=False)] = Field(
        100,
        description="Writes a second, in all, that keep running replies in the database up to date. "
        "Each waits 0.5 seconds at least and 3 at most.",
    )
    deleted_retention_days: NonNegativeInt = Field(
        30,
        le=36_500,
        description="Days for which a deleted conversation can be restored; "
        "`chat-history purge` removes what was deleted before.",
    )
    retention_days: PositiveInt | None = Field(
        None,
        le=36_500,
        description="Days without a message after which `chat-history purge` removes a conversation that is "
        "not pinned. Empty: it is kept.",
    )
    audit_retention_days: NonNegativeInt = Field(
        90,
        le=36_500,
        description="Days for which it is kept who signed in, failed to, or changed an account, and from "
        "which network; `chat-history purge` removes what is older.",
    )
    shutdown_grace: Seconds = Field(
        20, description="Seconds that replies get when it is told to stop; other requests get 5 after that."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least severe lines that are logged. Libraries log from WARNING on."
    )

    @field_validator("jwt_required_claims", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("is not JSON") from None

    @property
    def database_connections(self) -> int:
        """How many connections to the database a process may open, exports and erasures included."""
        return self.database_pool_size + 2 * BULK_CONNECTIONS

    @property
    def external_issuer(self) -> bool:
        """Whether tokens come from an external issuer, which turns local accounts off."""
        return self.jwt_jwks_url is not None or self.jwt_public_key is not None

    @property
    def signing_key(self) -> str:
        """SECRET_KEY. Raises SetupError if it is missing."""
        if self.secret_key is None:
            raise SetupError(
                "SECRET_KEY: needed with DATABASE_URL. This makes one:\n"
                '  python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        return self.secret_key.get_secret_value()

    @property
    def data_directory(self) -> Path:
        """Where the embedded server keeps its data: for root not below /root, as it runs as another user."""
        if self.data_dir is not None:
            return self.data_dir.absolute()
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            return Path("/var/lib/chat-history")
        return platformdirs.user_data_path("chat-history")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.database_url_unpooled is not None and self.database_url is None:
            raise ValueError("DATABASE_URL_UNPOOLED is set, so DATABASE_URL must be, too")
        if self.jwt_jwks_url is not None and self.jwt_public_key is not None:
            raise ValueError("set JWT_JWKS_URL or JWT_PUBLIC_KEY, not both")
        if self.external_issuer:
            if self.jwt_issuer is None:
                raise ValueError("JWT_ISSUER is needed with an external issuer")
            if not self.jwt_algorithms or "HS256" in self.jwt_algorithms:
                raise ValueError("JWT_ALGORITHMS of an external issuer are RS256, ES256 or EdDSA")
        for name in () if self.external_issuer else OF_AN_ISSUER:
            if getattr(self, name) != type(self).model_fields[name].default:
                # It implies an issuer: without the issuer's keys, anybody could create a local account.
                raise ValueError(f"{name.upper()} is set: so must be JWT_JWKS_URL or JWT_PUBLIC_KEY")
        if self.secret_key is not None and len(self.secret_key.get_secret_value().encode()) < SECRET_BYTES:
            raise ValueError(f"SECRET_KEY is shorter than {SECRET_BYTES} bytes")
        return self


def read_settings(**given: object) -> Settings:
    """Reads the settings from the environment; those in `given` take precedence.

    Raises SetupError with a line for each setting that is wrong, and never its value; also for a `.env` that
    cannot be read.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks what the caller gives
    except ValidationError as error:
        raise SetupError(
            "\n".join(_sentence(entry["loc"], entry["msg"]) for entry in error.errors())
        ) from None
    except UnicodeDecodeError:
        raise SetupError(".env: is not UTF-8") from None
    except OSError as error:
        raise SetupError(f".env: cannot be read ({error.strerror})") from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{str(location[0]).upper()}: {text}" if location else text
