"""Members of a key set that no token may be verified with, and why."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .issuer import PRIVATE
from .server import jwk

GOOD = jwk(PRIVATE["ES256"], "good")
UNUSABLE: dict[str, tuple[object, str]] = {
    "for encryption": (jwk(PRIVATE["RS256"], "x", use="enc", alg="RSA-OAEP"), "not for signatures"),
    "to sign alone": (jwk(PRIVATE["RS256"], "x", key_ops=["sign"]), "not for signatures"),
    "key_ops a number": (jwk(PRIVATE["RS256"], "x", key_ops=1), "not iterable"),
    "unknown type": ({"kty": "LWE", "kid": "x"}, "neither RSA"),
    "no type": ({}, "neither RSA"),
    "no object": ("text", "neither RSA"),
    "null": (None, "neither RSA"),
    "a shared secret": ({"kty": "oct", "k": "AAAA", "alg": "HS256"}, "everybody can read"),
    "with its private half": (jwk(PRIVATE["RS256"], "x", d="AQAB"), "everybody can read"),
    "RSA of 1024": (jwk(rsa.generate_private_key(65537, 1024), "x"), "fewer than 2048 bits"),
    "RSA with exponent 1": (jwk(PRIVATE["RS256"], "x", e="AQ"), "e must be"),
    "RSA of zero": (jwk(PRIVATE["RS256"], "x", n="AA"), ""),
    "RSA without n": ({"kty": "RSA", "e": "AQAB"}, "neither RSA"),
    "RSA with padding": (jwk(PRIVATE["RS256"], "x", e="AQAB=="), "not canonical base64url"),
    "P-384": (jwk(ec.generate_private_key(ec.SECP384R1()), "x"), "neither RSA"),
    "P-256 beside its curve": (jwk(PRIVATE["ES256"], "x", x="AQAB"), "not on the curve"),
    "Ed25519 too short": (jwk(PRIVATE["EdDSA"], "x", x="AQAB"), "32 bytes"),
    "X25519": (jwk(PRIVATE["EdDSA"], "x", crv="X25519"), "neither RSA"),
    "RS512": (jwk(PRIVATE["RS256"], "x", alg="RS512"), "alg other than RS256"),
    "alg a list": (jwk(PRIVATE["RS256"], "x", alg=["RS256"]), "alg other than RS256"),
    "kid a number": (jwk(PRIVATE["RS256"], None, kid=7), "kid that is not text"),
    "kid of another": (
        jwk(ec.generate_private_key(ec.SECP256R1()), "good"),
        "that of an earlier key",
    ),
}
