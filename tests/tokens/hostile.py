"""Hostile tokens, each next to a good one that differs in what its name says, and no more."""

import json
import string
from collections.abc import Callable, Iterator
from dataclasses import replace

from app.tokens import TokenPolicy

from .issuer import (
    ABSENT,
    GOOD_CLAIMS,
    ISSUER,
    NOW,
    SECRET,
    changed,
    claims,
    encode,
    header,
    raw_header,
    raw_payload,
    sealed,
    signed,
    with_raw,
)

LEEWAY = 300
POLICY = TokenPolicy(("HS256",), ISSUER, leeway=LEEWAY)
WITH_AUDIENCE = replace(POLICY, audience=("chat", "other"))
WITH_PARTIES = replace(POLICY, authorized_parties=("https://chat.example",))
WITH_CLAIM = replace(POLICY, required_claims={"member": True, "level": 1, "org": {"id": "o", "n": [1]}})

GOOD = claims({})
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
SPELT = next(token for n in range(99) if "-" in (token := claims({"jti": str(n)})).rsplit(".")[-1])


def respelt(segment: str) -> str:
    """The same bytes in other text: the left-over bits of the last character are not zero."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    assert len(segment) % 4, "no left-over bits"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


UNEVEN = next(token for n in range(9) if len((token := claims({"jti": "x" * n})).split(".")[1]) % 4)
UNEVEN_INPUT = ".".join(UNEVEN.split(".")[:2])


def of_length(length: int) -> str:
    sizes = ((kid, x) for kid in range(4) for x in range(5900, 6100))
    tokens = (
        signed(changed({"alg": "HS256"}, {"kid": "k" * kid}), changed(GOOD_CLAIMS, {"x": "x" * x}))
        for kid, x in sizes
    )
    return next(token for token in tokens if len(token) == length)


DEEP = "[" * 1000 + "]" * 1000

Pairs = dict[str, tuple[dict[str, object], dict[str, object]]]

# Changes of the header or the claims of a good token: first what is refused, then its twin.
HEADERS: Pairs = {
    "typ refresh+jwt": ({"typ": "refresh+jwt"}, {"typ": "at+jwt"}),
    "typ null": ({"typ": None}, {"typ": ABSENT}),
    "typ a number": ({"typ": 1}, {"typ": "JWT"}),
    "typ a list": ({"typ": ["JWT"]}, {"typ": "JWT"}),
    "kid a number": ({"kid": 1}, {"kid": "1"}),
    "kid null": ({"kid": None}, {"kid": ""}),
    "alg absent": ({"alg": ABSENT}, {"alg": "HS256"}),
    "alg null": ({"alg": None}, {"alg": "HS256"}),
    "alg a list": ({"alg": ["HS256"]}, {"alg": "HS256"}),
    "alg an object": ({"alg": {"HS256": 1}}, {"alg": "HS256"}),
    "alg in lower case": ({"alg": "hs256"}, {"alg": "HS256"}),
    "alg none, though signed": ({"alg": "none"}, {"alg": "HS256"}),
    "crit": ({"crit": ["x"], "x": 1}, {"x": 1}),
    "crit empty": ({"crit": []}, {}),
    "crit that is known": ({"crit": ["exp"], "exp": 1}, {"exp": 1}),
    "b64": ({"b64": True}, {}),
    "jku": ({"jku": "https://evil.example/jwks"}, {"cty": "x"}),
    "x5u": ({"x5u": "https://evil.example/cert"}, {"x5t": "x"}),
    "x5c": ({"x5c": ["MIIB"]}, {"x5t": "x"}),
    "jwk": ({"jwk": {"kty": "oct", "k": "AAAA"}}, {"kid": "x"}),
}
CLAIMS: Pairs = {
    "exp absent": ({"exp": ABSENT}, {"exp": NOW + 60}),
    "exp null": ({"exp": None}, {"exp": NOW + 60}),
    "exp true": ({"exp": True}, {"exp": NOW + 60}),
    "exp text": ({"exp": str(NOW + 60)}, {"exp": NOW + 60}),
    "exp a list": ({"exp": [NOW + 60]}, {"exp": NOW + 60.5}),
    "exp over": ({"exp": NOW - LEEWAY - 1}, {"exp": NOW - LEEWAY + 200}),
    "exp negative": ({"exp": -1}, {"exp": NOW + 60}),
    "exp a huge integer": ({"exp": 10**400}, {"exp": 10**12}),
    "nbf null": ({"nbf": None}, {"nbf": NOW}),
    "nbf false": ({"nbf": False}, {"nbf": 0}),
    "nbf text": ({"nbf": "0"}, {"nbf": 0}),
    "nbf to come": ({"nbf": NOW + LEEWAY + 1}, {"nbf": NOW + LEEWAY}),
    "iat null": ({"iat": None}, {"iat": ABSENT}),
    "iat true": ({"iat": True}, {"iat": 1}),
    "iat text": ({"iat": "1"}, {"iat": 1.5}),
    "iat to come": ({"iat": NOW + LEEWAY + 1}, {"iat": NOW + LEEWAY}),
    "sub absent": ({"sub": ABSENT}, {"sub": "a"}),
    "sub null": ({"sub": None}, {"sub": "null"}),
    "sub empty": ({"sub": ""}, {"sub": " "}),
    "sub a number": ({"sub": 1}, {"sub": "1"}),
    "sub true": ({"sub": True}, {"sub": "true"}),
    "sub a list": ({"sub": ["a"]}, {"sub": "a"}),
    "sub of 256": ({"sub": "é" * 256}, {"sub": "é" * 255}),
    "sub with NUL": ({"sub": "a\0"}, {"sub": "a\1"}),
    "sub with a lone surrogate": ({"sub": "\ud83d"}, {"sub": "\ud83d\ude00"}),
    "iss absent": ({"iss": ABSENT}, {"iss": ISSUER}),
    "iss null": ({"iss": None}, {"iss": ISSUER}),
    "iss with a slash": ({"iss": ISSUER + "/"}, {"iss": ISSUER}),
    "iss in upper case": ({"iss": ISSUER.upper()}, {"iss": ISSUER}),
    "iss a list": ({"iss": [ISSUER]}, {"iss": ISSUER}),
    "aud where none is configured": ({"aud": "chat"}, {"aud": ABSENT}),
    "aud null where none is configured": ({"aud": None}, {"aud": ABSENT}),
    "aud empty where none is configured": ({"aud": []}, {"aud": ABSENT}),
    "sts pending": ({"sts": "pending"}, {"sts": "active"}),
}
AUDIENCES: Pairs = {
    "aud absent": ({"aud": ABSENT}, {"aud": "chat"}),
    "aud null": ({"aud": None}, {"aud": "other"}),
    "aud another": ({"aud": "cha"}, {"aud": "chat"}),
    "aud empty": ({"aud": []}, {"aud": ["chat"]}),
    "aud a list of others": ({"aud": ["x", "y"]}, {"aud": ["x", "chat"]}),
    "aud with a number": ({"aud": ["chat", 1]}, {"aud": ["chat", "1"]}),
    "aud an object": ({"aud": {"chat": 1}}, {"aud": ["chat"]}),
}
PARTIES: Pairs = {
    "azp absent": ({"azp": ABSENT}, {"azp": "https://chat.example"}),
    "azp another": ({"azp": "https://evil.example"}, {"azp": "https://chat.example"}),
    "azp a list": ({"azp": ["https://chat.example"]}, {"azp": "https://chat.example"}),
}
MEMBER = {"member": True, "level": 1, "org": {"n": [1], "id": "o"}}
REQUIRED: Pairs = {
    "a required claim absent": ({**MEMBER, "member": ABSENT}, MEMBER),
    "a required claim 1 for true": ({**MEMBER, "member": 1}, MEMBER),
    "a required claim 1.0 for 1": ({**MEMBER, "level": 1.0}, MEMBER),
    "a required claim as text": ({**MEMBER, "level": "1"}, MEMBER),
    "a required claim true inside": ({**MEMBER, "org": {"id": "o", "n": [True]}}, MEMBER),
}
TOKENS: dict[str, tuple[str, str]] = {
    "exp infinite": (with_raw("exp", "1e400"), with_raw("exp", "1e11")),
    "exp Infinity": (with_raw("exp", "Infinity"), with_raw("exp", "99999999999")),
    "nbf minus infinite": (with_raw("nbf", "-1e400"), with_raw("nbf", "-1e11")),
    "a claim NaN": (with_raw("x", "NaN"), with_raw("x", "null")),
    "an integer of 5,000 digits": (with_raw("x", "1" * 5000), with_raw("x", "1" * 500)),
    "a claim repeated": (with_raw("x", '1,"sub":"b"'), with_raw("x", '1,"bus":"b"')),
    "a key repeated inside": (with_raw("x", '{"a":1,"a":1}'), with_raw("x", '{"a":1,"b":1}')),
    "claims nested deep": (with_raw("x", DEEP), with_raw("x", "[[[]]]")),
    "claims a list": (raw_payload("[]"), GOOD),
    "claims null": (raw_payload("null"), GOOD),
    "claims no JSON": (raw_payload("Zm9v"), GOOD),
    "claims empty": (raw_payload(""), GOOD),
    "claims not UTF-8": (raw_payload(b'{"sub":"\xff"}'), GOOD),
    "claims with a byte order mark": (
        raw_payload(b"\xef\xbb\xbf" + json.dumps(GOOD_CLAIMS).encode()),
        GOOD,
    ),
    "header repeats alg": (
        raw_header('{"alg":"none","alg":"HS256"}'),
        raw_header('{"alg":"HS256"}'),
    ),
    "header repeats inside": (
        raw_header('{"alg":"HS256","x":{"a":1,"a":1}}'),
        raw_header('{"alg":"HS256","x":{"a":1,"b":1}}'),
    ),
    "header nested deep": (
        raw_header('{"alg":"HS256","x":' + DEEP + "}"),
        raw_header('{"alg":"HS256","x":[[]]}'),
    ),
    "header NaN": (raw_header('{"alg":"HS256","x":NaN}'), raw_header('{"alg":"HS256","x":0}')),
    "header a list": (raw_header('["alg","HS256"]'), GOOD),
    "header text": (raw_header('"HS256"'), GOOD),
    "header empty": (raw_header(""), GOOD),
    "header with more after it": (raw_header('{"alg":"HS256"}{}'), raw_header('{"alg":"HS256"} ')),
    "header in UTF-16": (raw_header('{"alg":"HS256"}'.encode("utf-16")), GOOD),
    "alg none, unsigned": (encode(b'{"alg":"none"}') + f".{PAYLOAD}.", GOOD),
    "alg HS384, properly": (
        signed('{"alg":"HS384"}', json.dumps(GOOD_CLAIMS), "HS384", SECRET),
        GOOD,
    ),
    "another secret": (sealed(f"{HEADER}.{PAYLOAD}", key=b"x" * 40), GOOD),
    "claims of another": (
        f"{HEADER}.{encode(changed(GOOD_CLAIMS, {'sub': 'b'}).encode())}.{SIGNATURE}",
        GOOD,
    ),
    "no signature": (f"{HEADER}.{PAYLOAD}.", GOOD),
    "two segments": (f"{HEADER}.{PAYLOAD}", GOOD),
    "four segments": (f"{GOOD}.{SIGNATURE}", GOOD),
    "five segments": (f"{HEADER}.{PAYLOAD}.{SIGNATURE}.{SIGNATURE}.{SIGNATURE}", GOOD),
    "a dot more": (f"{GOOD}.", GOOD),
    "nothing": ("", GOOD),
    "dots": ("..", GOOD),
    "as JSON": (
        json.dumps({"protected": HEADER, "payload": PAYLOAD, "signature": SIGNATURE}),
        GOOD,
    ),
    "signature padded": (f"{GOOD}=", GOOD),
    "signature in plain base64": (SPELT.replace("-", "+"), SPELT),
    "signature respelt": (f"{HEADER}.{PAYLOAD}.{respelt(SIGNATURE)}", GOOD),
    "claims respelt": (sealed(respelt(UNEVEN_INPUT)), UNEVEN),
    "claims padded": (sealed(UNEVEN_INPUT + "=" * (-len(UNEVEN.split(".")[1]) % 4)), UNEVEN),
    "space before": (f" {GOOD}", GOOD),
    "line end after": (f"{GOOD}\n", GOOD),
    "space inside": (f"{GOOD[:9]} {GOOD[9:]}", GOOD),
    "scheme before": (f"Bearer {GOOD}", GOOD),
    "letter with an accent": (f"{GOOD}é", GOOD),
    "lone surrogate": (f"{GOOD}\ud800", GOOD),
    "NUL": (f"{GOOD}\0", GOOD),
    "more than 8 KB": (of_length(8193), of_length(8192)),
}


def table() -> Iterator[tuple[str, TokenPolicy, str, str]]:
    """Each as its name, a policy, the token it refuses and the twin that it accepts."""
    groups: list[tuple[Callable[[dict[str, object]], str], TokenPolicy, Pairs]] = [
        (header, POLICY, HEADERS),
        (claims, POLICY, CLAIMS),
        (claims, WITH_AUDIENCE, AUDIENCES),
        (claims, WITH_PARTIES, PARTIES),
        (claims, WITH_CLAIM, REQUIRED),
    ]
    for make, policy, pairs in groups:
        for name, (refused, accepted) in pairs.items():
            yield name, policy, make(refused), make(accepted)
    for name, (token, twin) in TOKENS.items():
        yield name, POLICY, token, twin
