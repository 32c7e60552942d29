"""Settings: every one is documented, and unsafe ones are refused with a sentence that names them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import SetupError
from app.main import create_app
from app.settings import Settings, read_settings
from embedded_for_tests import another_user
from support import MEASURED, SECRET, Postgres, settings

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text()
PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----"


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor a `.env` of whoever runs the tests may matter."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_example_names_every_setting_with_its_sentence_and_default() -> None:
    documented = {
        name: re.sub(r"(?m)^# ?", "", comment)
        for comment, name in re.findall(r"(?m)^((?:# .*\n)+)#([A-Z_]+)=", EXAMPLE)
    }
    assert documented.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        assert field.description is not None
        assert " ".join(documented[name.upper()].split()) == " ".join(field.description.split())


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE)
    assert read_settings() == Settings(_env_file=None)
    (tmp_path / ".env").write_text(re.sub(r"(?m)^#([A-Z_]+=)", r"\1", EXAMPLE))
    assert read_settings().model_dump() == Settings(_env_file=None).model_dump()


def test_settings_come_from_the_environment_and_lists_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("JWT_REQUIRED_CLAIMS", '{"role": "authenticated"}')
    monkeypatch.setenv("JWT_JWKS_URL", "https://issuer.example/keys")
    monkeypatch.setenv("JWT_ISSUER", "https://issuer.example")
    monkeypatch.setenv("DATABASE_URL", "")
    found = read_settings()
    assert found.cors_origins == ("https://a.example", "https://b.example")
    assert found.jwt_required_claims == {"role": "authenticated"}
    assert found.database_url is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"secret_key": "short"}, "SECRET_KEY is shorter than 32 bytes"),
        ({"jwt_jwks_url": "https://x.example/keys"}, "JWT_ISSUER is needed"),
        ({"jwt_jwks_url": "https://x.example", "jwt_public_key": PEM, "jwt_issuer": "x"}, "not both"),
        ({"jwt_public_key": PEM, "jwt_issuer": "x", "jwt_algorithms": "HS256"}, "RS256, ES256 or EdDSA"),
        ({"jwt_algorithms": "none"}, "JWT_ALGORITHMS"),
        ({"jwt_algorithms": "RS256,HS512"}, "JWT_ALGORITHMS"),
        ({"database_pool_size": "0"}, "DATABASE_POOL_SIZE"),
        ({"port": "65536"}, "PORT"),
        ({"jwt_leeway": "301"}, "JWT_LEEWAY"),
        ({"log_level": "chatty"}, "LOG_LEVEL"),
        ({"token_lifetime": "soon"}, "TOKEN_LIFETIME"),
        ({"token_lifetime": "315360001"}, "TOKEN_LIFETIME"),
        ({"jwt_required_claims": "role"}, "JWT_REQUIRED_CLAIMS"),
        ({"registration": "maybe"}, "REGISTRATION"),
        ({"forwarded_allow_ips": "10.0.0.1, proxy.internal"}, "FORWARDED_ALLOW_IPS"),
        ({"forwarded_allow_ips": "10.0.0.0/33"}, "FORWARDED_ALLOW_IPS"),
        ({"forwarded_allow_ips": "10.0.0.1/24"}, "FORWARDED_ALLOW_IPS"),
        ({"forwarded_allow_ips": "*,10.0.0.1"}, "FORWARDED_ALLOW_IPS"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    given: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name.upper(), value)
    with pytest.raises(SetupError) as refused:
        read_settings()
    assert sentence in str(refused.value)


@pytest.mark.parametrize("proxies", ["10.0.0.0/8, fd00::/8, 192.0.2.1", "*"])
def test_proxies_have_addresses_or_networks(proxies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", proxies)
    assert read_settings().forwarded_allow_ips == tuple(proxies.split(", "))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_ISSUER", "https://issuer.example"),
        ("JWT_AUDIENCE", "chat"),
        ("JWT_AUTHORIZED_PARTIES", "https://app.example"),
        ("JWT_REQUIRED_CLAIMS", '{"role": "authenticated"}'),
        ("JWT_ALGORITHMS", "EdDSA"),
    ],
)
def test_half_an_issuer_is_not_local_accounts_that_everybody_can_make(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=f"{name} is set: so must be JWT_JWKS_URL or JWT_PUBLIC_KEY"):
        read_settings()
    monkeypatch.setenv("JWT_ISSUER", "https://issuer.example")
    monkeypatch.setenv("JWT_PUBLIC_KEY", PEM)
    assert read_settings().external_issuer


def test_a_direct_address_alone_is_not_where_only_some_commands_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_UNPOOLED", "postgresql://alex:x@direct.example/chat")
    with pytest.raises(SetupError, match=r"^DATABASE_URL_UNPOOLED is set, so DATABASE_URL must be, too$"):
        read_settings()
    monkeypatch.setenv("DATABASE_URL", "postgresql://alex:x@pooler.example/chat")
    assert read_settings().database_url_unpooled is not None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SYSTEM_PROMPT=Gr\xfc\xdfe")
    with pytest.raises(SetupError, match=r"^\.env: is not UTF-8$"):
        read_settings()
    (tmp_path / ".env").write_text("SYSTEM_PROMPT=Grüße")
    assert read_settings().system_prompt == "Grüße"
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").symlink_to("/proc/self/mem")  # which not even root can read from its beginning
    with pytest.raises(SetupError, match=r"^\.env: cannot be read \(.+\)$"):
        read_settings()


@pytest.mark.parametrize("value", ["inf", "nan", "0.0001", "0", "-1", "86400.5", "1e9"])
@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_TIMEOUT",
        "DATABASE_POOL_TIMEOUT",
        "DATABASE_IDLE_SECONDS",
        "MODEL_FIRST_TOKEN_SECONDS",
        "MAX_REPLY_SECONDS",
        "SHUTDOWN_GRACE",
    ],
)
def test_times_are_those_that_somebody_could_mean(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=f"^{name}: Input should be "):
        read_settings()
    for possible in ("0.1", "86400"):
        monkeypatch.setenv(name, possible)
        assert getattr(read_settings(), name.lower()) == float(possible)


@pytest.mark.parametrize("rate", ["inf", "nan", "0", "1e-9", "1e9"])
def test_flushes_have_a_rate_that_can_be_kept(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUSHES_PER_SECOND", rate)
    with pytest.raises(SetupError, match=r"^FLUSHES_PER_SECOND: Input should be "):
        read_settings()


@pytest.mark.parametrize(
    "origin",
    [
        "https://[bad",
        "https://chat.example/",
        "https://chat.example/path",
        "https://Chat.example",
        "https://chat.example:443",
        "http://chat.example:80",
        "https://chat.example:",
        "https://chat.example:99999999",
        "https://alex@chat.example",
        "https://chat example",
        "https://",
        "//chat.example",
        "chat.example",
        "https://a.example https://b.example",
    ],
)
def test_what_no_browser_sends_is_no_origin(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"https://a.example, {origin}")
    with pytest.raises(SetupError, match=r"^CORS_ORIGINS: must be origins as browsers send them"):
        read_settings()


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example",
        "http://localhost:3000",
        "http://[::1]:8080",
        "https://a.example:80",
        "app://-",
        "*",
    ],
)
def test_what_browsers_send_is_an_origin(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", origin)
    assert read_settings().cors_origins == (origin,)


def test_a_refusal_never_repeats_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    with pytest.raises(SetupError) as refused:
        read_settings()
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value.__context__)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"database_url": None}, "DATABASE_URL"),
        ({"secret_key": None}, "SECRET_KEY"),
        ({"database_url": "mysql://localhost/x"}, "DATABASE_URL"),
        ({"database_url": "postgresql://db.example/x", "allow_plaintext_database": False}, "sslmode"),
        (
            {"database_url": "postgresql://db.example/x?sslmode=prefer", "allow_plaintext_database": False},
            "sslmode",
        ),
        ({"jwt_jwks_url": "http://issuer.example/keys", "jwt_issuer": "x"}, "JWT_JWKS_URL"),
        ({"jwt_public_key": "no key", "jwt_issuer": "x"}, "JWT_PUBLIC_KEY"),
    ],
)
def test_what_is_unsafe_is_not_served(postgres: Postgres, given: dict[str, object], sentence: str) -> None:
    create_app(settings(postgres))
    with pytest.raises(SetupError) as refused:
        create_app(settings(postgres, **given))
    assert sentence in str(refused.value)


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_an_encrypted_database_elsewhere_is_served(postgres: Postgres, sslmode: str) -> None:
    url = f"postgresql://alex:x@ep-cool-a1b2c3d4-pooler.us-east-2.aws.neon.tech/db?sslmode={sslmode}"
    create_app(settings(postgres, database_url=url, allow_plaintext_database=False))


def served(postgres: Postgres) -> dict[str, str]:
    """The least that serving a database needs."""
    needed = {"DATABASE_URL": postgres.text, "SECRET_KEY": SECRET, "ALLOW_PLAINTEXT_DATABASE": "true"}
    return MEASURED | needed


def test_the_application_of_the_environment_needs_nothing_else(postgres: Postgres) -> None:
    program = "import app.asgi; print(app.asgi.app.title)"
    ran = subprocess.run(
        [sys.executable, "-c", program], env=served(postgres), capture_output=True, text=True, check=False
    )
    assert ran.stdout == "chat-history\n", ran.stderr


def test_the_application_of_the_environment_does_not_start_without_a_schema(
    make_database: Callable[[], Postgres],
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "uvicorn", "app.asgi:app", "--port", "0"],
        env=served(make_database()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "`chat-history migrate` makes the schema" in ran.stderr


def test_the_data_of_the_embedded_server_have_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/home/alex/data")
    assert read_settings(data_dir="here").data_directory == Path("here").absolute()
    unsaid = read_settings()
    if os.geteuid() == 0:
        assert unsaid.data_directory == Path("/var/lib/chat-history")
    with another_user():
        assert unsaid.data_directory == Path("/home/alex/data/chat-history")
