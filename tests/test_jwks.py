"""The issuer's keys, from a real server that counts, rotates, fails, hangs and exaggerates."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from app.errors import IssuerUnavailable, NotAuthenticated, SetupError
from app.jwks import MAX_BYTES, MAX_KEYS, IssuerKeys, PublishedKey, published_keys, read_key_set
from app.tokens import Header
from tokens.issuer import PRIVATE
from tokens.keys import GOOD, UNUSABLE
from tokens.server import (
    Answer,
    Issuer,
    cut_short,
    document,
    drip,
    hang,
    huge,
    jwk,
    key_set,
    redirect,
    serving,
)


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")  # nobody there: loopback needs no proxy
    with serving(key_set(jwk(PRIVATE["RS256"], "r1"), jwk(PRIVATE["EdDSA"], "e1"))) as server:
        yield server


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> IssuerKeys:
    return IssuerKeys(issuer.url, clock)


RSA_1 = Header("RS256", "r1")
ED_1 = Header("EdDSA", "e1")
EC_2 = Header("ES256", "c2")


async def is_known(keys: IssuerKeys, header: Header) -> bool:
    try:
        return (await keys.find(header)).algorithm == header.algorithm
    except NotAuthenticated:
        return False


def test_keys_are_fetched_once_in_ten_minutes(issuer: Issuer, keys: IssuerKeys, clock: Clock) -> None:
    async def scenario() -> None:
        assert issuer.requests == 0
        assert await is_known(keys, RSA_1)
        assert await is_known(keys, ED_1)
        clock.now += 599
        assert await is_known(keys, RSA_1)
        assert issuer.requests == 1
        clock.now += 1
        assert await is_known(keys, RSA_1)
        assert issuer.requests == 2

    asyncio.run(scenario())


def test_a_key_is_chosen_by_id_and_algorithm(issuer: Issuer, keys: IssuerKeys) -> None:
    issuer.answer = key_set(
        jwk(PRIVATE["RS256"], "r1"), jwk(PRIVATE["ES256"], "c1"), jwk(PRIVATE["EdDSA"], None)
    )

    async def scenario() -> None:
        assert await is_known(keys, RSA_1)
        assert await is_known(keys, Header("ES256", None))  # the only one that fits
        assert await is_known(keys, Header("EdDSA", None))
        assert not await is_known(keys, Header("ES256", "r1"))
        assert not await is_known(keys, Header("EdDSA", "e1"))  # an id that no key has

    asyncio.run(scenario())


def test_a_token_without_an_id_needs_a_set_without_a_choice(issuer: Issuer, clock: Clock) -> None:
    one, two = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))

    async def finds(*published: object) -> bool:
        issuer.answer = key_set(*published)
        return await is_known(IssuerKeys(issuer.url, clock), Header("EdDSA", None))

    assert asyncio.run(finds(jwk(one, "1")))
    assert asyncio.run(finds(jwk(one, "1"), jwk(PRIVATE["RS256"], "2")))
    assert not asyncio.run(finds(jwk(one, "1"), jwk(two, "2")))
    assert not asyncio.run(finds(jwk(one, None), jwk(two, None)))


def test_many_callers_make_one_request(issuer: Issuer, keys: IssuerKeys) -> None:
    async def scenario() -> None:
        found = await asyncio.gather(*(is_known(keys, RSA_1) for _ in range(200)))
        assert found == [True] * 200

    asyncio.run(scenario())
    assert issuer.requests == 1


def test_a_caller_who_gives_up_takes_nothing_from_the_others(issuer: Issuer, keys: IssuerKeys) -> None:
    asked, released = threading.Event(), threading.Event()
    good = issuer.answer

    def answer_when_released(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        released.wait()
        good(request)

    issuer.answer = answer_when_released

    async def scenario() -> None:
        first, second = (asyncio.create_task(is_known(keys, RSA_1)) for _ in range(2))
        await asyncio.to_thread(asked.wait)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        released.set()
        assert await second

    asyncio.run(scenario())
    assert issuer.requests == 1


def test_a_rotated_key_is_found_and_unknown_ids_cost_one_request_in_thirty_seconds(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    async def scenario() -> None:
        assert await is_known(keys, RSA_1)
        issuer.answer = key_set(jwk(PRIVATE["ES256"], "c2"))
        clock.now += 29
        assert not await is_known(keys, EC_2)
        assert issuer.requests == 1
        clock.now += 1
        assert await asyncio.gather(*(is_known(keys, EC_2) for _ in range(50))) == [True] * 50
        assert issuer.requests == 2
        assert not await is_known(keys, RSA_1)  # withdrawn
        for unknown in range(50):
            assert not await is_known(keys, Header("ES256", f"unknown {unknown}"))
        assert issuer.requests == 2

    asyncio.run(scenario())


FAULTS: dict[str, tuple[Answer, str]] = {
    "status 500": (document({"keys": []}, 500), "status 500"),
    "not found": (document({"keys": []}, 404), "status 404"),
    "redirect": (redirect, "status 302"),
    "10 MB": (huge, f"more than {MAX_BYTES} bytes"),
    "cut short": (cut_short, "cannot be reached"),
    "no JSON": (document(b"<html>"), "gave no key set"),
    "not UTF-8": (document(b'{"keys": "\xff"}'), "gave no key set"),
    "no object": (document([]), "not an object with keys"),
    "no keys": (document({"key": []}), "not an object with keys"),
    "keys no list": (document({"keys": {}}), "not an object with keys"),
    "nested deep": (document(b"[" * 50_000), "gave no key set"),
}


@pytest.mark.parametrize(("fault", "problem"), FAULTS.values(), ids=FAULTS)
def test_known_keys_stay_in_use_while_the_issuer_fails(
    issuer: Issuer, clock: Clock, fault: Answer, problem: str
) -> None:
    good, issuer.answer = issuer.answer, fault
    keys = IssuerKeys(issuer.url, clock)

    async def scenario() -> None:
        for _ in range(3):
            with pytest.raises(IssuerUnavailable):
                await keys.find(RSA_1)
        assert issuer.requests == 1  # while no key is known, one in five seconds
        issuer.answer = good
        clock.now += 5
        assert await is_known(keys, RSA_1)

        issuer.answer = fault
        clock.now += 600
        for _ in range(3):
            assert await is_known(keys, RSA_1)
            assert not await is_known(keys, EC_2)
        assert issuer.requests == 3  # and one in thirty while some are

        issuer.answer = key_set(jwk(PRIVATE["ES256"], "c2"))
        clock.now += 30
        assert await is_known(keys, EC_2)
        assert not await is_known(keys, RSA_1)

    asyncio.run(scenario())
    issuer.answer = fault
    with pytest.raises(SetupError, match=f"JWT_JWKS_URL: .*{problem}"):
        asyncio.run(published_keys(issuer.url))


@pytest.mark.parametrize("fault", [hang, drip])
def test_an_issuer_that_takes_its_time_is_not_waited_for(
    issuer: Issuer, keys: IssuerKeys, clock: Clock, fault: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        assert await asyncio.gather(*(is_known(keys, RSA_1) for _ in range(20))) == [True] * 20

    asyncio.run(scenario())
    issuer.answer = fault
    clock.now += 600
    # A client has to be made and to connect in this time too, on a slow machine.
    monkeypatch.setattr("app.jwks.FETCH_SECONDS", 5)
    asyncio.run(scenario())
    assert issuer.requests == 2
    with pytest.raises(SetupError, match=r"did not answer within 5 seconds"):
        asyncio.run(published_keys(issuer.url))


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/jwks",
        "http://127.0.0.1.issuer.example/jwks",
        "http://10.0.0.1/jwks",
        "http://127.0.0.1@issuer.example/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "issuer.example/jwks",
        "https://issuer.example:port/jwks",
        "",
    ],
)
def test_keys_come_over_https_or_from_loopback(url: str) -> None:
    with pytest.raises(SetupError, match="JWT_JWKS_URL"):
        IssuerKeys(url)
    with pytest.raises(SetupError, match="JWT_JWKS_URL"):
        asyncio.run(published_keys(url))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://127.0.0.1:99999/", "there is no port 99999"),
        ("https://127.0.0.1:0/", "there is no port 0"),
        ("https://xn--/", "is not a URL"),
    ],
)
def test_an_address_that_cannot_be_is_refused_by_name(url: str, problem: str) -> None:
    with pytest.raises(SetupError, match=f"^JWT_JWKS_URL: {problem}$"):
        IssuerKeys(url)


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("socks5://127.0.0.1:1", "the proxy of the environment .+ is not http:// or https://"),
        ("ftp://127.0.0.1:1", "the proxy of the environment .+ is not http:// or https://"),
        ("http://[bad", "the issuer cannot be reached"),
        ("http://127.0.0.1:99999", "the issuer cannot be reached"),
        ("http://127.0.0.1:1", "the issuer cannot be reached"),
    ],
)
def test_a_proxy_that_leads_nowhere_is_a_sentence(
    proxy: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(SetupError, match=f"^JWT_JWKS_URL: {problem}"):
        asyncio.run(published_keys("https://issuer.example/keys"))


@pytest.mark.parametrize(
    "url",
    ["https://issuer.example/jwks", "http://localhost:1/", "http://[::1]:1/", "http://127.9.9.9/"],
)
def test_an_allowed_address_is_not_asked_before_it_is_needed(url: str) -> None:
    IssuerKeys(url)


@pytest.mark.parametrize(("member", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_key_says_why_and_leaves_the_others_alone(member: object, problem: str) -> None:
    last = jwk(PRIVATE["EdDSA"], "last", use="sig", alg="EdDSA", key_ops=["verify"])
    published = read_key_set(json.dumps({"keys": [GOOD, member, last]}).encode())
    assert [one.key is not None for one in published] == [True, False, True]
    assert [one.problem is None for one in published] == [True, False, True]
    assert problem in str(published[1].problem)


def test_a_key_set_is_described_for_people(issuer: Issuer) -> None:
    issuer.answer = key_set(GOOD, {"kty": "oct", "kid": "s", "alg": "HS256", "k": "AAAA"}, 7)
    usable, secret, number = asyncio.run(published_keys(issuer.url))
    assert (usable.key_id, usable.key_type, usable.algorithm) == ("good", "EC", None)
    assert usable.key is not None
    assert usable.key.algorithm == "ES256"
    assert secret == PublishedKey("s", "oct", "HS256", None, "is a secret that everybody can read")
    assert (number.key_id, number.key_type, number.key) == (None, None, None)


def test_a_set_without_a_usable_key_is_no_answer(issuer: Issuer, keys: IssuerKeys, clock: Clock) -> None:
    good, issuer.answer = issuer.answer, key_set({"kty": "oct", "k": "AAAA"})

    async def scenario() -> None:
        for _ in range(3):
            with pytest.raises(IssuerUnavailable):
                await keys.find(RSA_1)
        assert issuer.requests == 1
        issuer.answer = good
        clock.now += int(IssuerUnavailable.headers["Retry-After"])
        assert await is_known(keys, RSA_1)

    asyncio.run(scenario())


def test_no_more_keys_are_kept_than_an_issuer_can_need(issuer: Issuer, keys: IssuerKeys) -> None:
    many = [jwk(PRIVATE["EdDSA"], str(number)) for number in range(MAX_KEYS + 1)]
    issuer.answer = key_set(*many)

    async def scenario() -> None:
        assert await is_known(keys, Header("EdDSA", str(MAX_KEYS - 1)))
        assert not await is_known(keys, Header("EdDSA", str(MAX_KEYS)))

    asyncio.run(scenario())
