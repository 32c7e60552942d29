"""Verifies the tokens of requests: each one once, as it is cached until it expires."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from .errors import SetupError
from .settings import Settings
from .tokens import (
    Header,
    Principal,
    TokenPolicy,
    VerificationKey,
    public_key,
    read_header,
    secret_key,
    verify,
)

if TYPE_CHECKING:
    from .jwks import IssuerKeys

MAX_REMEMBERED = 10_000

FindKey = Callable[[Header], Awaitable[VerificationKey]]


class Verifier:
    """Verifies tokens against one policy, with the key that `find_key` picks by a token's header.

    Caches up to 10,000 verified tokens and evicts the oldest; refused tokens are never cached. If a
    key is withdrawn, cached tokens that it signed stay valid until they expire. `clock` returns unix
    seconds; `issuer` holds the keys for `find_key` if they are fetched.
    """

    def __init__(
        self,
        policy: TokenPolicy,
        find_key: FindKey,
        clock: Callable[[], float] = time.time,
        issuer: "IssuerKeys | None" = None,
    ) -> None:
        self._policy = policy
        self._find_key = find_key
        self._clock = clock
        self._issuer = issuer
        self._verified: dict[str, Principal] = {}

    async def verify(self, token: str) -> Principal:
        """Returns the principal of `token`. Raises NotAuthenticated, or IssuerUnavailable without any key."""
        principal = self._verified.get(token)
        if principal is not None and self._clock() < principal.expires_at:
            return principal
        return await self._verify_unknown(token)

    def forget(self, subject: str) -> None:
        """Removes the cached tokens of an erased account, because their text identifies the user."""
        gone = [token for token, known in self._verified.items() if known.subject == subject]
        for token in gone:
            del self._verified[token]

    async def require_keys(self) -> None:
        """Fetches the external issuer's keys, if they must be fetched and are not known yet.

        Raises SetupError if none can be used.
        """
        if self._issuer is not None:
            await self._issuer.require(self._policy.algorithms)

    async def _verify_unknown(self, token: str) -> Principal:
        self._verified.pop(token, None)
        key = await self._find_key(read_header(token, self._policy.algorithms))
        principal = verify(token, self._policy, key, self._clock())
        if len(self._verified) >= MAX_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = principal
        return principal


def make_verifier(settings: Settings, clock: Callable[[], float] = time.time) -> Verifier:
    """Creates the verifier for the external issuer if there is one, else for this service's own tokens.

    Sends no request to the issuer yet. Raises SetupError for an address or a key that cannot be used.
    """
    if not settings.external_issuer:
        own = TokenPolicy(("HS256",), issuer=None, leeway=settings.jwt_leeway)
        return Verifier(own, _always(_own_key(settings)), clock)
    policy = TokenPolicy(
        settings.jwt_algorithms,
        settings.jwt_issuer,
        settings.jwt_audience,
        settings.jwt_authorized_parties,
        settings.jwt_required_claims,
        settings.jwt_leeway,
    )
    if settings.jwt_jwks_url is not None:
        from .jwks import IssuerKeys

        keys = IssuerKeys(settings.jwt_jwks_url)
        return Verifier(policy, keys.find, clock, keys)
    return Verifier(policy, _always(_issuer_key(settings)), clock)


def _always(key: VerificationKey) -> FindKey:
    async def find(_header: Header) -> VerificationKey:
        return key

    return find


def _own_key(settings: Settings) -> VerificationKey:
    try:
        return secret_key(settings.signing_key.encode())
    except ValueError as error:
        raise SetupError(f"SECRET_KEY: {error}") from None


def _issuer_key(settings: Settings) -> VerificationKey:
    # Many hosting panels store a value in one line, with its line breaks written as \n.
    pem = (settings.jwt_public_key or "").replace("\\n", "\n")
    try:
        material = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise SetupError("JWT_PUBLIC_KEY: is not a public key in PEM") from None
    try:
        key = public_key(material)
    except ValueError as error:
        raise SetupError(f"JWT_PUBLIC_KEY: {error}") from None
    if key.algorithm not in settings.jwt_algorithms:
        raise SetupError(f"JWT_PUBLIC_KEY: is for {key.algorithm}, which JWT_ALGORITHMS does not name")
    return key
