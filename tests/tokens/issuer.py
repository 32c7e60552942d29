"""An issuer that shares no code with the service: PyJWT signs whatever a test wants signed."""

import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from app.tokens import VerificationKey, public_key, secret_key

NOW = int(time.time())
ISSUER = "https://issuer.example"
SECRET = "a secret of the tests, longer than thirty-two bytes"
PRIVATE: dict[str, Any] = {
    "HS256": SECRET.encode(),
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
KEYS: dict[str, VerificationKey] = {
    name: secret_key(private) if name == "HS256" else public_key(private.public_key())
    for name, private in PRIVATE.items()
}
GOOD_CLAIMS: dict[str, object] = {"iss": ISSUER, "sub": "user_1", "exp": NOW + 86_400, "iat": NOW}
"""Good for a day: a server is shown them too, by the clock, when the other tests have taken their time."""

ABSENT = object()


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: str | bytes, payload: str | bytes, name: str = "HS256", key: Any = None) -> str:
    """A token over exactly these two segments before encoding, signed by PyJWT's own code."""
    first, second = (encode(part.encode() if isinstance(part, str) else part) for part in (header, payload))
    return sealed(f"{first}.{second}", name, key)


def sealed(signing_input: str, name: str = "HS256", key: Any = None) -> str:
    algorithm = jwt.get_algorithm_by_name(name)
    signature = algorithm.sign(signing_input.encode(), algorithm.prepare_key(key or PRIVATE[name]))
    return f"{signing_input}.{encode(signature)}"


def header(changes: dict[str, object]) -> str:
    return signed(changed({"alg": "HS256", "typ": "JWT"}, changes), json.dumps(GOOD_CLAIMS))


def claims(changes: dict[str, object]) -> str:
    return signed('{"alg":"HS256"}', changed(GOOD_CLAIMS, changes))


def changed(members: dict[str, object], changes: dict[str, object]) -> str:
    return json.dumps({name: value for name, value in (members | changes).items() if value is not ABSENT})


def raw_header(text: str | bytes) -> str:
    return signed(text, json.dumps(GOOD_CLAIMS))


def raw_payload(text: str | bytes) -> str:
    return signed('{"alg":"HS256"}', text)


def with_raw(name: str, value: str) -> str:
    """Claims with a value that Python would not write."""
    return raw_payload(json.dumps(GOOD_CLAIMS | {name: "RAW"}).replace('"RAW"', value))
