"""Issues and verifies tokens. No other module imports python-jose.

python-jose only checks signatures. By itself it would accept a token without `exp`, `sub` or `iss`,
an unknown `crit`, any `typ`, repeated JSON keys and three spellings of a signature, and it raises far
more than its own errors. So this module checks header and claims according to RFC 7515 (JWS), RFC 7519
(JWT) and RFC 8725 (best practice), and raises NotAuthenticated for every fault.
"""

import base64
import json
import logging
import math
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jose import jwk, jws, jwt
from jose.backends.base import Key

from .errors import NotAuthenticated

log = logging.getLogger(__name__)

_USER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
OWN_ISSUER = "chat-history"
MAX_TOKEN_LENGTH = 8192
MAX_SUBJECT_LENGTH = 255
MIN_RSA_BITS = 2048

# The names of each algorithm in a header. RFC 9864 gave EdDSA a second name; issuers use both.
NAMES: Mapping[str, tuple[str, ...]] = {
    "HS256": ("HS256",),
    "RS256": ("RS256",),
    "ES256": ("ES256",),
    "EdDSA": ("EdDSA", "Ed25519"),
}
TYPES = ("JWT", "at+jwt")

# Each of these changes what is signed, or lets the token choose its own key.
FORBIDDEN_HEADERS = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c"})

# Keys of a faulty generator can be factored: modulo each of these primes, they are a power of 65537.
ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


@dataclass(frozen=True, slots=True)
class Principal:
    """The user that a token identifies. `issuer` is None for this service's own tokens.

    The token is refused from `expires_at` on, in unix seconds, which includes an issuer's leeway. `issued_at`
    is the earliest time at which it can have been issued, less the leeway; 0 if the token does not say.
    `generation` is the one that `issue` was given.
    """

    issuer: str | None
    subject: str
    expires_at: float
    issued_at: float = 0
    generation: int = 0


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """The requirements for a token. An `issuer` of None is this service itself; `leeway` is in seconds.

    With an `audience`, a token must name one of its values; without one, it must name none at all. With
    `authorized_parties`, its `azp` must be one of them. `required_claims` are compared as JSON: a token's
    1 is neither true nor 1.0.
    """

    algorithms: Collection[str]
    issuer: str | None
    audience: Collection[str] = ()
    authorized_parties: Collection[str] = ()
    required_claims: Mapping[str, Any] = field(default_factory=dict)
    leeway: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """The algorithm and key id of a token that is not verified yet. `algorithm` is a key of NAMES."""

    algorithm: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that verifies signatures of exactly one algorithm, which is a key of NAMES."""

    algorithm: str
    jose: Key


class Ed25519Key(Key):  # type: ignore[misc]  # python-jose ships no types
    """A key of Ed25519 (RFC 8037), which python-jose lacks and several issuers use by default."""

    def __init__(self, key: ed25519.Ed25519PublicKey, algorithm: str) -> None:
        super().__init__(key, algorithm)
        self._key = key

    def verify(self, msg: bytes, sig: bytes) -> bool:
        try:
            self._key.verify(sig, msg)
        except InvalidSignature:
            return False
        return True


for _name in NAMES["EdDSA"]:
    jwk.register_key(_name, Ed25519Key)


def secret_key(secret: bytes) -> VerificationKey:
    """Returns the key of this service's own tokens. Raises ValueError for PEM, which may not be secret."""
    try:
        return VerificationKey("HS256", jwk.construct(secret, "HS256"))
    except jwk.JWKError:
        raise ValueError("is an asymmetric key, where a secret is needed") from None


def public_key(key: object) -> VerificationKey:
    """Returns a public key of `cryptography` with the one algorithm that it is for.

    Raises ValueError, with the reason, unless it is RSA of at least 2048 bits, P-256 or Ed25519.
    """
    match key:
        case rsa.RSAPublicKey():
            if key.key_size < MIN_RSA_BITS:
                raise ValueError(f"is RSA of fewer than {MIN_RSA_BITS} bits")
            if _is_factorable(key.public_numbers().n):
                raise ValueError("is RSA that can be factored (CVE-2017-15361)")
            algorithm = "RS256"
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            algorithm = "ES256"
        case ed25519.Ed25519PublicKey():
            algorithm = "EdDSA"
        case _:
            raise ValueError("is neither RSA nor P-256 nor Ed25519")
    return VerificationKey(algorithm, jwk.construct(key, algorithm))


def _is_factorable(modulus: int) -> bool:
    return all(any(pow(65537, n, prime) == modulus % prime for n in range(prime)) for prime in ROCA_PRIMES)


def issue(user_id: int, secret: str, lifetime: int, now: float, generation: int = 0) -> str:
    """Issues a user's token for `lifetime` seconds from unix time `now`, unless `generation` ends before."""
    claims = {
        "iss": OWN_ISSUER,
        "sub": str(user_id),
        "iat": int(now),
        "exp": int(now) + lifetime,
        "jti": secrets.token_urlsafe(16),
        "gen": generation,
    }
    token: str = jwt.encode(claims, secret, "HS256", headers={"typ": "at+jwt"})
    return token


class _Refused(ValueError):
    """The reason why a token is refused: for the operator's log, never for the client."""


@contextmanager
def _refusing() -> Iterator[None]:
    """Raises NotAuthenticated for every error inside, even for a RecursionError of a hostile header."""
    try:
        yield
    except NotAuthenticated:
        raise
    except Exception as error:  # noqa: BLE001  # any error of a decoder is the token's fault, not a 500
        reason = str(error) if isinstance(error, _Refused) else type(error).__name__
        log.debug("token.refused", extra={"reason": reason})
        raise NotAuthenticated from None


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise _Refused(reason)


@_refusing()
def read_header(token: str, algorithms: Collection[str]) -> Header:
    """Reads the header that selects the key for `token`: verifies nothing, but refuses forbidden headers.

    Raises NotAuthenticated, also for more than 8 KB, and for an algorithm not in `algorithms`.
    """
    _require(len(token) <= MAX_TOKEN_LENGTH, "token too long")
    header_segment, *others = token.split(".")
    _require(len(others) == 2, "not three segments")  # noqa: PLR2004  # RFC 7515, section 7.1
    for segment in others:
        decode_base64url(segment)
    header = _json_object(decode_base64url(header_segment))
    _require(FORBIDDEN_HEADERS.isdisjoint(header), "header has a forbidden member")
    _require("typ" not in header or header["typ"] in TYPES, "typ is not of an access token")
    _require(isinstance(header.get("kid", ""), str), "kid is not text")
    for algorithm in algorithms:
        if header.get("alg") in NAMES[algorithm]:
            return Header(algorithm, header.get("kid"))
    raise _Refused("alg is not accepted")


@_refusing()
def signed_payload(token: str, algorithms: Collection[str], key: VerificationKey) -> bytes:
    """Returns what `key` signed with one of `algorithms`, without checking it. Raises NotAuthenticated."""
    header = read_header(token, algorithms)
    _require(header.algorithm == key.algorithm, "alg is not the key's")
    payload: bytes = jws.verify(token, key.jose, NAMES[key.algorithm])
    return payload


@_refusing()
def verify(token: str, policy: TokenPolicy, key: VerificationKey, now: float) -> Principal:
    """Returns the principal of `token` at unix time `now`. Raises NotAuthenticated and nothing else."""
    claims = _json_object(signed_payload(token, policy.algorithms, key))
    _require({"exp", "sub"} <= claims.keys(), "exp or sub is missing")
    _require_intended(claims, policy)

    subject = claims["sub"]
    _require(isinstance(subject, str), "sub is not text")
    _require(0 < len(subject) <= MAX_SUBJECT_LENGTH, "sub is not 1 to 255 characters")
    # The database stores neither NUL nor a lone surrogate, which UTF-8 cannot encode.
    _require(b"\0" not in subject.encode(), "sub has a NUL")
    if policy.issuer is None:
        # As `issue` writes it, and as the database can store it.
        _require(bool(_USER_ID.fullmatch(subject)) and int(subject) < 2**63, "sub is no user's id")

    expires_at = _time(claims["exp"]) + (policy.leeway if policy.issuer is not None else 0)
    _require(now < expires_at, "expired")
    for name in {"nbf", "iat"} & claims.keys():
        _require(_time(claims[name]) <= now + policy.leeway, f"{name} is in the future")
    generation = claims.get("gen", 0) if policy.issuer is None else 0
    _require(type(generation) is int and 0 <= generation < 2**63, "gen is no generation")
    issued_at = max(0, _time(claims.get("iat", 0)) - policy.leeway)
    return Principal(policy.issuer, subject, expires_at, issued_at, generation)


def _require_intended(claims: Mapping[str, Any], policy: TokenPolicy) -> None:
    issuer = OWN_ISSUER if policy.issuer is None else policy.issuer
    _require(claims.get("iss") == issuer, "iss is missing or another")
    if policy.audience:
        named = claims.get("aud")
        audience = named if isinstance(named, list) else [named]
        _require(all(isinstance(name, str) for name in audience), "aud is missing or not text")
        _require(not set(policy.audience).isdisjoint(audience), "aud is another")
    else:
        _require("aud" not in claims, "aud is present, and none is configured")
    if policy.authorized_parties:
        _require(claims.get("azp") in policy.authorized_parties, "azp is missing or another")
    # A sign-in that Clerk has not finished: a second factor or a choice is still missing.
    _require(claims.get("sts") != "pending", "sts is pending")
    for name, value in policy.required_claims.items():
        _require(name in claims, "a required claim is missing")
        _require(_canonical(claims[name]) == _canonical(value), "a required claim is another")


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _time(value: object) -> float:
    # JSON's true is an int in Python, and its 1e400 is infinite: neither is a time.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Refused("a time is not a finite number")
    return float(value)


def decode_base64url(text: str) -> bytes:
    """Decodes base64url without padding (RFC 7515, section 2). Raises ValueError.

    Python's decoder skips foreign characters and left-over bits, so that many texts decode to the same
    bytes: this one accepts only the text that the bytes encode to.
    """
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise ValueError("not canonical base64url")
    return data


def _json_object(data: bytes) -> dict[str, Any]:
    value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise _Refused("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    _require(len(members) == len(pairs), "a JSON key is repeated")
    return members


def _no_constant(name: str) -> None:
    raise _Refused(f"{name} is not JSON")
