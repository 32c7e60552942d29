"""The keys of an external token issuer: its JSON Web Key Set (RFC 7517), fetched and cached."""

import asyncio
import ipaddress
import json
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from .errors import IssuerUnavailable, NotAuthenticated, SetupError
from .tokens import NAMES, Header, VerificationKey, decode_base64url, public_key

log = logging.getLogger(__name__)

FRESH_SECONDS = 600.0
PAUSE_SECONDS = 30.0
"""The least time between two requests to the issuer, even if it did not answer or if keys are unknown."""
FIRST_PAUSE_SECONDS = 5.0
"""That time while no key is known and every client is refused: IssuerUnavailable's Retry-After."""
FETCH_SECONDS = 3.0
MAX_BYTES = 65_536
MAX_KEYS = 64
LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One member of a key set as its issuer describes it; fields that are not text are None.

    `key` verifies signatures. If it is None, `problem` says why the member cannot be used.
    """

    key_id: str | None
    key_type: str | None
    algorithm: str | None
    key: VerificationKey | None
    problem: str | None


class IssuerKeys:
    """The keys at `url`, fetched when first needed and again after 10 minutes.

    An unknown key id fetches them early, but never within 30 seconds of the last request (5 while no key is
    known). While the issuer does not answer, the known keys stay in use. `clock` returns seconds and is
    monotonic.

    Raises SetupError unless `url` is https, or http on this machine's loopback.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = checked_url(url)
        self._clock = clock
        self._keys: list[PublishedKey] = []
        self._stale_at = float("-inf")
        self._pause_until = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, header: Header) -> VerificationKey:
        """Returns the one key that fits the token's header: by its id, or the only one if it names none.

        Raises NotAuthenticated if none fits, IssuerUnavailable if no usable key is known at all.
        """
        if self._clock() >= self._stale_at:
            await self._refresh()
        key = self._fitting(header)
        if key is None:
            await self._refresh()
            key = self._fitting(header)
        if key is None:
            raise NotAuthenticated if self._keys else IssuerUnavailable
        return key

    async def require(self, algorithms: Collection[str]) -> None:
        """Fetches the keys unless some are known. Raises SetupError if there is none for `algorithms`."""
        if not self._keys:
            self._remember(await _fetch_keys(self._url))
        require_usable(self._keys, algorithms)

    def _fitting(self, header: Header) -> VerificationKey | None:
        fitting = [
            published.key
            for published in self._keys
            if published.key is not None
            and published.key.algorithm == header.algorithm
            and header.key_id in {None, published.key_id}
        ]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> None:
        """Waits for the request that is under way, or sends one if the pause is over."""
        if self._fetch is None or self._fetch.done():
            if self._clock() < self._pause_until:
                return
            self._fetch = asyncio.create_task(self._replace())
        # Shielded, so that a cancelled caller does not cancel the request for the others.
        await asyncio.shield(self._fetch)

    async def _replace(self) -> None:
        try:
            published = await _fetch_keys(self._url)
        except SetupError as error:
            log.warning("jwks.fetch_failed", extra={"reason": str(error)})
            self._stale_at = self._pause_until = self._clock() + self._pause()
            return
        self._remember(published)

    def _remember(self, published: list[PublishedKey]) -> None:
        self._keys = [one for one in published if one.key is not None][:MAX_KEYS]
        log.info("jwks.fetched", extra={"keys": len(published), "usable": len(self._keys)})
        self._stale_at = self._clock() + FRESH_SECONDS
        self._pause_until = self._clock() + self._pause()

    def _pause(self) -> float:
        return PAUSE_SECONDS if self._keys else FIRST_PAUSE_SECONDS


async def published_keys(url: str) -> list[PublishedKey]:
    """Returns the keys that the issuer now publishes at `url`, in its order, usable or not, for display.

    Raises SetupError, which names JWT_JWKS_URL and what is wrong with it or with the response.
    """
    return await _fetch_keys(checked_url(url))


def require_usable(published: list[PublishedKey], algorithms: Collection[str]) -> None:
    """Raises SetupError if no key can be used with `algorithms`."""
    if not any(one.key and one.key.algorithm in algorithms for one in published):
        raise SetupError("JWT_JWKS_URL: the issuer publishes no key that JWT_ALGORITHMS can use")


def checked_url(url: str) -> httpx.URL:
    """Parses `url`. Raises SetupError unless keys may be fetched from it: https, or http on loopback."""
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port
    except (httpx.InvalidURL, UnicodeError):  # the latter for a name that IDNA forbids
        raise SetupError("JWT_JWKS_URL: is not a URL") from None
    if port is not None and not 0 < port <= LARGEST_PORT:
        raise SetupError(f"JWT_JWKS_URL: there is no port {port}")
    if host and (parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(host))):
        return parsed
    raise SetupError("JWT_JWKS_URL: must start with https:// (http:// is for this machine alone)")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _fetch_keys(url: httpx.URL) -> list[PublishedKey]:
    # httpx limits only each read: an issuer that sends a byte per second needs a limit for the whole.
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return read_key_set(await _download(url))
    except TimeoutError:
        problem = f"did not answer within {FETCH_SECONDS:g} seconds"
    except (httpx.HTTPError, OSError, ExceptionGroup) as error:  # a group for a proxy's wrong port
        problem = f"cannot be reached ({type(error).__name__})"
    except (ValueError, RecursionError) as error:
        problem = f"gave no key set ({error})"
    raise SetupError(f"JWT_JWKS_URL: the issuer {problem}")


async def _download(url: httpx.URL) -> bytes:
    # Plain http is for loopback, and a proxy of the environment would send it off this machine.
    through_proxy = url.scheme == "https"
    # A small compressed response may be large when decompressed: the limit holds because nothing is.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    body = bytearray()
    async with (
        _client(through_proxy) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"status {response.status_code}")
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
    return bytes(body)


def _client(through_proxy: bool) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(trust_env=through_proxy)
    except (ImportError, ValueError, httpx.InvalidURL):  # the first one for SOCKS
        raise SetupError(
            "JWT_JWKS_URL: the proxy of the environment (HTTPS_PROXY, ALL_PROXY) is not http:// or https://"
        ) from None


def read_key_set(document: bytes) -> list[PublishedKey]:
    """Returns the members of a JSON Web Key Set. One that cannot be used does not affect the others.

    Raises ValueError if `document` is not a key set.
    """
    match json.loads(document):
        case {"keys": list(members)}:
            pass
        case _:
            raise ValueError("not an object with keys")
    published: list[PublishedKey] = []
    taken: set[tuple[str, str]] = set()
    for member in members:
        one = _describe(member, taken)
        if one.key is not None and one.key_id is not None:
            taken.add((one.key_id, one.key.algorithm))
        published.append(one)
    return published


def _describe(member: object, taken: set[tuple[str, str]]) -> PublishedKey:
    """Describes a key, which is unusable if an earlier one has `taken` its id for the same algorithm."""
    fields = member if isinstance(member, dict) else {}
    key_id, key_type, algorithm = (_text(fields.get(name)) for name in ("kid", "kty", "alg"))
    key, problem = None, None
    try:
        key = _read_key(fields)
    except (ValueError, TypeError, ArithmeticError, UnsupportedAlgorithm) as error:
        problem = str(error)
    if key is not None and (key_id, key.algorithm) in taken:
        key, problem = None, "its kid is that of an earlier key"
    return PublishedKey(key_id, key_type, algorithm, key, problem)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _read_key(fields: dict[str, Any]) -> VerificationKey:
    if "d" in fields or "k" in fields:
        raise ValueError("is a secret that everybody can read")
    if fields.get("use", "sig") != "sig" or "verify" not in fields.get("key_ops", ["verify"]):
        raise ValueError("is not for signatures")
    if "kid" in fields and _text(fields["kid"]) is None:
        raise ValueError("has a kid that is not text")
    key = public_key(_material(fields))
    # Better Auth publishes no alg: the type of the key determines it.
    if fields.get("alg", key.algorithm) not in NAMES[key.algorithm]:
        raise ValueError(f"has an alg other than {key.algorithm}")
    return key


def _material(fields: dict[str, Any]) -> object:
    match fields:
        case {"kty": "RSA", "n": str(n), "e": str(e)}:
            return rsa.RSAPublicNumbers(_integer(e), _integer(n)).public_key()
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            curve = ec.SECP256R1()
            return ec.EllipticCurvePublicNumbers(_integer(x), _integer(y), curve).public_key()
        case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
            return ed25519.Ed25519PublicKey.from_public_bytes(decode_base64url(x))
    return None  # public_key rejects this, like every other unsupported key


def _integer(text: str) -> int:
    return int.from_bytes(decode_base64url(text))
