"""Tokens against an independent issuer: PyJWT signs them, and is the oracle of the good ones."""

import hmac
import json
import random
import string
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import NotAuthenticated
from app.tokens import (
    Header,
    Principal,
    TokenPolicy,
    VerificationKey,
    decode_base64url,
    issue,
    public_key,
    read_header,
    secret_key,
    verify,
)
from tokens.hostile import LEEWAY, POLICY, table
from tokens.issuer import (
    ABSENT,
    GOOD_CLAIMS,
    ISSUER,
    KEYS,
    NOW,
    PRIVATE,
    SECRET,
    claims,
    encode,
    raw_payload,
    signed,
)
from tokens.own import UNSENDABLE, own_table

ALGORITHMS = tuple(KEYS)
EVERY_ALGORITHM = TokenPolicy(ALGORITHMS, ISSUER, leeway=LEEWAY)
OWN = TokenPolicy(("HS256",), issuer=None, leeway=30)
HOSTILE = [pytest.param(*case, id=name.replace(" ", "-")) for name, *case in table()]


def is_refused(token: Any, policy: TokenPolicy, key: VerificationKey, now: float = NOW) -> bool:
    """Whether `token` is NotAuthenticated. Anything else that is raised fails the test."""
    try:
        verify(token, policy, key, now)
    except NotAuthenticated:
        return True
    return False


@pytest.mark.parametrize(("policy", "refused", "accepted"), HOSTILE)
def test_a_hostile_token_is_refused_and_its_twin_accepted(
    policy: TokenPolicy, refused: str, accepted: str
) -> None:
    assert refused != accepted
    assert verify(accepted, policy, KEYS["HS256"], NOW) == by_pyjwt(accepted, policy)
    assert is_refused(refused, policy, KEYS["HS256"])


def by_pyjwt(token: str, policy: TokenPolicy) -> Principal:
    claims = jwt.decode(
        token,
        SECRET,
        ["HS256"],
        {"require": ["exp", "sub", "iss"]},
        audience=list(policy.audience) or None,
        issuer=policy.issuer,
        leeway=policy.leeway + time.time() - NOW,  # its clock cannot be set
    )
    issued_at = max(0, claims.get("iat", 0) - policy.leeway)
    return Principal(policy.issuer, claims["sub"], claims["exp"] + policy.leeway, issued_at)


def test_the_table_is_as_long_as_it_claims() -> None:
    assert len(HOSTILE) == len({str(case.id) for case in HOSTILE}) >= 100


def test_the_table_of_this_service_is_that_of_issuers_made_anew() -> None:
    names = {name for name, *_ in table()}
    assert names >= UNSENDABLE.keys()
    own = replace(OWN, leeway=LEEWAY)
    for name, refused, twin, is_good in own_table(7, SECRET):
        assert is_refused(refused, own, KEYS["HS256"]), name
        if is_good:
            assert verify(twin, own, KEYS["HS256"], NOW).subject == "7", name


REASONS: list[tuple[str, TokenPolicy, str, str]] = [
    ("claim-missing", POLICY, claims({"sub": ABSENT}), "exp or sub is missing"),
    ("subject", POLICY, claims({"sub": 1}), "sub is not text"),
    ("payload", POLICY, raw_payload("[]"), "not a JSON object"),
    (
        "required",
        replace(POLICY, required_claims={"a": 1}),
        claims({}),
        "a required claim is missing",
    ),
    (
        "algorithm",
        EVERY_ALGORITHM,
        signed('{"alg":"ES256"}', "{}", "ES256"),
        "alg is not the key's",
    ),
    ("signature", POLICY, signed('{"alg":"HS256"}', "{}", key=b"x" * 40), "JWSError"),
    ("expiry", POLICY, claims({"exp": 1}), "expired"),
]


@pytest.mark.parametrize(
    ("policy", "token", "reason"), [pytest.param(*case, id=name) for name, *case in REASONS]
)
def test_the_log_says_why_and_nothing_of_the_token(
    policy: TokenPolicy, token: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", "app.tokens"):
        assert is_refused(token, policy, KEYS["HS256"])
    (record,) = caplog.records
    assert (record.getMessage(), vars(record)["reason"]) == ("token.refused", reason)


@pytest.mark.parametrize("token", [None, 1, b"a.b.c", [], object()], ids=lambda value: type(value).__name__)
def test_what_is_not_text_is_refused(token: object) -> None:
    assert is_refused(token, POLICY, KEYS["HS256"])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_verifies_its_own_key_and_no_other(name: str) -> None:
    token = jwt.encode(GOOD_CLAIMS, PRIVATE[name], name, headers={"kid": "k1"})

    assert read_header(token, ALGORITHMS) == Header(name, "k1")
    assert verify(token, EVERY_ALGORITHM, KEYS[name], NOW).subject == "user_1"

    for other in set(ALGORITHMS) - {name}:
        assert is_refused(token, EVERY_ALGORITHM, KEYS[other])
        assert is_refused(token, replace(EVERY_ALGORITHM, algorithms=(other,)), KEYS[name])
        with pytest.raises(NotAuthenticated):
            read_header(token, (other,))


def test_ed25519_has_two_names_and_both_need_a_good_signature() -> None:
    token = signed('{"alg":"Ed25519"}', json.dumps(GOOD_CLAIMS), "EdDSA")
    assert verify(token, EVERY_ALGORITHM, KEYS["EdDSA"], NOW).issuer == ISSUER
    assert read_header(token, ("EdDSA",)).algorithm == "EdDSA"

    good = decode_base64url(token.rsplit(".", 1)[1])
    for signature in (b"", bytes(64), good[:-1] + bytes([good[-1] ^ 1])):
        forged = f"{token.rsplit('.', 1)[0]}.{encode(signature)}"
        assert is_refused(forged, EVERY_ALGORITHM, KEYS["EdDSA"])
    other_curve = signed('{"alg":"Ed448"}', json.dumps(GOOD_CLAIMS), "EdDSA")
    assert is_refused(other_curve, EVERY_ALGORITHM, KEYS["EdDSA"])


@pytest.mark.parametrize("name", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_no_secret(name: str) -> None:
    """The confusion of algorithms: HS256, with the bytes of the public key as its secret."""
    published = PRIVATE[name].public_key()
    for encoding in (Encoding.PEM, Encoding.DER):
        secret = published.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        # PyJWT would not sign with PEM, an attacker would.
        signing_input = claims({}).rsplit(".", 1)[0]
        token = f"{signing_input}.{encode(hmac.digest(secret, signing_input.encode(), 'sha256'))}"
        assert is_refused(token, EVERY_ALGORITHM, KEYS[name])
    with pytest.raises(ValueError, match="asymmetric key"):
        secret_key(published.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("ES256", lambda key, data: key.sign(data, ec.ECDSA(hashes.SHA256()))),
        ("ES256", lambda *_: bytes(64)),
        ("RS256", lambda key, data: key.sign(data, PSS, hashes.SHA256())),
        ("RS256", lambda key, data: key.sign(data, padding.PKCS1v15(), hashes.SHA1())),
        ("RS256", lambda key, data: b"\0" + key.sign(data, padding.PKCS1v15(), hashes.SHA256())),
    ],
    ids=["ES256 in DER", "ES256 of zeros", "RS256 as PS256", "RS256 with SHA-1", "RS256 longer"],
)
def test_the_right_key_in_the_wrong_form_is_refused(name: str, sign: Any) -> None:
    good = jwt.encode(GOOD_CLAIMS, PRIVATE[name], name)
    signing_input = good.rsplit(".", 1)[0]
    token = f"{signing_input}.{encode(sign(PRIVATE[name], signing_input.encode()))}"
    assert not is_refused(good, EVERY_ALGORITHM, KEYS[name])
    assert is_refused(token, EVERY_ALGORITHM, KEYS[name])


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (rsa.generate_private_key(65537, 1024).public_key(), "fewer than 2048 bits"),
        # A power of 65537, as a modulus of the flawed library is one modulo each small prime.
        (rsa.RSAPublicNumbers(65537, 65537**129).public_key(), "can be factored"),
        (ec.generate_private_key(ec.SECP384R1()).public_key(), "neither RSA nor P-256"),
        (ec.generate_private_key(ec.SECP256K1()).public_key(), "neither RSA nor P-256"),
        (PRIVATE["RS256"], "neither RSA nor P-256"),
        ("text", "neither RSA nor P-256"),
    ],
    ids=["RSA-1024", "ROCA", "P-384", "secp256k1", "private", "text"],
)
def test_a_weak_or_foreign_key_is_refused(key: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        public_key(key)


def test_the_leeway_ends_to_the_second() -> None:
    token = claims({"exp": NOW, "nbf": NOW - 2 * LEEWAY, "iat": NOW - 2 * LEEWAY})
    expires_at = verify(token, POLICY, KEYS["HS256"], NOW).expires_at
    assert expires_at == NOW + LEEWAY
    assert not is_refused(token, POLICY, KEYS["HS256"], expires_at - 0.001)
    assert is_refused(token, POLICY, KEYS["HS256"], expires_at)
    assert not is_refused(token, POLICY, KEYS["HS256"], NOW - 3 * LEEWAY)
    assert is_refused(token, POLICY, KEYS["HS256"], NOW - 3 * LEEWAY - 0.001)


def test_own_tokens_are_accepted_here_and_only_here() -> None:
    token = issue(7, SECRET, 60, NOW + 0.5)
    assert verify(token, OWN, KEYS["HS256"], NOW) == Principal(None, "7", NOW + 60, NOW - 30)
    assert issue(7, SECRET, 60, NOW) != token  # each has an id of its own

    claims = jwt.decode(token, SECRET, ["HS256"], issuer="chat-history", options={"verify_exp": False})
    assert (claims["sub"], claims["iat"], claims["exp"]) == ("7", NOW, NOW + 60)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt"}

    assert is_refused(token, POLICY, KEYS["HS256"])
    assert is_refused(token, OWN, secret_key(b"another secret, as long as the first is"))
    assert is_refused(token, OWN, KEYS["HS256"], NOW + 60)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_no_mutation_of_a_good_token_is_accepted(name: str) -> None:
    token = jwt.encode(GOOD_CLAIMS, PRIVATE[name], name, headers={"kid": "k1"})
    chance = random.Random(f"mutations of {name}")
    characters = string.ascii_letters + string.digits + "-_=.+/ \n\0é"
    tried = 0
    while tried < 500:
        at = chance.randrange(len(token))
        width = chance.choice([0, 1])  # of what is cut out; nothing is put in its place if only cut
        replacement = "" if width and chance.random() < 0.3 else chance.choice(characters)
        mutated = token[:at] + replacement + token[at + width :]
        if mutated != token:
            tried += 1
            assert is_refused(mutated, EVERY_ALGORITHM, KEYS[name]), (at, width, replacement)
    assert not is_refused(token, EVERY_ALGORITHM, KEYS[name])
