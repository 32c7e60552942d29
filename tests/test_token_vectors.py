"""Public vectors of the JOSE standards, where they are at hand: no invalid one may verify."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import NotAuthenticated
from app.jwks import read_key_set
from app.tokens import NAMES, VerificationKey, decode_base64url, secret_key, signed_payload

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
ALGORITHMS = tuple(NAMES)

# Wycheproof calls these valid because a decoder may skip a foreign character. None may here.
SLOPPY = {372, 373}
# These are to be refused for their padding, and have none: they are vector 357, which is valid.
SAME_AS_357 = {367, 370}


def opens(token: str, published: dict[str, Any]) -> bool:
    """Whether the payload of `token` comes out with this JWK, through the service's own doors."""
    try:
        signed_payload(token, ALGORITHMS, key_of(published))
    except (NotAuthenticated, LookupError):
        return False
    return True


def key_of(published: dict[str, Any]) -> VerificationKey:
    if published["kty"] == "oct" and published["alg"] == "HS256":
        return secret_key(decode_base64url(published["k"]))
    (member,) = read_key_set(json.dumps({"keys": [published]}).encode())
    if member.key is None:
        raise LookupError(member.problem)
    return member.key


def sample(name: str) -> Any:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the public vectors {name} are not here")
    return json.loads(path.read_text())


def test_wycheproof_signatures() -> None:
    groups = sample("wycheproof-jose/json_web_signature_test.json")["testGroups"]
    token = {vector["tcId"]: vector["jws"] for group in groups for vector in group["tests"]}
    assert {token[number] for number in SAME_AS_357} == {token[357]}

    tried = {"valid": 0, "invalid": 0}
    for group in groups:
        published = group.get("public", group["private"])
        ours = published.get("alg") in {"HS256", "RS256", "ES256"}
        for vector in group["tests"]:
            valid = vector["result"] == "valid" and ours and vector["tcId"] not in SLOPPY
            assert opens(vector["jws"], published) is (valid or vector["tcId"] in SAME_AS_357), vector
            tried["valid" if valid else "invalid"] += vector["tcId"] not in SAME_AS_357
    assert tried == {"valid": 18, "invalid": 381}


def test_wycheproof_key_sets() -> None:
    tried = {"valid": 0, "invalid": 0}
    for group in sample("wycheproof-jose/json_web_key_test.json")["testGroups"]:
        published = read_key_set(json.dumps(group.get("public", group["private"])).encode())
        for vector in group["tests"]:
            opened = False
            for member in published:
                if member.key is not None:
                    try:
                        signed_payload(vector["jws"], ALGORITHMS, member.key)
                        opened = True
                    except NotAuthenticated:
                        pass
            # A set with a shared secret in it is nothing that an issuer may publish.
            valid = vector["result"] == "valid" and "public" in group
            assert opened is valid, vector
            tried["valid" if valid else "invalid"] += 1
    assert tried == {"valid": 1, "invalid": 25}


def test_jose_cookbook() -> None:
    for name in ("4_1.rsa_v15_signature", "4_4.hmac-sha2_integrity_protection"):
        vector = sample(f"jose-cookbook/{name}.json")
        published = vector["input"]["key"] | {"alg": vector["input"]["alg"]}
        published.pop("d", None)
        assert opens(vector["output"]["compact"], published)
        assert not opens(json.dumps(vector["output"]["json_flat"]), published)
    detached = sample("jose-cookbook/4_5.signature_with_detached_content.json")
    assert not opens(detached["output"]["compact"], detached["input"]["key"])
    many = sample("jose-cookbook/4_8.multiple_signatures.json")
    assert not any(opens(json.dumps(many["output"]["json"]), key) for key in many["input"]["key"])
