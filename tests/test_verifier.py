"""From settings to a principal: which tokens a service accepts, and what it remembers."""

import asyncio
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import IssuerUnavailable, NotAuthenticated, SetupError
from app.settings import Settings
from app.tokens import Header, Principal, TokenPolicy, VerificationKey, issue
from app.verifier import Verifier, make_verifier
from tokens.issuer import GOOD_CLAIMS, ISSUER, KEYS, NOW, PRIVATE, SECRET
from tokens.server import document, jwk, key_set, serving

EXTERNAL = ("RS256", "ES256", "EdDSA")
OTHER_SECRET = "another secret of the tests, as long as the first"


def configured(**given: Any) -> Verifier:
    return make_verifier(Settings(_env_file=None, **given), clock=lambda: NOW)


def by_issuer(name: str, **changes: object) -> str:
    return jwt.encode(GOOD_CLAIMS | changes, PRIVATE[name], name, headers={"kid": name})


def pem(name: str) -> str:
    public = PRIVATE[name].public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "ascii")


def is_refused(verifier: Verifier, token: str) -> bool:
    try:
        asyncio.run(verifier.verify(token))
    except NotAuthenticated:
        return True
    return False


def test_without_an_issuer_the_tokens_of_this_service_are_accepted() -> None:
    verifier = configured(secret_key=SECRET)
    principal = asyncio.run(verifier.verify(issue(7, SECRET, 60, NOW)))
    assert principal == Principal(None, "7", NOW + 60, NOW - 30)
    assert is_refused(verifier, issue(7, OTHER_SECRET, 60, NOW))
    assert is_refused(verifier, by_issuer("HS256"))
    assert is_refused(verifier, by_issuer("RS256"))


def test_a_token_of_this_service_ends_when_it_says_and_begins_by_a_clock_that_may_differ() -> None:
    verifier = configured(secret_key=SECRET, jwt_leeway=30)
    assert asyncio.run(verifier.verify(issue(7, SECRET, 60, NOW - 59))).expires_at == NOW + 1
    assert is_refused(verifier, issue(7, SECRET, 60, NOW - 60))
    assert not is_refused(verifier, issue(7, SECRET, 60, NOW + 30))
    assert is_refused(verifier, issue(7, SECRET, 60, NOW + 31))


@pytest.mark.parametrize("name", EXTERNAL)
@pytest.mark.parametrize("line_end", ["\n", "\\n"], ids=["lines", "one-line"])
def test_with_a_public_key_the_tokens_of_its_issuer_are_accepted(name: str, line_end: str) -> None:
    public = pem(name).replace("\n", line_end)
    verifier = configured(jwt_public_key=public, jwt_issuer=ISSUER, secret_key=SECRET)
    assert asyncio.run(verifier.verify(by_issuer(name))).issuer == ISSUER
    assert is_refused(verifier, by_issuer(name, iss="https://other.example"))
    assert is_refused(verifier, issue(7, SECRET, 60, NOW))
    assert is_refused(verifier, by_issuer("HS256"))


@pytest.mark.parametrize("name", EXTERNAL)
def test_with_a_key_set_the_tokens_of_its_issuer_are_accepted(name: str) -> None:
    with serving(key_set(*(jwk(PRIVATE[one], one) for one in EXTERNAL))) as issuer:
        verifier = configured(jwt_jwks_url=issuer.url, jwt_issuer=ISSUER, jwt_audience=("chat",))
        token = by_issuer(name, aud=["chat", "x"])
        assert asyncio.run(verifier.verify(token)).subject == "user_1"
        assert is_refused(verifier, by_issuer(name))
        assert is_refused(verifier, by_issuer("HS256", aud="chat"))
        assert issuer.requests == 1


def test_every_setting_of_an_issuer_is_in_force() -> None:
    verifier = configured(
        jwt_public_key=pem("ES256"),
        jwt_issuer=ISSUER,
        jwt_algorithms=("ES256",),
        jwt_audience=("chat",),
        jwt_authorized_parties=("https://chat.example",),
        jwt_required_claims={"role": "authenticated"},
        jwt_leeway=10,
    )
    good = {"aud": "chat", "azp": "https://chat.example", "role": "authenticated", "exp": NOW - 9}
    assert asyncio.run(verifier.verify(by_issuer("ES256", **good))).expires_at == NOW + 1
    for bad in ({"aud": "x"}, {"azp": "x"}, {"role": "anon"}, {"exp": NOW - 10}):
        assert is_refused(verifier, by_issuer("ES256", **(good | bad)))


def test_an_issuer_that_was_never_reached_is_no_fault_of_the_token() -> None:
    with serving(document({}, 500)) as issuer:
        verifier = configured(jwt_jwks_url=issuer.url, jwt_issuer=ISSUER)
        with pytest.raises(IssuerUnavailable):
            asyncio.run(verifier.verify(by_issuer("RS256")))
        assert is_refused(verifier, "no token")
        assert issuer.requests == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"jwt_issuer": None}, "SECRET_KEY: needed"),
        ({"jwt_issuer": None, "secret_key": pem("ES256")}, "SECRET_KEY: is an asymmetric key"),
        ({"jwt_jwks_url": "http://issuer.example"}, "JWT_JWKS_URL: must start with https"),
        ({"jwt_public_key": "key"}, "JWT_PUBLIC_KEY: is not a public key in PEM"),
        ({"jwt_public_key": pem("ES256"), "jwt_algorithms": ("RS256",)}, "is for ES256"),
    ],
    ids=["nothing", "PEM as secret", "plain http", "no PEM", "algorithm not named"],
)
def test_a_set_up_that_cannot_work_is_refused_by_name(given: Any, problem: str) -> None:
    with pytest.raises(SetupError, match=problem):
        configured(**{"jwt_issuer": ISSUER, **given})


def test_a_key_that_is_too_weak_is_refused_by_name() -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    weak = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(SetupError, match="JWT_PUBLIC_KEY: is neither RSA nor P-256"):
        configured(jwt_issuer=ISSUER, jwt_public_key=weak)


class Asked:
    """A source of keys that counts how often a token was really verified."""

    def __init__(self) -> None:
        self.now = float(NOW)
        self.times = 0
        self.verifier = Verifier(TokenPolicy(("HS256",), None), self.find, lambda: self.now)

    async def find(self, _header: Header) -> VerificationKey:
        self.times += 1
        return KEYS["HS256"]

    def verify(self, token: str) -> bool:
        return not is_refused(self.verifier, token)


def test_a_token_is_verified_once_until_it_expires() -> None:
    asked = Asked()
    token = issue(7, SECRET, 60, NOW)
    assert [asked.verify(token) for _ in range(5)] == [True] * 5
    assert asked.times == 1
    asked.now = NOW + 59.9
    assert asked.verify(token)
    assert asked.times == 1
    asked.now = NOW + 60
    assert not asked.verify(token)
    assert not asked.verify(token)
    assert asked.times == 3


def test_what_was_refused_is_not_remembered() -> None:
    asked = Asked()
    early = GOOD_CLAIMS | {"iss": "chat-history", "sub": "7", "nbf": NOW + 5}
    token = jwt.encode(early, SECRET, "HS256")
    assert not asked.verify(token)
    asked.now = NOW + 5
    assert asked.verify(token)


def test_the_oldest_token_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.verifier.MAX_REMEMBERED", 2)
    asked = Asked()
    first, second, third = (issue(user, SECRET, 60, NOW) for user in (1, 2, 3))
    assert all(asked.verify(token) for token in (first, second, third))
    assert asked.times == 3
    assert asked.verify(second)
    assert asked.verify(third)
    assert asked.times == 3
    assert asked.verify(first)
    assert asked.times == 4
