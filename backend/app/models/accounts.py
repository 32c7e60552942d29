"""Request and response models for accounts and tokens."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from .base import Answer, Request, Time, with_examples
from .text import Password, Text

MIN_PASSWORD_CHARACTERS = 8
_ADDRESS = Text(characters=254, bytes=1_000)


def _address(value: str) -> str:
    name, at, domain = value.partition("@")
    if not (name and at and domain) or "@" in domain or any(character.isspace() for character in value):
        raise PydanticCustomError("email_invalid", "Not an e-mail address.")
    return _ADDRESS.check(value.casefold())  # folding may lengthen it: each ΐ becomes three characters


def _long_enough(value: str) -> str:
    if len(value) < MIN_PASSWORD_CHARACTERS:
        raise PydanticCustomError("password_too_short", f"Shorter than {MIN_PASSWORD_CHARACTERS} characters.")
    return value


_NAME = r"([^@\s\u001c-\u001f\u0085]|\ufeff)+"  # the same spaces as in PRINTS

Email = Annotated[
    str, _ADDRESS, AfterValidator(_address), Field(json_schema_extra={"pattern": f"^{_NAME}@{_NAME}$"})
]
"""An address is a name to sign in with, in upper or lower case; nothing is sent to it."""

NewPassword = Annotated[
    Password,
    AfterValidator(_long_enough),
    Field(
        description=f"At least {MIN_PASSWORD_CHARACTERS} characters.",
        json_schema_extra={"minLength": MIN_PASSWORD_CHARACTERS},
    ),
]

_Unused = Annotated[str, Text(characters=1_000, bytes=1_000, blank=True)]


class AccountCreate(
    Request,
    json_schema_extra=with_examples({"email": "alice@example.com", "password": "correct horse battery"}),
):
    email: Email
    password: NewPassword


class PasswordChange(
    Request,
    json_schema_extra=with_examples(
        {"current_password": "correct horse battery", "new_password": "staple correct horse"}
    ),
):
    current_password: Password
    new_password: NewPassword


class SignIn(Request):
    """The form of OAuth 2's password grant (RFC 6749, section 4.3). `scope` and the client are ignored."""

    grant_type: Annotated[str, StringConstraints(pattern="^(password)?$")] = Field("password")
    username: Email = Field(examples=["alice@example.com"])
    password: Password = Field(examples=["correct horse battery"])
    scope: _Unused = ""
    client_id: _Unused | None = None
    client_secret: _Unused | None = None


class Token(Answer):
    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"])
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # the name of a scheme, not a secret
    expires_in: int = Field(description="Seconds.", examples=[86400])


class Account(Answer):
    id: int = Field(examples=[1])
    email: str | None = Field(
        description="Null for a user of an external issuer.", examples=["alice@example.com"]
    )
    issuer: str | None = Field(description="Null for a local account.", examples=[None])
    subject: str | None = Field(description="Null for a local account.", examples=[None])
    created_at: Time
